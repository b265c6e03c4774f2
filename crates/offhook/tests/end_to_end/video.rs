//! The size and rate that the studio wants, end to end: what is encoded here is scaled to it, and seen in
//! what comes back (F58); and what follows a source that failed (F60).

use crate::far_side::*;
use offhook::transport::media::{Codec, Kind};
use offhook::{
    Clip, Event, Join, Joined, LimitedBy, Picture, RemoteVideo, Session, Source, VideoWanted, VideoWish,
};
use offhook_media::h264::{EncoderOptions, Encoding, LiveSender};
use offhook_media::{DecodedFrames, FrameRate, Next, Pattern, SourceError};
use offhook_server::Server;
use std::time::Duration;
use tokio::time::interval;

pub(crate) fn wish(width: u32, height: u32, fps: u32) -> VideoWish {
    VideoWish::new(width, height, fps).expect("it can be meant")
}

async fn studio(video: VideoWish) -> Server {
    Server::builder().studio_video(video).start().await.expect("loopback has a free port")
}

/// Thirty pictures a second of the test pattern.
fn pattern(width: u32, height: u32) -> Encoding<Pattern> {
    let frame_rate = FrameRate::new(30, 1).expect("a rate");
    let options = EncoderOptions { frame_rate, ..EncoderOptions::default() };
    Encoding::pattern(width, height, options).expect("it can be encoded")
}

/// The first pictures from one of this size on.
async fn pictures(session: &Session<Joined>, size: (u32, u32), count: usize) -> Vec<Picture> {
    let video: RemoteVideo = session.remote_video().await.expect("it has media");
    let mut frames = video.decoded();
    let mut seen: Vec<Picture> = Vec::new();
    while seen.len() < count {
        let picture = soon("a picture", frames.next()).await.expect("the session goes on");
        if !seen.is_empty() || (picture.picture.width(), picture.picture.height()) == size {
            seen.push(picture);
        }
    }
    seen
}

// F58
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_is_scaled_to_what_the_studio_wants() {
    let server = studio(wish(320, 240, 10)).await;
    let client = client(&server, "ada");
    let session = soon("the join", idle(&client).join(Join::new().publish(pattern(640, 360)))).await;
    let session = session.expect("it is let in");
    let wanted = VideoWanted { wish: wish(320, 240, 10), limited_by: LimitedBy::None };
    assert_eq!(session.view().video_wanted(), Some(wanted));
    assert_eq!(session.view().models(), ["studio", "echo", "room"]);
    let seen = pictures(&session, (320, 180), 15).await;
    assert!(seen.iter().all(|picture| (picture.picture.width(), picture.picture.height()) == (320, 180)));
    // A busy machine returns fewer, and never more.
    let (first, last) = (seen[0].pts, seen[seen.len() - 1].pts);
    let each = last.saturating_sub(first) / (seen.len() as u32 - 1);
    assert!(each >= Duration::from_millis(95), "one each {each:?}");
    // Another source in its place is scaled as well; what was encoded elsewhere is sent as it is.
    session.replace("video", pattern(480, 480)).expect("of the same codec");
    pictures(&session, (240, 240), 3).await;
    session.replace("video", Clip::sample()).expect("of the same codec");
    pictures(&session, (640, 360), 3).await;
    drop(session.leave());
    client.shutdown().await;
    server.shutdown().await;
}

// F58: whoever draws by himself is told, and scaled all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pictures_that_are_pushed_are_scaled_too_and_their_owner_is_told() {
    let server = studio(wish(160, 90, 30)).await;
    let client = client(&server, "ada");
    let (mut live, track) = LiveSender::new("drawn", EncoderOptions::default()).expect("an encoder");
    let session = soon("the join", idle(&client).join(Join::new().publish(&track))).await;
    let session = session.expect("it is let in");
    let mut video: DecodedFrames = session.remote_video().await.expect("it has media").decoded();
    let mut each = interval(Duration::from_millis(40));
    let shown = soon("a small picture", async {
        for (number, picture) in (0..).zip(Pattern::new(640, 360).expect("a size")) {
            each.tick().await;
            live.push(&picture, Duration::from_millis(40) * number).expect("it encodes");
            let next = tokio::time::timeout(Duration::from_millis(1), video.next()).await;
            if let Ok(Some(shown)) = next
                && shown.picture.width() == 160
            {
                return (shown.picture.width(), shown.picture.height());
            }
        }
        (0, 0)
    })
    .await;
    assert_eq!(shown, (160, 90));
    assert_eq!(live.sender().video_wanted(), Some(wish(160, 90, 30)));
    drop(session.leave());
    client.shutdown().await;
    server.shutdown().await;
}

// F58: a studio that does not keep up wants less, and says so to the one who can help. The stream's time
// runs slower than the wall's, so that every machine is too slow for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_studio_that_does_not_keep_up_says_so_and_is_sent_less() {
    let server = studio(wish(1280, 720, 240)).await;
    let client = client(&server, "ada");
    let options = EncoderOptions { bitrate: 8_000_000, ..EncoderOptions::default() };
    let (mut live, track) = LiveSender::new("drawn", options).expect("an encoder");
    let join = Join::new().prompt("blur and edges").publish(&track);
    let session = soon("the join", idle(&client).join(join)).await.expect("it is let in");
    let mut events = session.events();
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let drawing = std::thread::spawn(move || {
        let mut pictures = Pattern::new(1280, 720).expect("a size");
        for number in 0.. {
            let picture = pictures.next().expect("it never ends");
            live.push(&picture, Duration::from_millis(8) * number).expect("it encodes");
            let paced = stopped.recv_timeout(Duration::from_millis(20));
            if paced != Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                return;
            }
        }
    });
    let less = event("that it wants less", &mut events, |event| match event {
        Event::VideoWanted(Some(wanted)) if wanted.limited_by != LimitedBy::None => Some(*wanted),
        _ => None,
    });
    assert_eq!(less.await, VideoWanted { wish: wish(640, 360, 240), limited_by: LimitedBy::Cpu });
    pictures(&session, (640, 360), 3).await;
    drop(stop);
    drawing.join().expect("it did not panic");
    drop(session.leave());
    client.shutdown().await;
    server.shutdown().await;
}

/// A camera that is pulled out after a second.
struct PulledOut(Encoding<Pattern>, u32);

impl Source for PulledOut {
    fn codec(&self) -> Codec {
        self.0.codec()
    }
    fn next_due(&self) -> Duration {
        self.0.next_due()
    }
    fn next_frame(&mut self, key: bool) -> Result<Next, SourceError> {
        self.1 = self.1.checked_sub(1).ok_or_else(|| SourceError::Device("it was pulled out".into()))?;
        self.0.next_frame(key)
    }
}

/// F60, F61: a device that fails is told with its cause, and what takes its place is seen on the same track.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_camera_that_failed_is_told_of_and_another_takes_its_place() {
    let server = server().await;
    let client = client(&server, "ada");
    let join = Join::new().publish_as("camera", PulledOut(pattern(320, 240), 30));
    let session = soon("the join", idle(&client).join(join)).await.expect("it is let in");
    let mut events = session.events();
    let error = event("its end", &mut events, |event| match event {
        Event::SourceEnded { label, error } => Some((label.clone(), error.clone())),
        _ => None,
    });
    let (label, error) = error.await;
    assert_eq!(label, "camera");
    assert!(error.expect("it failed").contains("it was pulled out"));
    session.replace("camera", pattern(160, 120)).expect("the track is published still");
    pictures(&session, (160, 120), 5).await;
    drop(session);
    client.shutdown().await;
    server.shutdown().await;
}

/// F60: another track under the label of one that was just unpublished is seen, and not taken for that one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_label_that_is_free_again_is_had_by_the_next_track_at_once() {
    let server = server().await;
    let client = client(&server, "ada");
    let join = Join::new().publish_as("camera", pattern(320, 240));
    let session = soon("the join", idle(&client).join(join)).await.expect("it is let in");
    pictures(&session, (320, 240), 3).await;
    for size in [(160, 120), (240, 180)] {
        session.unpublish("camera").expect("it is published");
        session.publish_as("camera", pattern(size.0, size.1)).expect("its label is free");
        pictures(&session, size, 3).await;
    }
    drop(session);
    client.shutdown().await;
    server.shutdown().await;
}

/// Pictures of this size and no other, one after another, once the first of it is there.
async fn settles_on(video: &mut DecodedFrames, size: (u32, u32)) {
    let mut next = async || {
        let frame = soon("a picture", video.next()).await.expect("it goes on");
        (frame.picture.width(), frame.picture.height())
    };
    soon("the first of this size", async { while next().await != size {} }).await;
    for _ in 0..40 {
        assert_eq!(next().await, size, "two in turn are none");
    }
}

// F60: of several pictures the studio paints one: the first that is published and sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_cameras_the_studio_paints_the_first_that_is_sent() {
    let server = studio(wish(1280, 720, 30)).await;
    let client = client(&server, "ada");
    let join = Join::new().publish(pattern(320, 240)).publish_as("screen", pattern(640, 360));
    let session = soon("the join", idle(&client).join(join)).await.expect("it is let in");
    let mut video = session.remote_video().await.expect("it has media").decoded();
    settles_on(&mut video, (320, 240)).await;
    soon("the mute", session.mute(Kind::Video)).await.expect("it is taken");
    soon("the unmute", session.unmute(Kind::Video)).await.expect("it is taken");
    settles_on(&mut video, (320, 240)).await;
    session.publish_as("late", pattern(160, 90)).expect("it can be published");
    settles_on(&mut video, (320, 240)).await;
    session.unpublish("video").expect("it was published");
    settles_on(&mut video, (640, 360)).await;
    drop(session.leave());
    client.shutdown().await;
    server.shutdown().await;
}
