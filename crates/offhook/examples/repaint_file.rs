//! A video file repainted into another: `repaint_file [IN OUT [PROMPT [URL]]]`. IN is H.264 or IVF with
//! H.264 in it; OUT becomes IVF with H.264, which players and `ffmpeg` read. Without them the project's
//! sample is repainted, into a file in the system's folder for what is not to be kept.
//!
//! Without a URL it has a studio of its own on loopback; another one is asked with the credential in
//! `OFFHOOK_CREDENTIAL`. It takes as long as the film does: a studio repaints what is live. The film begins
//! once the far side is there and whoever writes it down listens, so that its first picture is not lost; what
//! the network loses, or a busy studio leaves out, is said.

use futures_util::StreamExt;
use offhook::transport::media::Codec;
use offhook::{Client, Clip, EncodedFrame, Event, Join};
use offhook_media::ivf;
use std::error::Error;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// The project's own five seconds: "Big Buck Bunny", (c) Blender Foundation, CC BY 3.0.
#[cfg(feature = "webrtc")]
const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../media/assets/bunny-640x360-25fps.h264");
/// So long after the last picture was sent the last one has come back.
const QUIET: Duration = Duration::from_secs(2);
/// Until then the film may take as long as this, beside its own length.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a film came to.
struct Repainted {
    pictures: usize,
    sent: usize,
    length: Duration,
}

async fn repaint(client: &Client, from: &Path, to: &Path, prompt: &str) -> Result<Repainted, Box<dyn Error>> {
    let clip = Clip::open(from)?.require(Codec::H264)?.once();
    let spec = clip.spec();
    let sent = clip.frames().len();
    let session = client.session("studio", "film").join(Join::new().prompt(prompt)).await?;
    let mut video = session.remote_video().await?;
    let mut events = session.events();
    session.publish_as("film", clip)?;
    // Nothing stands under that name before the film is whole.
    let part = to.with_extension("part");
    let (width, height) = (u16::try_from(spec.width)?, u16::try_from(spec.height)?);
    let header = ivf::Header { codec: Codec::H264, width, height, rate: 1000, scale: 1 };
    let mut film = ivf::Writer::new(BufWriter::new(File::create(&part)?), header)?;
    let mut first = None;
    let mut repainted = Repainted { pictures: 0, sent, length: Duration::ZERO };
    let mut patience = Instant::now() + spec.duration + PATIENCE;
    loop {
        let frame = tokio::select! {
            frame = timeout_at(patience, video.next()) => frame,
            Some(event) = events.next() => {
                if matches!(event, Event::SourceEnded { error: None, .. }) {
                    patience = Instant::now() + QUIET;
                }
                continue;
            }
        };
        let Ok(Some(frame)) = frame else { break };
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
        return Err(format!("no picture of {sent} came back ({})", left.reason()).into());
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
    let Repainted { pictures, sent, length } = repainted?;
    writeln!(out, "{pictures} of {sent} pictures, {:.1} s, are in {to}", length.as_secs_f64())?;
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
        let credential = std::env::var("OFFHOOK_CREDENTIAL")?;
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
