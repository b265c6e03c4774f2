//! An application mirrors its own picture, or what the user sees of themselves, or neither: seen in what a
//! studio that changes nothing sends back (F60).

use crate::far_side::*;
use futures_util::{FutureExt, StreamExt};
use offhook::transport::media::Kind;
use offhook::{Event, Events, Join, Mirror, MirroredExt, Pattern};
use offhook_media::h264::{EncoderOptions, Encoding};
use offhook_media::{DecodedFrames, I420};
use std::sync::{Arc, Mutex};

/// Half of it is odd.
const SIZE: (u32, u32) = (322, 242);

/// Is it the pattern, seen in a mirror? What moves in it is small beside what tells left from right.
fn is_mirrored(picture: &I420) -> bool {
    let pattern = Pattern::new(SIZE.0, SIZE.1).expect("a size that can be").frame(0);
    let like = |other: &I420| picture.psnr(other).expect("of the same size");
    let (plain, mirrored) = (like(&pattern), like(&pattern.clone().mirrored()));
    assert!(plain.max(mirrored) > 18.0, "it is neither: {plain:.1} and {mirrored:.1} dB");
    assert!((plain - mirrored).abs() > 5.0, "it cannot be told: {plain:.1} and {mirrored:.1} dB");
    mirrored > plain
}

/// Waits until what comes back is this way, and stays so.
async fn turns(video: &mut DecodedFrames, mirrored: bool) {
    soon("the other way", async {
        while is_mirrored(&video.next().await.expect("the session goes on").picture) != mirrored {}
    })
    .await;
    for number in 0..10 {
        let frame = soon("a picture", video.next()).await.expect("the session goes on");
        assert_eq!(is_mirrored(&frame.picture), mirrored, "picture {number} after it");
    }
}

/// The link, the state and what is wished for are as they were: it was nobody else's affair.
fn nothing_else_happened(events: &mut Events) {
    while let Some(Some(event)) = events.next().now_or_never() {
        let changes = matches!(
            event,
            Event::StateChanged(_) | Event::LinkLost { .. } | Event::Attempt(_) | Event::Change { .. }
        );
        assert!(!changes, "{event:?}");
    }
}

/// F60: switched while it runs, on one track that nothing else happens to; the self-view is taken before
/// the mirror or behind one of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_published_is_mirrored_while_its_switch_is_on_and_the_self_view_by_its_own() {
    let server = server().await;
    let client = client(&server, "ada");
    let (published, seen) = (Mirror::new(), Mirror::new());
    let self_view = Arc::<Mutex<Option<I420>>>::default();
    let shows = self_view.clone();
    let own = seen.clone();
    let pictures = Pattern::new(SIZE.0, SIZE.1)
        .expect("a size that can be")
        .inspect(move |picture| {
            *shows.lock().expect("nobody panics with it") = Some(own.apply(picture.clone()));
        })
        .mirrored(&published);
    let camera = Encoding::new(pictures, EncoderOptions::default()).expect("the encoder is built in");
    let shown = || is_mirrored(self_view.lock().expect("nobody panics with it").as_ref().expect("it films"));

    let join = Join::new().prompt("original").publish(camera);
    let session = soon("the join", idle(&client).join(join)).await.expect("the server is there");
    let mut video = session.remote_video().await.expect("it has media").decoded();
    turns(&mut video, false).await;
    assert!(!shown());
    let mut events = session.events();
    while events.next().now_or_never().is_some() {}

    published.set(true);
    turns(&mut video, true).await;
    assert!(!shown(), "the self-view has another switch");
    seen.set(true);
    published.set(false);
    turns(&mut video, false).await;
    assert!(shown(), "the others are shown what is written on the wall, the user is not");
    nothing_else_happened(&mut events);
    assert_eq!(video.undecodable(), 0, "no picture was broken by it");

    // It is the application's affair, and outlasts a mute.
    published.set(true);
    soon("the ack", session.mute(Kind::Video)).await.expect("pictures can be muted");
    soon("the ack", session.unmute(Kind::Video)).await.expect("and shown again");
    turns(&mut video, true).await;

    // And what takes its place is mirrored, or not, as it was made.
    let plain = Encoding::pattern(SIZE.0, SIZE.1, EncoderOptions::default()).expect("a size");
    drop(session.replace("video", plain).expect("of the same codec"));
    turns(&mut video, false).await;
    drop(session.leave());
    client.shutdown().await;
    server.shutdown().await;
}
