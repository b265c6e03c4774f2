//! What video the far side wants, over every recovery: of whichever server the session is on (F58).

use crate::far_side::*;
use crate::line::*;
use crate::moving::DEADLINE;
use offhook::{Event, Join, VideoWish};
use offhook_media::h264::{EncoderOptions, Encoding};
use offhook_server::{Drained, GoAwayCode, Server, Signer};
use std::time::Duration;

fn wish(width: u32, height: u32) -> VideoWish {
    VideoWish::new(width, height, 30).expect("it can be meant")
}

async fn studio(signer: &Signer, wants: VideoWish, window: Duration) -> Server {
    let builder = Server::builder().signer(signer.clone()).studio_video(wants).resume_window(window);
    builder.start().await.expect("loopback has a free port")
}

impl Observed {
    /// Waits for a picture of this size; every one after it must have it too.
    async fn shows(&self, what: &str, size: (u32, u32)) {
        let mut frames = self.session.remote_video().await.expect("it has media").decoded();
        let mut seen = 0;
        while seen < 5 {
            let picture = soon(what, frames.next()).await.expect("it goes on").picture;
            let fits = (picture.width(), picture.height()) == size;
            assert!(fits || seen == 0, "{what}: {}x{}", picture.width(), picture.height());
            seen += u32::from(fits);
        }
    }
}

// F58, F30, F31, F32
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_picture_is_as_large_as_the_server_of_the_moment_wants() {
    let signer = Signer::random().expect("randomness");
    let window = Duration::from_secs(25);
    let (here, there) = (wish(320, 180), wish(160, 90));
    let line = Line::to(studio(&signer, here, window).await).await;
    let second = studio(&signer, there, window).await;
    let pattern = Encoding::pattern(640, 360, EncoderOptions::default()).expect("it can be encoded");
    let mut session = Observed::joined(&line.client, Join::new().prompt("original").publish(pattern)).await;
    session.shows("the picture", (320, 180)).await;
    let past = session.told().len();
    line.tcp.reset();
    session.tells("the recovery", past, |event| matches!(event, Event::Recovered { .. }).then_some(())).await;
    session.shows("the picture after a resume", (320, 180)).await;
    assert_eq!(session.session.view().video_wanted().map(|wanted| wanted.wish), Some(here));
    let past = session.told().len();
    let drained = line.server.drain(&second.url(), DEADLINE, GoAwayCode::ShuttingDown).await;
    assert_eq!(drained.expect("a server of the same key"), Drained { moved: 1, stayed: 0 });
    assert!(session.moved(past).await, "{:#?}", session.told());
    session.shows("the picture on the other server", (160, 90)).await;
    let said = session.told().iter().filter(|(_, event)| matches!(event, Event::VideoWanted(_))).count();
    assert_eq!(said, 2, "once by each server");
    line.end().await;
    second.shutdown().await;
}

// F58, F31: a rejoin is a new connection, and what is wanted holds on it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rejoin_is_as_small_as_the_join_was() {
    let signer = Signer::random().expect("randomness");
    let line = Line::to(studio(&signer, wish(320, 180), Duration::ZERO).await).await;
    let pattern = Encoding::pattern(640, 360, EncoderOptions::default()).expect("it can be encoded");
    let mut session = Observed::joined(&line.client, Join::new().prompt("original").publish(pattern)).await;
    session.shows("the picture", (320, 180)).await;
    let past = session.told().len();
    line.tcp.reset();
    session.tells("the recovery", past, |event| matches!(event, Event::Recovered { .. }).then_some(())).await;
    session.shows("the picture after a rejoin", (320, 180)).await;
    line.end().await;
}
