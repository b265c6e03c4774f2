//! Generation by a live model: told, ticking, sticky, and true after every recovery (F52).

use crate::common::*;
use offhook::mock::{MockDial, Remote};
use offhook::transport::media::Kind;
use offhook::transport::{
    EndCode, FaultKind, Generation, GoAwayHint, GoAwayReason, Plan, Plane, ResumeRefusal,
};
use offhook::{CallingState, Client, ConnectionState, Event, Join, Joined, Session};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// What a listener hears of generation.
fn told(event: &Event) -> Option<String> {
    match event {
        Event::GenerationStarted => Some("started".into()),
        Event::GenerationTick { used } => Some(format!("tick {}", used.as_secs())),
        Event::GenerationEnded { reason } => Some(format!("ended: {reason}")),
        Event::Ended(_) => Some("over".into()),
        _ => None,
    }
}

/// F52: it begins with the prompt, ticks each second, and neither a mute nor pictures that stop demote
/// it; its end is told with its reason, before the session's own.
#[tokio::test(start_paused = true)]
async fn generation_is_told_from_its_start_to_its_end_and_is_sticky_in_between() {
    let (client, remote) = studio();
    let idle = idle(&client);
    let mut events = idle.events();
    let join = Join::new().prompt("sepia").publish(offhook::Clip::sample());
    let session = idle.join(join).await.expect("the studio lets everybody in");
    assert_eq!(event(&mut events, told).await, "started");
    assert_eq!(session.connection_state(), ConnectionState::Generating);
    assert!(session.is_connected());
    for second in 1..=3 {
        assert_eq!(event(&mut events, told).await, format!("tick {second}"));
        assert_eq!(session.connection_state(), ConnectionState::Generating);
    }
    session.mute(Kind::Video).await.expect("acked");
    assert_eq!(event(&mut events, told).await, "tick 4");
    assert_eq!(session.connection_state(), ConnectionState::Generating, "nothing is sent, and it goes on");
    let dial = remote.newest().expect("it is open");
    dial.generation(Generation::Ended { reason: "completed".into() });
    dial.end(EndCode::MaxDuration);
    let ended = loop {
        let next = event(&mut events, told).await;
        if !next.starts_with("tick") {
            break next;
        }
    };
    assert_eq!(ended, "ended: completed");
    assert_eq!(event(&mut events, told).await, "over", "the session's end comes last");
    drop(session.leave());
}

/// F52: the end of generation alone is no end of the session.
#[tokio::test(start_paused = true)]
async fn a_session_whose_generation_ended_is_connected_and_no_more() {
    let (client, remote) = by_hand();
    let (session, dial) = joined(&client, &remote).await;
    let mut events = session.events();
    for _ in 0..2 {
        dial.generation(Generation::Started);
        event(&mut events, |event| (*event == Event::GenerationStarted).then_some(())).await;
        assert_eq!(session.connection_state(), ConnectionState::Generating);
        dial.generation(Generation::Ended { reason: "stopped".into() });
        assert_eq!(event(&mut events, told).await, "ended: stopped");
        assert_eq!(session.connection_state(), ConnectionState::Connected);
    }
    drop(session.leave());
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Resume,
    Rejoin,
    Migrate,
}

/// A session that generates, or not, and the dial of its recovery, which waits to be let in.
async fn recovering(
    how: How,
    generating: bool,
    client: &Client,
    remote: &Remote,
) -> (Session<Joined>, MockDial) {
    let (session, dial) = joined(client, remote).await;
    if generating {
        dial.generation(Generation::Started);
    }
    tokio::time::sleep(SECOND).await;
    let next = match how {
        How::Resume | How::Rejoin => {
            dial.lose(Plane::Media, FaultKind::IceSilent);
            dial.lose(Plane::Signaling, FaultKind::Closed);
            let next = remote.dial().await;
            if how == How::Rejoin {
                next.refuse_resume(ResumeRefusal::Gone);
                remote.dial().await
            } else {
                next
            }
        }
        How::Migrate => {
            dial.go_away(GoAwayHint {
                url: Some("wss://other.example".into()),
                ticket: None,
                deadline: Some(30 * SECOND),
                reason: GoAwayReason::Rebalance,
            });
            remote.dial().await
        }
    };
    let as_asked = match how {
        How::Resume => matches!(next.plan(), Plan::Resume { .. }),
        How::Rejoin => matches!(next.plan(), Plan::Rejoin { .. }),
        How::Migrate => matches!(next.plan(), Plan::Migrate { .. }),
    };
    assert!(as_asked, "{how:?}: {:?}", next.plan());
    (session, next)
}

/// Everything that an accepted link says, with what the far side says of generation in it or beside it.
async fn let_in(dial: &MockDial, snapshot: Option<bool>, words: &[Generation]) {
    let mut up = dial.a_welcome();
    up.generating = snapshot;
    dial.answer();
    dial.up(up);
    dial.carried(Plane::Signaling);
    dial.ack(dial.seen().revision);
    words.iter().for_each(|word| dial.generation(word.clone()));
    tokio::time::sleep(SECOND).await;
    dial.carried(Plane::Media);
}

/// F52, bug of the field: a client that hears of generation while it is still on its way back forgot it.
/// Over a real network the first picture is what proves the new link, so that is when it is said.
#[tokio::test(start_paused = true)]
async fn what_is_said_of_generation_on_the_way_back_is_true_when_it_is_back() {
    let started = || Generation::Started;
    let ended = || Generation::Ended { reason: "stopped".into() };
    for how in [How::Resume, How::Rejoin, How::Migrate] {
        for (before, snapshot, words, after) in [
            (false, None, vec![started()], true),
            (true, None, vec![ended()], false),
            (true, Some(true), vec![], true),
            (true, Some(false), vec![], false),
            (false, Some(false), vec![started()], true),
            // What was missed meanwhile is said again, and ends where the snapshot is.
            (true, Some(true), vec![ended(), started()], true),
            (true, None, vec![], how == How::Resume),
        ] {
            let (client, remote) = by_hand();
            let (session, next) = recovering(how, before, &client, &remote).await;
            let mut states = session.states();
            let_in(&next, snapshot, &words).await;
            if session.state() != CallingState::Joined {
                until(&mut states, CallingState::Joined).await;
            }
            let wanted = if after { ConnectionState::Generating } else { ConnectionState::Connected };
            let case = format!("{how:?}: {before}, then {snapshot:?} and {words:?}");
            assert_eq!(session.connection_state(), wanted, "{case}");
            drop(session.leave());
        }
    }
}

/// F52: a far side that behaves by itself says it, and the state is that of before after each recovery.
#[tokio::test(start_paused = true)]
async fn a_session_that_generated_generates_after_every_recovery() {
    for outage in [3 * SECOND, 40 * SECOND] {
        let (client, remote) = studio();
        let session =
            joined_studio(&client, Join::new().prompt("sepia").publish(offhook::Clip::sample())).await;
        let mut events = session.events();
        let mut states = session.states();
        remote.cut();
        until(&mut states, CallingState::Reconnecting).await;
        assert_eq!(session.connection_state(), ConnectionState::Reconnecting);
        tokio::time::sleep(outage).await;
        remote.restore();
        until(&mut states, CallingState::Joined).await;
        event(&mut events, |event| matches!(event, Event::Recovered { .. }).then_some(())).await;
        let tick = |event: &Event| matches!(event, Event::GenerationTick { .. }).then_some(());
        event(&mut events, tick).await;
        assert_eq!(session.connection_state(), ConnectionState::Generating, "{outage:?}");
        drop(session.leave());
    }
}

/// F52: what began ends once, before anything of the link on which it does not go on. A resume that says
/// nothing goes on with it.
#[tokio::test(start_paused = true)]
async fn a_generation_that_a_new_link_does_not_go_on_with_is_told_to_end() {
    let started = || Generation::Started;
    let ended = || Generation::Ended { reason: "stopped".into() };
    let tick = || Generation::Tick { used: 2 * SECOND };
    let lost = "ended: the link was lost";
    for how in [How::Resume, How::Rejoin, How::Migrate] {
        let silent = if how == How::Resume { vec![] } else { vec![lost] };
        for (before, snapshot, words, wanted) in [
            (true, None, vec![], silent),
            (true, Some(false), vec![], vec![lost]),
            (true, Some(true), vec![tick()], vec!["tick 2"]),
            (true, None, vec![started(), tick()], vec![lost, "started", "tick 2"]),
            (true, Some(true), vec![ended(), started()], vec!["ended: stopped", "started"]),
            (true, None, vec![ended()], vec!["ended: stopped"]),
            (false, Some(false), vec![], vec![]),
        ] {
            let (client, remote) = by_hand();
            let (session, next) = recovering(how, before, &client, &remote).await;
            let (mut events, mut states) = (session.events(), session.states());
            let_in(&next, snapshot, &words).await;
            if session.state() != CallingState::Joined {
                until(&mut states, CallingState::Joined).await;
            }
            next.end(EndCode::MaxDuration);
            let mut heard = Vec::new();
            loop {
                match event(&mut events, told).await {
                    over if over == "over" => break,
                    word => heard.push(word),
                }
            }
            // The first listener hears it from the beginning.
            let begun = if before { vec!["started"] } else { vec![] };
            assert_eq!(heard, [begun, wanted].concat(), "{how:?}: {before}, then {snapshot:?} and {words:?}");
            drop(session.leave());
        }
    }
}

/// F52: while a move is under way both links speak, and the dial may die: what was told to begin is told to
/// end once, and what goes on is not.
#[tokio::test(start_paused = true)]
async fn of_two_links_that_generate_each_start_has_one_end() {
    let lost = "ended: the link was lost";
    for (dies, wanted) in [
        (false, vec!["started", lost, "started", "ended: there"]),
        (true, vec!["started", lost, "started", "ended: here"]),
    ] {
        let (client, remote) = by_hand();
        let (session, dial) = joined(&client, &remote).await;
        let (mut events, mut states) = (session.events(), session.states());
        dial.generation(Generation::Started);
        let reason = GoAwayReason::Rebalance;
        dial.go_away(GoAwayHint { url: None, ticket: None, deadline: Some(30 * SECOND), reason });
        until(&mut states, CallingState::Migrating).await;
        let next = remote.dial().await;
        next.answer();
        next.up(next.a_welcome());
        next.generation(Generation::Started);
        tokio::time::sleep(SECOND).await;
        let end = |reason: &str| Generation::Ended { reason: reason.into() };
        if dies {
            next.fail(FaultKind::Unreachable);
            tokio::time::sleep(SECOND).await;
            dial.generation(end("here"));
            dial.end(EndCode::MaxDuration);
        } else {
            // Of the one that another took the place of.
            dial.generation(end("late"));
            tokio::time::sleep(SECOND).await;
            next.ack(next.seen().revision);
            next.carried(Plane::Signaling);
            next.carried(Plane::Media);
            until(&mut states, CallingState::Joined).await;
            next.generation(end("there"));
            next.end(EndCode::MaxDuration);
        }
        let mut heard = Vec::new();
        loop {
            match event(&mut events, told).await {
                over if over == "over" => break,
                word => heard.push(word),
            }
        }
        assert_eq!(heard, wanted, "dies: {dies}");
        drop(session.leave());
    }
}
