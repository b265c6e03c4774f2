//! Sources that do not keep to what they began with: pictures of another size, and frames of another
//! codec than was said (R19, F60). What a client that is not ours would send is in the server's tests.

use crate::far_side::*;
use offhook::transport::media::Codec;
use offhook::{CallingState, Clip, Join, Pattern, Source};
use offhook_media::h264::{EncoderOptions, Encoding};
use offhook_media::{DecodedFrames, Next, SourceError};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

fn size(frame: &offhook::Picture) -> (u32, u32) {
    (frame.picture.width(), frame.picture.height())
}

/// Waits for a change from one size to another; nothing of a third one may come.
async fn changes(video: &mut DecodedFrames, from: (u32, u32), to: (u32, u32)) {
    soon("the other size", async {
        loop {
            let seen = size(&video.next().await.expect("the session goes on"));
            assert!(seen == from || seen == to, "{seen:?}");
            if seen == to {
                return;
            }
        }
    })
    .await;
    for number in 0..10 {
        let frame = soon("a picture", video.next()).await.expect("the session goes on");
        assert_eq!(size(&frame), to, "picture {number} after the change");
    }
}

/// F60, R19: larger, smaller and back, in the middle of one stream; what comes back follows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_that_changes_its_size_in_mid_stream_comes_back_in_it() {
    let server = server().await;
    let client = client(&server, "ada");
    let sizes = [(320, 240), (640, 480), (160, 120)];
    let pattern = |(width, height)| Pattern::new(width, height).expect("a size that can be").take(40);
    // One after the other, over and over: whoever looks away misses nothing for good.
    let pictures = sizes.map(pattern).into_iter().cycle().flatten();
    let source = Encoding::new(pictures, EncoderOptions::default()).expect("the encoder is built in");
    let join = Join::new().prompt("original").publish(source);
    let session = soon("the join", idle(&client).join(join)).await.expect("the server is there");
    let mut video = session.remote_video().await.expect("it has media").decoded();
    let first = size(&soon("a picture", video.next()).await.expect("the session goes on"));
    let mut at = sizes.iter().position(|size| *size == first).expect("one of them");
    for _ in 0..4 {
        let next = (at + 1) % sizes.len();
        changes(&mut video, sizes[at], sizes[next]).await;
        at = next;
    }
    assert_eq!(video.undecodable(), 0, "no picture was broken on the way");
    assert_eq!(session.state(), CallingState::Joined);
    drop(session.leave());
    client.shutdown().await;
    server.shutdown().await;
}

/// A clip that gives frames of another codec than it says, while it is told to.
struct Liar {
    clip: Clip,
    film: Clip,
    lies: Arc<AtomicBool>,
}

impl Source for Liar {
    fn codec(&self) -> Codec {
        self.clip.codec()
    }

    fn next_due(&self) -> Duration {
        self.clip.next_due()
    }

    fn next_frame(&mut self, key: bool) -> Result<Next, SourceError> {
        let honest = self.clip.next_frame(key)?;
        if self.lies.load(Ordering::SeqCst) { self.film.next_frame(key) } else { Ok(honest) }
    }
}

/// R19, bad input: what nobody over there could read does not go out, and the session goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_of_another_codec_than_the_source_said_are_not_sent() {
    let server = server().await;
    let client = client(&server, "ada");
    let film = include_bytes!("../../../media/assets/bunny-640x360-25fps.vp8.ivf");
    let film = Clip::from_bytes("film.ivf", film.as_slice().into()).expect("a film of another codec");
    let lies = Arc::new(AtomicBool::new(false));
    let source = Liar { clip: Clip::sample(), film, lies: lies.clone() };
    let join = Join::new().prompt("sepia").publish(source);
    let session = soon("the join", idle(&client).join(join)).await.expect("the server is there");
    let mut video = session.remote_video().await.expect("it has media").decoded();
    for turn in 0..2 {
        for _ in 0..5 {
            soon("a picture", video.next()).await.expect("the session goes on");
        }
        lies.store(true, Ordering::SeqCst);
        // What was on its way comes back, and then nothing.
        let quiet =
            async { while tokio::time::timeout(Duration::from_secs(1), video.next()).await.is_ok() {} };
        soon("the quiet", quiet).await;
        assert_eq!(session.state(), CallingState::Joined, "turn {turn}");
        lies.store(false, Ordering::SeqCst);
    }
    soon("a picture", video.next()).await.expect("the session goes on");
    assert_eq!(video.undecodable(), 0, "nothing was made of it");
    drop(session.leave());
    client.shutdown().await;
    server.shutdown().await;
}
