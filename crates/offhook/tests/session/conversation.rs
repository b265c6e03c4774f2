//! Sound, text and moods on a far side that is a hand: what an application sees of a conversation
//! (F54, F55, F56, F63).

use crate::common::*;
use futures_util::FutureExt;
use offhook::mock::Remote;
use offhook::transport::media::Kind;
use offhook::transport::{Action, Content, FaultKind, GoAwayHint, GoAwayReason, Plan, Plane};
use offhook::{Event, Join, Mood, Played, SendError, Sound};
use std::time::Duration;
use tokio::time::Instant;

/// So many packets of 20 ms, told apart by their number.
fn sound(packets: u8) -> Sound {
    Sound::from_packets((0..packets).map(|n| vec![0xf8, n, 7, 7, 7, 7, 7, 7, 7].into())).expect("it is Opus")
}

/// F54: a sound takes its time, with silence before and after it, and none of it is lost.
#[tokio::test(start_paused = true)]
async fn a_sound_is_sent_in_its_own_time_between_silences() {
    let (client, remote) = studio();
    let session = joined_studio(&client, Join::new().voice()).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let began = Instant::now();
    let playing = session.play_audio(sound(50)).expect("it has a voice");
    assert_eq!(playing.await, Played::Whole);
    let took = began.elapsed();
    assert!(took.abs_diff(Duration::from_secs(1)) <= Duration::from_millis(40), "it took {took:?}");
    tokio::time::sleep(Duration::from_millis(200)).await;
    let sent = remote.frames();
    let loud: Vec<u8> =
        sent.iter().filter(|one| one.frame.data.len() > 3).map(|one| one.frame.data[1]).collect();
    assert_eq!(loud, (0..50).collect::<Vec<_>>());
    assert!(sent.len() >= 68, "and silence around it: {} packets", sent.len());
    session.leave().await.released().await;
    client.shutdown().await;
}

/// Eight seconds, each packet with its number.
fn long() -> Sound {
    let packet = |n: u16| vec![0xf8, n.to_be_bytes()[0], n.to_be_bytes()[1], 7, 7, 7, 7, 7, 7].into();
    Sound::from_packets((0..400).map(packet)).expect("it is Opus")
}

/// The numbers of its packets that came since this was asked last.
fn heard(remote: &Remote) -> Vec<u16> {
    let sent = remote.frames();
    let loud = sent.iter().map(|one| &one.frame.data).filter(|data| data.len() > 3);
    loud.map(|data| u16::from_be_bytes([data[1], data[2]])).collect()
}

/// F54: however long the far side is away, a sound is not played to nobody: it goes on where it was when the
/// loss was noticed.
#[tokio::test(start_paused = true)]
async fn a_sound_is_not_over_while_nobody_can_hear_it() {
    let (client, remote) = studio();
    let session = joined_studio(&client, Join::new().voice()).await;
    let mut playing = session.play_audio(long()).expect("it has a voice");
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut events = session.events();
    remote.cut();
    let lost =
        |event: &Event| matches!(event, Event::LinkLost { plane: offhook::Plane::Media, .. }).then_some(());
    event(&mut events, lost).await;
    assert!(!heard(&remote).is_empty());
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(!session.is_connected(), "and nothing comes back");
    assert_eq!((&mut playing).now_or_never(), None, "it waits");
    remote.restore();
    event(&mut events, |event| matches!(event, Event::Recovered { .. }).then_some(())).await;
    assert_eq!(playing.await, Played::Whole);
    let rest = heard(&remote);
    // The loss was noticed after five seconds more.
    let first = rest.first().copied().expect("the rest of it is heard");
    assert!((290..=310).contains(&first), "from {first} on");
    assert!(
        rest.is_sorted() && rest.len() >= usize::from(400 - first) - 2 && rest.ends_with(&[399]),
        "{rest:?}"
    );
    session.leave().await.released().await;
    client.shutdown().await;
}

/// F54: what is played while the far side is away is heard from its beginning, or stopped unheard.
#[tokio::test(start_paused = true)]
async fn a_sound_that_is_played_while_away_begins_when_it_can_be_heard() {
    let (client, remote) = studio();
    let session = joined_studio(&client, Join::new().voice()).await;
    let mut events = session.events();
    remote.cut();
    let lost =
        |event: &Event| matches!(event, Event::LinkLost { plane: offhook::Plane::Media, .. }).then_some(());
    event(&mut events, lost).await;
    let unheard = session.play_audio(sound(10)).expect("it has a voice");
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(session.stop_audio(), "it waits");
    assert_eq!(unheard.await, Played::Stopped);
    let playing = session.play_audio(long()).expect("it has a voice");
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(heard(&remote).is_empty());
    remote.restore();
    assert_eq!(playing.await, Played::Whole);
    let heard = heard(&remote);
    assert!(heard.is_sorted() && heard.len() >= 398 && heard.ends_with(&[399]), "{heard:?}");
    session.leave().await.released().await;
    client.shutdown().await;
}

/// F54, R8, R13: where media goes on, a sound does: over a loss of signaling alone, and over a move that makes
/// before it breaks.
#[tokio::test(start_paused = true)]
async fn a_sound_has_no_gap_where_media_never_stopped() {
    for moves in [false, true] {
        let (client, remote) = by_hand();
        let joining = idle(&client).join(Join::new().voice());
        let dial = remote.dial().await;
        dial.accept();
        let session = joining.await.expect("accepted");
        let began = Instant::now();
        let mut playing = session.play_audio(long()).expect("it has a voice");
        tokio::time::sleep(Duration::from_secs(1)).await;
        let mut events = session.events();
        if moves {
            let reason = GoAwayReason::Rebalance;
            dial.go_away(GoAwayHint { url: Some("elsewhere".into()), ticket: None, deadline: None, reason });
        } else {
            dial.lose(Plane::Signaling, FaultKind::Closed);
        }
        let next = remote.dial().await;
        assert_eq!(matches!(next.plan(), Plan::Migrate { .. }), moves);
        tokio::time::sleep(Duration::from_secs(2)).await;
        next.accept();
        event(&mut events, |event| match event {
            Event::MigrationFinished { moved: true, .. } if moves => Some(()),
            Event::Recovered { .. } if !moves => Some(()),
            _ => None,
        })
        .await;
        assert_eq!((&mut playing).now_or_never(), None, "it still plays");
        assert_eq!(playing.await, Played::Whole);
        let took = began.elapsed();
        assert!(took.abs_diff(Duration::from_secs(8)) <= Duration::from_millis(60), "it took {took:?}");
        drop(session.leave());
    }
}

/// F54, R4: while the far side is away a sound waits; leaving cuts it wherever it is.
#[tokio::test(start_paused = true)]
async fn a_sound_waits_for_a_far_side_that_is_away_and_is_cut_by_leaving() {
    let (client, remote) = studio();
    let session = joined_studio(&client, Join::new().voice()).await;
    let playing = session.play_audio(sound(100)).expect("it has a voice");
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut events = session.events();
    remote.cut();
    event(&mut events, |event| matches!(event, Event::LinkLost { .. }).then_some(())).await;
    remote.restore();
    event(&mut events, |event| matches!(event, Event::Recovered { .. }).then_some(())).await;
    assert_eq!(playing.await, Played::Whole);
    let sent = remote.frames();
    let loud = sent.iter().filter(|one| one.frame.data.len() > 3).map(|one| one.frame.data[1]);
    let loud: Vec<_> = loud.collect();
    // A packet that is on its way when the network goes, or the link changes, is lost as on any network.
    assert!(loud.is_sorted() && loud.len() >= 97 && loud.ends_with(&[97, 98, 99]), "it waited: {loud:?}");
    let long = session.play_audio(sound(200)).expect("it has a voice");
    tokio::time::sleep(Duration::from_millis(500)).await;
    remote.frames();
    let leaving = session.leave();
    assert_eq!(long.now_or_never(), Some(Played::Ended), "when leave returned");
    leaving.await.released().await;
    assert!(remote.frames().is_empty(), "and nothing of it was sent after that");
    client.shutdown().await;
}

/// F54, F60: muted, a sound is not sent, and ends as if it were.
#[tokio::test(start_paused = true)]
async fn a_muted_voice_sends_nothing_at_all() {
    let (client, remote) = studio();
    let session = joined_studio(&client, Join::new().voice().muted(Kind::Audio)).await;
    assert_eq!(session.play_audio(sound(10)).expect("it has a voice").await, Played::Whole);
    assert!(remote.frames().is_empty());
    session.unmute(Kind::Audio).await.expect("acked");
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(remote.frames().iter().all(|one| one.frame.data.len() == 3), "silence from here on");
    session.leave().await.released().await;
    client.shutdown().await;
}

/// F55, F63: what the far side does and says is told in its order.
#[tokio::test(start_paused = true)]
async fn moods_words_and_reactions_are_told_in_their_order() {
    let (client, remote) = by_hand();
    let (session, dial) = joined(&client, &remote).await;
    let mut events = session.events();
    dial.conversation(Mood::Processing);
    dial.says("an hour on foot");
    dial.reaction("grace", "applause");
    dial.conversation(Mood::Idle);
    let mut told = Vec::new();
    while told.len() < 4 {
        let next = event(&mut events, |event| match event {
            Event::Conversation(_) | Event::Said(_) | Event::Reaction { .. } => Some(event.clone()),
            _ => None,
        });
        told.push(next.await);
    }
    let reaction = Event::Reaction { from: "grace".into(), reaction: "applause".into() };
    let said = Event::Said("an hour on foot".into());
    assert_eq!(
        told,
        [Event::Conversation(Mood::Processing), said, reaction, Event::Conversation(Mood::Idle)]
    );
    session.leave().await.released().await;
    client.shutdown().await;
}

/// F55, F56, F63: what the user does goes out once, and is settled by the far side's receipt.
#[tokio::test(start_paused = true)]
async fn what_the_user_says_goes_out_and_is_settled() {
    let (client, remote) = by_hand();
    let (session, dial) = joined(&client, &remote).await;
    let (said, shown) = (session.say("hello"), session.react("applause"));
    session.keep_alive().expect("it goes on");
    let mut asked = Vec::new();
    while asked.len() < 3 {
        match dial.action().await.as_deref() {
            Some(Action::Say(words)) => {
                assert_eq!(words.text, "hello");
                dial.content(Content::Sent { id: words.id });
                asked.push("say");
            }
            Some(Action::React(words)) => {
                assert_eq!(words.text, "applause");
                dial.content(Content::Sent { id: words.id });
                asked.push("react");
            }
            Some(Action::KeepAlive) => asked.push("keep alive"),
            Some(_) => {}
            None => panic!("the link is closed"),
        }
    }
    assert_eq!(asked, ["say", "react", "keep alive"]);
    assert_eq!((said.await, shown.await), (Ok(()), Ok(())));
    let late = session.say("too late");
    let left = session.leave().await;
    assert_eq!(late.await, Err(SendError::Ended { reason: left.reason() }));
    client.shutdown().await;
}
