//! A video file repainted into another: `repaint_file [IN OUT [PROMPT [URL]]]`. IN is H.264 or IVF with
//! H.264 in it; OUT becomes IVF with H.264, which players and `ffmpeg` read. Without them the project's
//! sample is repainted, into a file in the system's folder for what is not to be kept.
//!
//! Without a URL it has a studio of its own on loopback; another one is asked with the credential in
//! `OFFHOOK_CREDENTIAL`. It takes as long as the film does, at least: a studio repaints what is live, and leaves
//! pictures out where it cannot keep up. So the next one is sent when the last is back. What the network loses
//! is lost all the same; how many came back, of how many, is said.

use offhook::transport::media::{Codec, TrackSender, TrackSpec, local};
use offhook::{Client, Clip, EncodedFrame, Join, Source};
use offhook_media::{Next, ivf};
use std::error::Error;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// The project's own five seconds: "Big Buck Bunny", (c) Blender Foundation, CC BY 3.0.
#[cfg(feature = "webrtc")]
const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../media/assets/bunny-640x360-25fps.h264");
/// Once all was sent, what is not back after this silence does not come any more.
const QUIET: Duration = Duration::from_secs(2);
/// Before that it may be silent for as long: the first picture takes its time, and so does a recovery.
const PATIENCE: Duration = Duration::from_secs(20);
/// A picture that is not back by now is lost, or the far side wants another before it gives one.
const LOST: Duration = Duration::from_secs(1);
/// How soon it is looked again whether somebody takes the film.
const AGAIN: Duration = Duration::from_millis(10);

/// What a film came to.
struct Repainted {
    pictures: usize,
    /// So many the film has.
    of: usize,
    length: Duration,
}

/// A film that is sent at the pace at which it comes back.
struct Playing {
    clip: Clip,
    sender: TrackSender,
    /// When the next picture is due.
    due: Instant,
    /// Sent, and not back.
    away: usize,
    /// So many may be.
    allowed: usize,
    over: bool,
}

impl Playing {
    fn new(clip: Clip, sender: TrackSender) -> Self {
        Self { clip, sender, due: Instant::now(), away: 0, allowed: 1, over: false }
    }

    fn may_send(&self) -> bool {
        !self.over && self.away < self.allowed
    }

    fn send(&mut self) -> Result<(), Box<dyn Error>> {
        if !self.sender.is_tapped() {
            self.due = Instant::now() + AGAIN;
            return Ok(());
        }
        let at = self.clip.next_due();
        match self.clip.next_frame(self.sender.key_frame_wanted())? {
            Next::Frame(frame) => self.away += usize::from(self.sender.try_send(frame)),
            Next::Nothing => {}
            Next::Over => self.over = true,
        }
        self.due = Instant::now() + self.clip.next_due().saturating_sub(at);
        Ok(())
    }
}

async fn repaint(client: &Client, from: &Path, to: &Path, prompt: &str) -> Result<Repainted, Box<dyn Error>> {
    let clip = Clip::open(from)?.require(Codec::H264)?.once();
    let spec = clip.spec();
    // Borrowed, so that it begins to play when somebody takes what comes back, and not with the join.
    let (sender, track) = local(TrackSpec { codec: Codec::H264, label: "film".into() });
    let joining = client.session("studio", "film").join(Join::new().prompt(prompt).publish(&track));
    let session = joining.await?;
    let mut video = session.remote_video().await?;
    // Nothing stands under that name before the film is whole.
    let part = to.with_extension("part");
    let (width, height) = (u16::try_from(spec.width)?, u16::try_from(spec.height)?);
    let header = ivf::Header { codec: Codec::H264, width, height, rate: 1000, scale: 1 };
    let mut film = ivf::Writer::new(BufWriter::new(File::create(&part)?), header)?;
    let mut first = None;
    let mut repainted = Repainted { pictures: 0, of: spec.frames, length: Duration::ZERO };
    let mut playing = Playing::new(clip, sender);
    let (mut heard, mut lost) = (Instant::now(), Instant::now() + LOST);
    while !(playing.over && playing.away == 0) {
        let frame = tokio::select! {
            frame = video.next() => frame,
            () = sleep_until(playing.due), if playing.may_send() => {
                playing.send()?;
                lost = Instant::now() + LOST;
                continue;
            }
            () = sleep_until(lost), if !playing.over && !playing.may_send() => {
                playing.allowed += 1;
                continue;
            }
            () = sleep_until(heard + if playing.over { QUIET } else { PATIENCE }) => break,
        };
        let Some(frame) = frame else { break };
        heard = Instant::now();
        playing.away = playing.away.saturating_sub(1);
        // A film begins with a picture that needs none before it.
        if first.is_none() && !frame.key {
            continue;
        }
        let began = *first.get_or_insert(frame.pts);
        let pts = frame.pts.saturating_sub(began);
        film.write(&EncodedFrame { pts, ..frame })?;
        repainted.pictures += 1;
        repainted.length = pts;
    }
    film.finish()?.flush()?;
    let left = session.leave().await;
    if repainted.pictures == 0 {
        std::fs::remove_file(&part)?;
        return Err(format!("no picture of {} came back ({})", spec.frames, left.reason()).into());
    }
    std::fs::rename(&part, to)?;
    Ok(repainted)
}

async fn tell(
    client: &Client,
    [from, to, prompt]: [&str; 3],
    out: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    let repainted = repaint(client, Path::new(from), Path::new(to), prompt).await;
    client.shutdown().await;
    let Repainted { pictures, of, length } = repainted?;
    writeln!(out, "{pictures} of {of} pictures, {:.1} s, are in {to}", length.as_secs_f64())?;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    program(&arguments, &mut io::stdout()).await
}

#[cfg(feature = "webrtc")]
pub(crate) async fn program(arguments: &[&str], out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let ours = std::env::temp_dir().join(format!("repainted-{}.ivf", std::process::id()));
    let ours = ours.display().to_string();
    let (films, url) = match *arguments {
        [] => ([SAMPLE, &ours, "sepia"], None),
        [from, to] => ([from, to, "sepia"], None),
        [from, to, prompt] => ([from, to, prompt], None),
        [from, to, prompt, url] => ([from, to, prompt], Some(url)),
        _ => return Err("repaint_file [IN OUT [PROMPT [URL]]]".into()),
    };
    if let Some(url) = url {
        let credential = std::env::var("OFFHOOK_CREDENTIAL").map_err(
            |_| "set OFFHOOK_CREDENTIAL to a credential of that server; `offhook serve` prints one",
        )?;
        return tell(&Client::new(offhook::WebRtc::new(url)).credential(credential), films, out).await;
    }
    let server = offhook_server::Server::builder().start().await?;
    let credential = server.mint(&offhook_server::Mint::user("you"))?;
    let client = Client::new(offhook::WebRtc::new(server.url())).credential(credential.expose().to_owned());
    let told = tell(&client, films, out).await;
    server.shutdown().await;
    told
}

#[cfg(not(feature = "webrtc"))]
pub(crate) async fn program(_: &[&str], _: &mut impl Write) -> Result<(), Box<dyn Error>> {
    Err("this needs the feature `webrtc`".into())
}
