//! The initial state goes with the join: it is acknowledged before the join succeeds, it shapes
//! the first frame that comes back, and a refusal of it is typed (F03, F08, F19).

use crate::far_side::*;
use offhook::{CallingState, ChangeOutcome, Clip, EndReason, Event, Join, JoinErrorKind, StateItem};
use offhook_server::EndCode;

/// Is there no colour in it? Chroma within what the codec's rounding does to grey.
fn is_grey(picture: &offhook_media::I420) -> bool {
    picture.u().iter().chain(picture.v()).all(|chroma| chroma.abs_diff(128) <= 6)
}

/// F03.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_initial_prompt_is_acked_before_joined_and_shapes_the_first_frame() {
    let server = server().await;
    let client = client(&server, "ada");
    let idle = idle(&client);
    let mut events = idle.events();
    let session = idle.join(Join::new().prompt("greyscale").publish(Clip::sample()));
    let session = soon("the join", session).await.expect("a prompt that the studio knows");
    let mut before = Vec::new();
    event("Joined", &mut events, |event| {
        before.push(event.clone());
        matches!(event, Event::StateChanged(CallingState::Joined)).then_some(())
    })
    .await;
    let acked = |event: &Event| matches!(event, Event::Change { outcome: ChangeOutcome::Applied, .. });
    assert!(before.iter().any(acked), "acked before Joined: {before:?}");
    let mut video = session.remote_video().await.expect("it has media").decoded();
    for n in 0..10 {
        let frame = soon("a frame", video.next()).await.expect("the session goes on");
        assert!(is_grey(&frame.picture), "frame {n} is not what the initial prompt asked for");
    }
    // The proof that this can fail: without the prompt the same clip is in colour.
    session.set_prompt("original").await.expect("it is known");
    let coloured = soon("a frame in colour", async {
        while let Some(frame) = video.next().await {
            if !is_grey(&frame.picture) {
                return true;
            }
        }
        false
    });
    assert!(coloured.await);
    soon("the release", session.leave().await.released()).await;
    server.shutdown().await;
}

/// F03, F08: the far side's words arrive, and what was put in comes back and can be used again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_initial_prompt_is_typed_and_gives_the_session_and_the_source_back() {
    let server = server().await;
    let client = client(&server, "ada");
    let (clip, watcher) = Watched::new();
    let joining = idle(&client).join(Join::new().prompt("xyzzy plugh").publish(clip));
    let error = soon("the refusal", joining).await.expect_err("the studio knows no such picture");
    assert_eq!(error.kind(), JoinErrorKind::InitialStateRefused { item: StateItem::Prompt });
    let text = error.text().expect("the studio says what it knows");
    assert!(text.contains("sepia"), "{text}");
    assert!(error.to_string().contains("sepia"), "{error}");
    assert!(!error.is_retryable(), "the same words would be refused again");
    assert_eq!(watcher.reads(), 0, "not a frame was read before the prompt was taken");
    let (back, join) = error.into_parts();
    let idle = back.idle().expect("it never joined");
    assert_eq!(idle.state(), CallingState::Idle);
    let session = soon("the second join", idle.join(join.prompt("sepia"))).await.expect("known words");
    assert!(holds(|| watcher.reads() > 0).await, "the same source plays now");
    drop(session.leave());
    client.shutdown().await;
    server.shutdown().await;
}

/// F08, F09.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_credential_of_somebody_else_is_unauthorized_and_is_not_tried_again() {
    let (server, other) = (server().await, server().await);
    let credential = other.mint(&offhook_server::Mint::user("ada")).expect("its key signs");
    let client =
        offhook::Client::new(offhook::WebRtc::new(server.url())).credential(credential.expose().to_owned());
    let error = soon("the refusal", idle(&client).join(Join::new())).await.expect_err("another's key");
    assert_eq!(error.kind(), JoinErrorKind::Unauthorized);
    assert_eq!(error.attempts().len(), 1, "asking again with the same one helps nobody");
    assert!(error.into_parts().0.idle().is_some());
    server.shutdown().await;
    other.shutdown().await;
}

/// F08: nobody listens there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_not_there_is_unreachable() {
    let server = server().await;
    let client = client(&server, "ada");
    server.shutdown().await;
    let error = soon("the failure", idle(&client).join(Join::new())).await.expect_err("nobody is there");
    assert_eq!(error.kind(), JoinErrorKind::ServerUnreachable);
    assert!(error.is_retryable());
    assert!(!error.attempts().is_empty());
}

/// F19: two clients, three sessions; what happens to one happens to no other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_side_by_side_know_nothing_of_each_other() {
    let server = server().await;
    let (ada, bob) = (client(&server, "ada"), client(&server, "bob"));
    let (one, two, three) = tokio::join!(joined(&ada, "1"), joined(&ada, "2"), joined(&bob, "3"));
    assert_eq!(server.census().members, 3);
    assert_eq!((ada.sessions().len(), bob.sessions().len()), (2, 1));
    let ids = [one.id(), two.id(), three.id()];
    assert!(ids.iter().all(Option::is_some) && ids[0] != ids[1] && ids[1] != ids[2], "{ids:?}");

    let ending = one.ended();
    assert!(server.end("studio/1", "ada", EndCode::Kicked).await);
    let one = soon("the kick", ending).await;
    assert_eq!(one.reason(), EndReason::Kicked);
    for (session, prompt) in [(&two, "invert"), (&three, "edges")] {
        assert_eq!(session.state(), CallingState::Joined);
        soon("the ack", session.set_prompt(prompt)).await.expect("it is as joined as before");
        let mut video = session.remote_video().await.expect("it has media");
        soon("a frame", video.next()).await.expect("media flows on");
    }
    let two = soon("the leave", two.leave()).await;
    assert_eq!(two.reason(), EndReason::LeftByUser);
    assert_eq!(three.state(), CallingState::Joined);
    soon("the shutdown", async { tokio::join!(ada.shutdown(), bob.shutdown()) }).await;
    assert_eq!(three.state(), CallingState::Left);
    assert!(holds(|| server.census().members == 0).await, "{:?}", server.census());
    server.shutdown().await;
}

/// F58: a model that is not there is refused with the names of those that are, and the join that comes
/// back succeeds with one of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_model_is_refused_with_the_known_names() {
    let server = server().await;
    let client = client(&server, "ada");
    let error =
        soon("the refusal", idle(&client).join(Join::new().model("opera"))).await.expect_err("no model");
    assert_eq!(error.kind(), JoinErrorKind::Rejected { code: offhook::Rejection::UnknownModel });
    assert!(
        error.known().iter().any(|name| name == "echo") && error.known().len() > 1,
        "{:?}",
        error.known()
    );
    let known = error.known().to_vec();
    let (back, join) = error.into_parts();
    let again = back.idle().expect("it never joined").join(join.model("echo"));
    let session = soon("the join", again).await.expect("it is known");
    assert_eq!(session.view().models(), known, "they are those that a session says, too");
    drop(session.leave());
    client.shutdown().await;
    server.shutdown().await;
}
