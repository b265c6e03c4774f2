//! What comes back in a room: what the others publish, one of them at a time.

use super::*;
use futures_util::StreamExt;
use offhook::{Client, Clip, Events, Join, WebRtc};
use offhook_server::{Mint, Server};
use std::time::Duration;
use tokio::time::timeout;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

async fn joined(server: &Server, name: &str, join: Join) -> (Session<Joined>, Events) {
    let credential = server.mint(&Mint::user(name)).expect("its key signs");
    let client = Client::new(WebRtc::new(server.url())).credential(credential.expose().to_owned());
    let idle = client.session("room", "7");
    let events = idle.events();
    (idle.join(join).await.expect("it is let in"), events)
}

/// Hears events until a picture is there that was not there before.
async fn picture(returned: &mut Returned, session: &Session<Joined>, events: &mut Events) {
    let mut last = returned.last.subscribe();
    last.mark_unchanged();
    let seen = async {
        loop {
            tokio::select! {
                news = last.changed() => return news.expect("it is not over"),
                event = events.next() => {
                    let event = event.expect("the session goes on");
                    returned.hear(session, &event).expect("nothing is played");
                }
            }
        }
    };
    timeout(PATIENCE, seen).await.expect("somebody's picture comes");
}

/// Hears events until nobody, or somebody else, is looked at.
async fn another(returned: &mut Returned, session: &Session<Joined>, events: &mut Events, than: &TrackId) {
    while returned.seen.as_ref().is_some_and(|(seen, _)| seen == than) {
        let event = timeout(PATIENCE, events.next()).await.expect("it is told").expect("the session goes on");
        returned.hear(session, &event).expect("nothing is played");
    }
}

// F62
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_room_another_members_pictures_are_kept_and_when_they_go_the_next_ones() {
    let server = Server::builder().start().await.expect("loopback has a free port");
    let (ada, _) = joined(&server, "ada", Join::new().publish(Clip::sample())).await;
    let (session, mut events) = joined(&server, "cy", Join::new()).await;
    let mut returned = Returned::new(None, None);
    returned.begin(&session).await.expect("nothing is played");
    picture(&mut returned, &session, &mut events).await;
    assert!(returned.last.borrow().as_ref().is_some_and(|picture| picture.width() == 640));

    let first = returned.seen.as_ref().map(|(seen, _)| seen.clone()).expect("it is looked at");
    let (bob, _) = joined(&server, "bob", Join::new().publish(Clip::sample())).await;
    drop(ada.leave().await);
    another(&mut returned, &session, &mut events, &first).await;
    picture(&mut returned, &session, &mut events).await;
    assert!(returned.seen.as_ref().is_some_and(|(seen, _)| *seen != first));
    drop((session.leave().await, bob.leave().await));
    server.shutdown().await;
}
