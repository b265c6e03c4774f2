//! A server that is emptied into another, with real sessions in it (F32, R13): what it knew of
//! them is there before they are, and whatever goes wrong on the way, each is joined somewhere.

use crate::far_side::*;
use crate::line::*;
use crate::moving::{DEADLINE, members, two};
use offhook::{CallingState, EndReason, Event};
use offhook_server::{Drained, EndCode, GoAwayCode, Limits, Server, Signer};
use std::time::Duration;

async fn drain(line: &Line, second: &Server, deadline: Duration) -> Drained {
    let drained = line.server.drain(&second.url(), deadline, GoAwayCode::ShuttingDown).await;
    drained.expect("a server of the same key on this machine")
}

/// F02, F32, H4, H13: made before it is broken, under the same id, with the same prompt; nobody is
/// there twice, and the old server is empty as soon as the new link carries, long before its deadline.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drained_session_moves_whole_and_the_old_server_ends_empty() {
    let (line, second) = two().await;
    let mut session = line.joined().await;
    let id = session.session.id().expect("it is joined");
    soon("the ack", session.session.set_prompt("greyscale")).await.expect("it is known");
    let past = session.told().len();
    session.forget_gaps();
    assert_eq!(drain(&line, &second, DEADLINE).await, Drained { moved: 1, stayed: 0 });
    assert_eq!(second.census().members, 1, "expected there before it comes");
    assert!(session.moved(past).await, "{:#?}", session.told());
    session.pictures(10).await;
    println!("longest gap between two pictures over the drain: {:?}", session.longest_gap());
    assert!(!session.was_ever(CallingState::Reconnecting), "{:#?}", session.told());
    assert_eq!(session.session.id(), Some(id), "the session kept its id");
    assert!(session.session.resumed(), "found again, not made anew");
    members(&line.server, 0).await;
    assert_eq!((line.server.census().sessions, second.census().members), (0, 1));
    session.is_grey(5).await;
    session.is_well().await;
    line.end().await;
    second.shutdown().await;
}

/// F51, R14: the other server has the image before the session comes, so nothing is sent twice and no
/// picture comes back without it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drained_session_has_its_image_on_the_other_server_without_sending_it_again() {
    let (line, second) = two().await;
    let mut session = line.joined().await;
    let red = offhook_media::Rgb::filled(160, 90, [230, 10, 10]).to_png();
    let image = offhook::Change::new().prompt("original").image(red);
    soon("the ack", session.session.set(image)).await.expect("a good image");
    // Its own events may be told a moment after the call is answered.
    let sent = |event: &Event| match event {
        Event::Uploading { received, total, .. } => (received == total).then_some(()),
        _ => None,
    };
    session.tells("that the first server was sent it", 0, sent).await;
    let past = session.told().len();
    assert_eq!(drain(&line, &second, DEADLINE).await, Drained { moved: 1, stayed: 0 });
    assert!(session.moved(past).await, "{:#?}", session.told());
    let since = session.told().split_off(past);
    assert!(!since.iter().any(|(_, event)| matches!(event, Event::Uploading { .. })), "{since:#?}");
    let mut pictures = session.session.remote_video().await.expect("it has media").decoded();
    for n in 0..5 {
        let picture = soon("a picture", pictures.next()).await.expect("the session goes on").picture;
        let (width, height) = (picture.width() / 2, picture.height() / 2);
        let corner = (height * 4 / 5 * width + width * 4 / 5) as usize;
        assert!(picture.v()[corner] > 180, "picture {n} is without the image");
    }
    line.end().await;
    second.shutdown().await;
}

/// There is no room there: nobody is sent away, and nothing is noticed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_the_second_server_does_not_take_stays_where_it_is() {
    let signer = Signer::random().expect("randomness");
    let full = Limits { members: 0, ..Limits::default() };
    let first = Server::builder().signer(signer.clone()).start().await.expect("loopback");
    let second = Server::builder().signer(signer).limits(full).start().await.expect("loopback");
    let line = Line::to(first).await;
    let mut session = line.joined().await;
    assert_eq!(drain(&line, &second, DEADLINE).await, Drained { moved: 0, stayed: 1 });
    session.is_well().await;
    assert_eq!(session.moves_begun(), 0);
    assert_eq!((line.server.census().members, second.census().members), (1, 0));
    line.end().await;
    second.shutdown().await;
}

/// E8: the second server knows by then that he was kicked, and refuses him. The first sends him
/// there again and again, so that is the end, by its name, and no loop.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_server_that_refuses_for_good_is_the_end_and_no_loop() {
    let (line, second) = two().await;
    let mut session = line.joined().await;
    // Not there, but kept out of there.
    second.end("studio/7", "ada", EndCode::Kicked).await;
    drain(&line, &second, DEADLINE).await;
    let (_, reason) = session
        .tells("the end", 0, |event| match event {
            Event::Ended(ended) => Some(ended.reason),
            _ => None,
        })
        .await;
    assert_eq!(reason, EndReason::Kicked, "a refusal of the person, whatever the way there");
    assert!(session.moves_begun() <= 3, "{:#?}", session.told());
    line.end().await;
    second.shutdown().await;
}

/// The first server dies, without a word and with all its sockets, while the new link is under
/// way: the move goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_server_that_is_killed_midway_does_not_stop_the_drain() {
    let (line, second) = two().await;
    let mut session = line.joined().await;
    let id = session.session.id().expect("it is joined");
    let past = session.told().len();
    let mut of_the_first = Vec::new();
    line.udp.each(|relay| of_the_first.push(relay.control()));
    drain(&line, &second, DEADLINE).await;
    let begun = |event: &Event| matches!(event, Event::MigrationStarted(_)).then_some(());
    session.tells("the beginning", past, begun).await;
    of_the_first.iter().for_each(|relay| relay.cut());
    line.tcp.cut();
    session.is_well().await;
    members(&second, 1).await;
    assert_eq!(session.session.id(), Some(id));
    line.end().await;
    second.shutdown().await;
}

/// The second server goes down as soon as it has taken everybody. Who had arrived hears of the end;
/// who had not is told that the move failed. Nobody waits for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_server_that_is_gone_when_they_come_leaves_nobody_without_an_answer() {
    let (line, second) = two().await;
    let mut session = line.joined().await;
    let past = session.told().len();
    let url = second.url();
    let drained = line.server.drain(&url, DEADLINE, GoAwayCode::ShuttingDown);
    assert_eq!(drained.await.expect("it is there"), Drained { moved: 1, stayed: 0 });
    second.shutdown().await;
    // Either it had arrived, and heard of the end; or the dead target was given up and told.
    session
        .tells("an answer", past, |event| match event {
            Event::MigrationFinished { moved: false } | Event::Ended(_) => Some(()),
            _ => None,
        })
        .await;
    line.end().await;
}
