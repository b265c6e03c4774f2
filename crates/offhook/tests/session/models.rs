//! The model of a session: named at the join, refused with the known names, and the same over every
//! recovery (F58); and the leave to enrich a prompt, which is part of the desired state (F50).

use crate::common::*;
use offhook::mock::{MockDial, Remote, Studio, pair};
use offhook::transport::{
    Action, FaultKind, GoAwayHint, GoAwayReason, Plan, Plane, RefusedCode, ResumeRefusal,
};
use offhook::{Change, Client, Join, JoinErrorKind, Joined, Rejection, Session, SetError};
use std::time::Duration;

/// F58: a name that is none is refused with those that are; the join comes back and succeeds with one.
#[tokio::test(start_paused = true)]
async fn an_unknown_model_is_refused_with_the_known_names() {
    let (transport, remote) = pair();
    remote.auto(Studio::seeded(7).offering(&["studio", "echo"]));
    let client = Client::new(transport).seed(7);
    let error = idle(&client).join(Join::new().model("opera")).await.expect_err("there is no such model");
    assert_eq!(error.kind(), JoinErrorKind::Rejected { code: Rejection::UnknownModel });
    assert_eq!(error.known(), ["studio", "echo"]);
    assert_eq!(error.attempts().len(), 1, "it is not tried again");
    assert!(!error.is_retryable());
    let known = error.known().to_vec();
    let (back, join) = error.into_parts();
    let session =
        back.idle().expect("it never joined").join(join.model(&known[1])).await.expect("it is known");
    assert_eq!(session.view().models(), ["studio", "echo"]);
    drop(session.leave());
    // Another refusal names nothing, also after one that did.
    let joining = idle(&client).join(Join::new().model("opera"));
    let (back, _) = joining.await.expect_err("there is no such model").into_parts();
    remote.by_hand();
    let joining = back.idle().expect("it never joined").join(Join::new());
    remote.dial().await.refuse(RefusedCode::NotPermitted);
    assert!(joining.await.expect_err("refused").known().is_empty());
}

/// F58: where a far side says of no models, every name is one.
#[tokio::test(start_paused = true)]
async fn a_far_side_that_names_no_models_takes_every_name() {
    let (client, _remote) = studio();
    let session = idle(&client).join(Join::new().model("opera")).await.expect("it is let in");
    assert!(session.view().models().is_empty());
    drop(session.leave());
}

/// A session that is on its way back, or elsewhere, and the dial that takes it there.
async fn next(how: &str, session: &Session<Joined>, dial: &MockDial, remote: &Remote) -> MockDial {
    if how == "migrate" {
        dial.go_away(GoAwayHint {
            url: Some("wss://other.example".into()),
            ticket: None,
            deadline: Some(Duration::from_secs(30)),
            reason: GoAwayReason::Rebalance,
        });
    } else {
        dial.lose(Plane::Signaling, FaultKind::Closed);
        let resume = remote.dial().await;
        assert!(matches!(resume.plan(), Plan::Resume { .. }));
        resume.refuse_resume(ResumeRefusal::Gone);
    }
    let next = remote.dial().await;
    let as_asked =
        matches!((how, next.plan()), ("migrate", Plan::Migrate { .. }) | ("rejoin", Plan::Rejoin { .. }));
    assert!(as_asked, "{how}: {:?}, {:?}", next.plan(), session.state());
    next
}

/// F58, F50: what a dial that begins anew carries: the model of the join, and the newest prompt with the
/// leave that was given with it.
#[tokio::test(start_paused = true)]
async fn the_model_and_the_leave_to_enrich_are_carried_by_every_dial_that_begins_anew() {
    for how in ["rejoin", "migrate"] {
        let (client, remote) = by_hand();
        let initial = Change::new().enhanced_prompt("a cat");
        let joining = idle(&client).join(Join::new().model("echo").initially(initial));
        let dial = remote.dial().await;
        assert_eq!(dial.seen().model.as_deref(), Some("echo"));
        let prompt = dial.seen().desired.prompt.clone().expect("carried by the join");
        assert_eq!((&*prompt.text, prompt.enhance), ("a cat", true));
        dial.accept();
        let session = joining.await.expect("accepted");
        for (change, text, enhance) in [
            (Change::new().prompt("as it stands"), "as it stands", false),
            (Change::new().enhanced_prompt("a dog"), "a dog", true),
        ] {
            let setting = session.set(change);
            let revision = loop {
                let action = dial.action().await.expect("the link is open");
                if let Action::Apply { revision, desired } = &*action {
                    let prompt = desired.prompt.clone().expect("set");
                    assert_eq!((&*prompt.text, prompt.enhance), (text, enhance));
                    break *revision;
                }
            };
            dial.ack(revision);
            setting.await.expect("acked");
        }
        let next = next(how, &session, &dial, &remote).await;
        assert_eq!(next.seen().model.as_deref(), Some("echo"), "{how}");
        let prompt = next.seen().desired.prompt.clone().expect("carried");
        assert_eq!((&*prompt.text, prompt.enhance), ("a dog", true), "{how}");
        next.accept();
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(session.state(), offhook::CallingState::Joined, "{how}");
        drop(session.leave());
    }
}

/// F50, R14: a refusal takes the leave back with the text that it was given with.
#[tokio::test(start_paused = true)]
async fn a_refused_text_takes_its_leave_to_enrich_along() {
    let (client, remote) = by_hand();
    let (session, dial) = joined(&client, &remote).await;
    let applied = async |enhance: bool| loop {
        let action = dial.action().await.expect("the link is open");
        if let Action::Apply { revision, desired } = &*action {
            assert_eq!(desired.prompt.as_ref().map(|prompt| prompt.enhance), Some(enhance));
            break *revision;
        }
    };
    let setting = session.set(Change::new().enhanced_prompt("good"));
    dial.ack(applied(true).await);
    setting.await.expect("acked");
    let setting = session.set_prompt("bad");
    dial.refuse_revision(applied(false).await, offhook::transport::RefusalItem::Prompt, "no");
    assert!(matches!(setting.await, Err(SetError::Refused { .. })));
    dial.lose(Plane::Signaling, FaultKind::Closed);
    remote.dial().await.refuse_resume(ResumeRefusal::Gone);
    let prompt = remote.dial().await.seen().desired.prompt.clone().expect("the one before");
    assert_eq!((&*prompt.text, prompt.enhance), ("good", true));
    drop(session.leave());
}
