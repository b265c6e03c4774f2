//! What video the far side wants reaches whoever makes it: a source that was taken over, one that takes
//! its place, one that is published later, and a track that is borrowed (F58).

use crate::common::*;
use futures_util::{FutureExt, StreamExt};
use offhook::mock::{MockDial, Studio};
use offhook::transport::media::{Codec, Kind, TrackSpec, local};
use offhook::transport::{FaultKind, GoAwayHint, GoAwayReason, Plane};
use offhook::{Event, Events, Join, LimitedBy, Source, VideoWanted, VideoWish};
use offhook_media::{Next, SourceError};
use std::sync::{Arc, Mutex};
use std::time::Duration;

type Wishes = Arc<Mutex<Vec<Option<VideoWish>>>>;

/// A source that writes down what is wanted of it.
struct Scalable {
    n: u64,
    wishes: Wishes,
}

impl Scalable {
    fn new() -> (Self, Wishes) {
        let wishes = Wishes::default();
        (Self { n: 0, wishes: wishes.clone() }, wishes)
    }
}

impl Source for Scalable {
    fn codec(&self) -> Codec {
        Codec::H264
    }
    fn next_due(&self) -> Duration {
        Duration::from_millis(40 * self.n)
    }
    fn want(&mut self, wish: Option<VideoWish>) {
        self.wishes.lock().expect("no panic inside").push(wish);
    }
    fn next_frame(&mut self, _key: bool) -> Result<Next, SourceError> {
        let frame = frame(self.n, true);
        self.n += 1;
        Ok(Next::Frame(frame))
    }
}

fn wish(width: u32, height: u32, fps: u32) -> VideoWish {
    VideoWish::new(width, height, fps).expect("it can be meant")
}

fn wanted(width: u32, height: u32, fps: u32) -> VideoWanted {
    VideoWanted { wish: wish(width, height, fps), limited_by: LimitedBy::None }
}

fn taken(wishes: &Wishes) -> Vec<Option<VideoWish>> {
    std::mem::take(&mut wishes.lock().expect("no panic inside"))
}

fn told(events: &mut Events) -> Vec<Option<VideoWanted>> {
    std::iter::from_fn(|| events.next().now_or_never().flatten())
        .filter_map(|event| match event {
            Event::VideoWanted(wanted) => Some(wanted),
            _ => None,
        })
        .collect()
}

/// In virtual time, until everything that was said has been heard.
const SETTLED: Duration = Duration::from_millis(500);

/// Lets a dial in; this much is wanted there.
fn let_in(dial: &MockDial, video: Option<VideoWanted>) {
    let mut up = dial.a_welcome();
    up.video = video;
    up.models = vec!["studio".into(), "echo".into()];
    dial.answer();
    dial.up(up);
    dial.carried(Plane::Signaling);
    dial.ack(dial.seen().revision);
    dial.carried(Plane::Media);
}

// F58
#[tokio::test(start_paused = true)]
async fn a_source_hears_what_is_wanted_with_the_join_later_and_after_a_recovery() {
    let (client, remote) = by_hand();
    let (source, wishes) = Scalable::new();
    let joining = idle(&client).join(Join::new().publish(source));
    let dial = remote.dial().await;
    let_in(&dial, Some(wanted(1280, 720, 30)));
    let session = joining.await.expect("accepted");
    let mut events = session.events();
    tokio::time::sleep(SETTLED).await;
    assert_eq!(taken(&wishes), [Some(wish(1280, 720, 30))]);
    assert_eq!(session.view().video_wanted(), Some(wanted(1280, 720, 30)));
    assert_eq!(session.view().models(), ["studio", "echo"]);
    let less = VideoWanted { limited_by: LimitedBy::Cpu, ..wanted(640, 360, 30) };
    dial.wants(less);
    dial.wants(less);
    tokio::time::sleep(SETTLED).await;
    assert_eq!(taken(&wishes), [Some(wish(640, 360, 30))], "once for one wish");
    assert_eq!(told(&mut events), [Some(wanted(1280, 720, 30)), Some(less)]);
    assert_eq!(session.view().video_wanted(), Some(less));
    // Another link, which may be to another server, says what holds there.
    let mut last = dial;
    for (video, heard) in [(Some(wanted(320, 180, 15)), Some(wish(320, 180, 15))), (None, None)] {
        last.lose(Plane::Signaling, FaultKind::Closed);
        last = remote.dial().await;
        let_in(&last, video);
        tokio::time::sleep(SETTLED).await;
        assert_eq!(taken(&wishes), [heard]);
        assert_eq!((told(&mut events), session.view().video_wanted()), (vec![video], video));
    }
}

// F58, F60: the wish is the track's, whichever source feeds it.
#[tokio::test(start_paused = true)]
async fn a_source_that_comes_later_hears_of_it_and_one_that_goes_is_as_it_was_made() {
    let (client, remote) = studio();
    remote.auto(Studio::seeded(7).wanting(wanted(640, 360, 15)));
    let ((first, firsts), (second, seconds)) = (Scalable::new(), Scalable::new());
    let session = joined_studio(&client, Join::new().publish_as("camera", first)).await;
    tokio::time::sleep(SETTLED).await;
    assert_eq!(taken(&firsts), [Some(wish(640, 360, 15))]);
    let back = session.replace("camera", second).expect("of the same codec").expect("it was there");
    assert_eq!((taken(&firsts), taken(&seconds)), (vec![None], vec![Some(wish(640, 360, 15))]));
    session.publish_as("screen", back).expect("another label");
    tokio::time::sleep(SETTLED).await;
    assert_eq!(taken(&firsts), [Some(wish(640, 360, 15))], "published anew");
    session.unpublish("screen").expect("it is there");
    assert_eq!(taken(&firsts), [None]);
}

// F58: who borrows says what it wants; the owner of the track hears the most of it.
#[tokio::test(start_paused = true)]
async fn the_owner_of_a_borrowed_track_hears_the_most_that_any_session_wants() {
    let (sender, track) = local(TrackSpec { codec: Codec::H264, label: "mine".into() });
    let mut sessions = Vec::new();
    for (width, height, fps) in [(640, 360, 30), (720, 320, 15)] {
        let (client, remote) = studio();
        remote.auto(Studio::seeded(7).wanting(wanted(width, height, fps)));
        sessions.push((joined_studio(&client, Join::new().publish(&track)).await, remote));
    }
    let mut n = 0;
    let mut flow = async |sender: &offhook::transport::media::TrackSender| {
        for _ in 0..10 {
            sender.try_send(frame(n, true));
            n += 1;
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
    };
    flow(&sender).await;
    assert_eq!(sender.video_wanted(), Some(wish(720, 360, 30)));
    let (first, _remote) = sessions.remove(0);
    first.leave().await.released().await;
    flow(&sender).await;
    assert_eq!(sender.video_wanted(), Some(wish(720, 320, 15)));
    assert!(!sessions[0].1.frames().is_empty());
    assert_eq!(track.spec().kind(), Kind::Video);
}

// F58, F32: a word of the server that is being left says nothing of the one that the session goes to.
#[tokio::test(start_paused = true)]
async fn what_a_server_wants_that_is_being_left_is_not_heard() {
    let (client, remote) = by_hand();
    let (source, wishes) = Scalable::new();
    let joining = idle(&client).join(Join::new().publish(source));
    let dial = remote.dial().await;
    let_in(&dial, Some(wanted(1280, 720, 30)));
    let session = joining.await.expect("accepted");
    let reason = GoAwayReason::Rebalance;
    dial.go_away(GoAwayHint { url: Some("elsewhere".into()), ticket: None, deadline: None, reason });
    let next = remote.dial().await;
    let mut up = next.a_welcome();
    up.video = Some(wanted(640, 360, 30));
    next.answer();
    next.up(up);
    next.carried(Plane::Signaling);
    tokio::time::sleep(SETTLED).await;
    dial.wants(wanted(320, 180, 30));
    tokio::time::sleep(SETTLED).await;
    next.ack(next.seen().revision);
    next.carried(Plane::Media);
    tokio::time::sleep(SETTLED).await;
    assert_eq!(session.view().video_wanted(), Some(wanted(640, 360, 30)));
    assert_eq!(taken(&wishes).last(), Some(&Some(wish(640, 360, 30))));
    drop(session.leave());
}
