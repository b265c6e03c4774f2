//! Many at once: a restart, and the return of everybody (E10). The pace itself is proved in
//! virtual time beside it; here it is seen on the wire.

use crate::wire::{Member, Wire, builder, server, wait_as_told};
use offhook_server::{Limits, Server};
use offhook_signaling::{ErrorCode, FromClient, FromServer, Join, Rejoin, ResumeRefusal};
use std::time::Duration;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

fn rejoin(member: &Member, epoch: u64) -> Join {
    let rejoin = Rejoin {
        session_id: member.joined.session_id.clone(),
        secret: member.joined.resume_secret.clone(),
        must_exist: false,
    };
    Join { epoch, rejoin: Some(rejoin), ..member.join.clone() }
}

// E10, E11: 1012, the spread, and no ending.
#[tokio::test]
async fn a_restart_is_told_with_its_spread_and_ends_nobody() {
    let before = builder().restart_spread(Duration::from_millis(3_500)).start().await.expect("a port");
    let mut members = Vec::new();
    for number in 1..=4 {
        members.push(Wire::enter(&before, &format!("user {number}"), number).await);
    }
    let told = async {
        let mut all = Vec::new();
        for member in &mut members {
            all.push(member.wire.rest().await);
        }
        all
    };
    let ((), all) = tokio::join!(before.shutdown_for_restart(), told);
    for (said, code) in all {
        let Some(FromServer::Error(error)) = said.last() else {
            panic!("the restart was to be told: {said:?}")
        };
        assert_eq!((&error.code, error.retry_after_ms), (&ErrorCode::ShuttingDown, Some(3_500)));
        let ends = |message: &FromServer| matches!(message, FromServer::Ended(_) | FromServer::MemberLeft(_));
        assert!(!said.iter().any(ends), "nobody left and nothing ended: {said:?}");
        assert_eq!(code, Some(CloseCode::Restart));
    }

    let after = builder().restart_spread(Duration::from_millis(4_500)).start().await.expect("a port");
    for member in &members {
        let mut wire = Wire::dial(&after).await;
        wire.say_once(&FromClient::Resume(member.resume(2, &member.joined.resume_secret))).await;
        let Ok(FromServer::ResumeRefused(refused)) = wire.next().await else { panic!("a refusal was due") };
        assert_eq!((refused.why, refused.retry_after_ms), (ResumeRefusal::Restarted, Some(4_500)));
        let back = Wire::enter_with(&after, rejoin(member, 3)).await;
        assert_eq!(back.joined.session_id, member.joined.session_id, "the session keeps its name");
        assert!(!back.joined.resumed, "and says that it was made anew");
    }
    assert_eq!((after.census().sessions, after.census().members), (1, 4));
}

// A session of this very life that is over was not lost in a restart.
#[tokio::test]
async fn what_is_over_here_is_not_taken_for_a_restart() {
    let server = server().await;
    let mut member = Wire::enter(&server, "ada", 1).await;
    member.wire.say(&crate::wire::goodbye()).await;
    member.wire.rest().await;
    crate::wire::empty(&server).await;
    let mut wire = Wire::dial(&server).await;
    wire.say_once(&FromClient::Resume(member.resume(2, &member.joined.resume_secret))).await;
    let Ok(FromServer::ResumeRefused(refused)) = wire.next().await else { panic!("a refusal was due") };
    assert_eq!((refused.why, refused.retry_after_ms), (ResumeRefusal::Unknown, None));
}

/// Comes back when it is told to; says how often it was sent away.
async fn returns(server: &Server, member: &Member) -> (Member, usize) {
    for round in 0..20 {
        let mut wire = Wire::dial(server).await;
        let again = rejoin(member, 2 + round);
        wire.say(&FromClient::Join(again.clone())).await;
        let wait = wire.until("an answer", |message| match message {
            FromServer::Error(error) => {
                assert_eq!(error.code, ErrorCode::Busy);
                Some(Err(error.retry_after_ms.expect("a time to come again")))
            }
            FromServer::Joined(joined) => Some(Ok(joined)),
            _ => None,
        });
        match wait.await {
            Ok(joined) => {
                let sent_away = usize::try_from(round).expect("small");
                return (Member { wire, join: again, joined }, sent_away);
            }
            Err(wait) => {
                assert!(wait > 0);
                wait_as_told(wait).await;
            }
        }
    }
    panic!("it is sent away for ever");
}

// E10
#[tokio::test]
async fn a_herd_is_let_in_at_the_pace_and_newcomers_do_not_wait_behind_it() {
    let before = server().await;
    let mut members = Vec::new();
    for number in 1..=12 {
        members.push(Wire::enter(&before, &format!("user {number}"), number).await);
    }
    before.shutdown_for_restart().await;
    let limits = Limits { rejoins_per_second: 4, ..Limits::default() };
    let after = builder().limits(limits).start().await.expect("a port");
    let back = futures_util::future::join_all(members.iter().map(|member| returns(&after, member)));
    let newcomer = Wire::enter(&after, "new", 99);
    let start = Instant::now();
    let (back, _newcomer) = tokio::join!(back, newcomer);
    assert_eq!(after.census().members, 13, "all are in");
    // Twelve at four a second cannot be in before two seconds are over.
    assert!(start.elapsed() >= Duration::from_secs(2), "{:?}", start.elapsed());
    let most = back.iter().map(|(_, sent_away)| *sent_away).max().unwrap_or_default();
    assert!(most <= 9, "within a client's budget of ten rejoins: {most}");
}
