//! A source that gives no more, and another in its place, over real WebRTC (F60, F61).

use crate::far_side::*;
use offhook::transport::media::Codec;
use offhook::{DeviceError, Event, Join, Lack, Source, SourceEnd, SourceError, VideoWish};
use offhook_media::h264::{EncoderOptions, Encoding};
use offhook_media::{Next, Pattern};
use std::time::Duration;

/// Two seconds of the test pattern, and what becomes of it then.
struct Short {
    pattern: Encoding<Pattern>,
    left: u32,
    fails: bool,
}

impl Short {
    fn new((width, height): (u32, u32), fails: bool) -> Self {
        let pattern = Encoding::pattern(width, height, EncoderOptions::default()).expect("it can be encoded");
        Self { pattern, left: 60, fails }
    }
}

impl Source for Short {
    fn codec(&self) -> Codec {
        self.pattern.codec()
    }
    fn next_due(&self) -> Duration {
        self.pattern.next_due()
    }
    fn want(&mut self, wish: Option<VideoWish>) {
        self.pattern.want(wish);
    }
    fn next_frame(&mut self, key: bool) -> Result<Next, SourceError> {
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                self.pattern.next_frame(key)
            }
            None if self.fails => {
                Err(SourceError::Device(Box::new(DeviceError::new("the camera", Lack::Absent, "unplugged"))))
            }
            None => Ok(Next::Over),
        }
    }
}

/// F60, F61: the picture comes back from whatever takes the place of a source that failed or is over, and
/// each end is told of.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_picture_goes_on_with_another_source_after_one_failed_or_is_over() {
    let server = server().await;
    let client = client(&server, "ada");
    let sources = [((320, 180), true), ((320, 240), false), ((480, 270), true), ((256, 144), false)];
    let join = Join::new().publish(Short::new(sources[0].0, sources[0].1));
    let session = soon("the join", idle(&client).join(join)).await.expect("it is let in");
    let mut events = session.events();
    let mut pictures = session.remote_video().await.expect("it has media").decoded();
    for (at, (size, fails)) in sources.into_iter().enumerate() {
        if at > 0 {
            let spent = session.replace("video", Short::new(size, fails)).expect("it is published");
            assert!(spent.is_some(), "the spent one comes back");
        }
        soon("a picture of the new source", async {
            loop {
                let picture = pictures.next().await.expect("the session goes on").picture;
                if (picture.width(), picture.height()) == size {
                    return;
                }
            }
        })
        .await;
        let why = event("the end of the source", &mut events, |event| match event {
            Event::SourceEnded { label, why } if label == "video" => Some(why.clone()),
            _ => None,
        });
        assert_eq!(matches!(why.await, SourceEnd::Failed(_)), fails);
    }
    drop(session.leave());
    client.shutdown().await;
    server.shutdown().await;
}
