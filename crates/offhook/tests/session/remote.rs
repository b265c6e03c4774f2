//! What can be known and had of a session besides being in it: the far side's list, what it makes
//! ready, its director, and a token for another process (F01, F02, F06, F07, F57, F59).

use crate::common::*;
use futures_util::StreamExt;
use offhook::mock::Studio;
use offhook::transport::{Capabilities, Progress, SessionRef};
use offhook::{
    CallingState, Client, DirectoryError, EndReason, Event, Join, JoinErrorKind, Profile, RemoteWatch,
    ResumeToken, Session, SessionNews, Step,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

fn seven() -> SessionRef {
    SessionRef { kind: "studio".into(), id: "7".into() }
}

fn lesson() -> Profile {
    Profile::new().metadata("title", "Monday").max_members(8)
}

async fn news(watch: &mut RemoteWatch) -> SessionNews {
    let next = tokio::time::timeout(Duration::from_secs(600), watch.next()).await;
    next.expect("in ten minutes").expect("not the end").expect("no error")
}

/// F01: loaded, made, found again; and nothing is joined by it.
#[tokio::test(start_paused = true)]
async fn a_session_is_made_by_name_and_loaded_as_it_was_made() {
    let (client, remote) = studio();
    let idle = idle(&client);
    assert_eq!(idle.get().await, Err(DirectoryError::NotFound));
    let (one, two) = tokio::join!(idle.get_or_create(lesson()), idle.get_or_create(Profile::new()));
    let (one, two) = (one.expect("made"), two.expect("found"));
    assert_eq!((one.made, two.made, &one.session, &two.profile), (true, false, &two.session, &lesson()));
    assert_eq!(idle.create(lesson()).await, Err(DirectoryError::AlreadyExists));
    assert_eq!(remote.open_connections(), 0);
    let session = idle.join(Join::new()).await.expect("let in");
    assert_eq!(session.id().as_deref(), Some(one.session.as_str()), "the join is of that very session");
    let live = self::idle(&client).get().await.expect("there");
    assert_eq!((live.present, live.profile), (1, lesson()));
    session.leave().await.released().await;
}

/// F01.
#[tokio::test(start_paused = true)]
async fn a_session_is_watched_without_joining_it() {
    let (client, remote) = studio();
    let idle = idle(&client);
    let mut nobody = idle.watch_remote();
    assert_eq!(nobody.next().await, Some(Err(DirectoryError::NotFound)));
    assert_eq!(nobody.next().await, None);

    idle.get_or_create(lesson()).await.expect("made");
    let mut watch = idle.watch_remote();
    let SessionNews::Now(now) = news(&mut watch).await else { panic!("how it stands comes first") };
    assert_eq!((now.present, &now.profile), (0, &lesson()));
    let session = joined_studio(&client, Join::new()).await;
    assert_eq!(news(&mut watch).await, SessionNews::Started);
    let SessionNews::MemberAdded(me) = news(&mut watch).await else { panic!("who came") };
    remote.waiting(seven(), 2);
    assert_eq!(news(&mut watch).await, SessionNews::Waiting(2));
    remote.describe(&seven(), Profile::new());
    assert_eq!(news(&mut watch).await, SessionNews::Updated(Box::default()));
    session.leave().await.released().await;
    assert_eq!(news(&mut watch).await, SessionNews::MemberRemoved(me));
    assert_eq!(news(&mut watch).await, SessionNews::Ended);
    remote.forget(&seven());
    assert_eq!(news(&mut watch).await, SessionNews::Gone);
    assert_eq!(watch.next().await, None);
}

/// F01: bad names, 10 kB of them, words too many; a network that is down; no such list at all.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_asked_is_a_typed_error() {
    let (client, remote) = studio();
    let long = "x".repeat(10_000);
    for (kind, id) in
        [("", "7"), ("a/b", "7"), ("stu dio", "7"), ("studio", ""), ("studio", "a\nb"), ("s", &long)]
    {
        let made = client.session(kind, id).get_or_create(Profile::new()).await;
        assert!(matches!(made, Err(DirectoryError::BadRequest(_))), "{kind:?} {made:?}");
    }
    let words = (0..17).fold(Profile::new(), |profile, n| profile.metadata(n.to_string(), "word"));
    for profile in [
        words,
        Profile::new().metadata("long", "x".repeat(513)),
        Profile::new().member("ada").viewer("ada"),
        Profile::new().member(""),
        Profile::new().max_members(0),
    ] {
        let made = idle(&client).get_or_create(profile).await;
        assert!(matches!(made, Err(DirectoryError::BadRequest(_))), "{made:?}");
    }
    remote.cut();
    let cut = idle(&client).get().await.expect_err("no network");
    assert!(cut.is_retryable() && cut.code() == "unreachable", "{cut:?}");

    let (transport, _remote) = offhook::mock::pair();
    let poor = Client::new(transport.capable_of(Capabilities::NONE));
    assert_eq!(idle(&poor).get().await, Err(DirectoryError::NotSupported));
    assert_eq!(idle(&poor).watch_remote().next().await, Some(Err(DirectoryError::NotSupported)));
}

/// F01: the provider gives the credential of a look as well, and is told what it is for.
#[tokio::test(start_paused = true)]
async fn a_look_shows_the_providers_credential() {
    let (transport, remote) = offhook::mock::pair();
    remote.auto(Studio::seeded(7).requiring(offhook::transport::Secret::new("right")));
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let client = Client::new(transport.clone()).provider(move |request| {
        assert_eq!(
            (request.purpose.code(), request.kind.as_str(), request.id.as_str()),
            ("look", "studio", "7")
        );
        count.fetch_add(1, Ordering::SeqCst);
        async { Ok("right".into()) }
    });
    assert_eq!(idle(&client).get().await, Err(DirectoryError::NotFound), "it was let in to look");
    assert_eq!(idle(&client).watch_remote().next().await, Some(Err(DirectoryError::NotFound)));
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    // One that takes for ever is not waited for.
    let slow = Client::new(transport.clone()).provider(|_| std::future::pending());
    assert!(matches!(idle(&slow).get().await, Err(DirectoryError::Unreachable(_))));
    let wrong = Client::new(transport).credential("wrong");
    assert_eq!(idle(&wrong).get().await, Err(DirectoryError::NotPermitted));
}

/// F02: another process takes the session up under the same id.
#[tokio::test(start_paused = true)]
async fn a_stored_token_takes_the_session_up_in_another_process() {
    let (transport, remote) = offhook::mock::MockTransport::studio(7);
    let first = Client::new(transport.clone()).seed(1);
    let session = joined_studio(&first, Join::new()).await;
    let (id, token) = (session.id(), session.resume_token().expect("there is one"));
    let stored = token.to_secret();
    // The first process dies without a word.
    remote.cut();
    drop(session);
    tokio::time::sleep(Duration::from_secs(2)).await;
    remote.restore();

    let token = ResumeToken::from_secret(&stored).expect("as it was stored");
    let second = Client::new(transport).seed(2);
    let again = joined_studio(&second, Join::new().resume(token)).await;
    assert!(again.resumed());
    assert_eq!(again.id(), id);
    again.leave().await.released().await;
}

/// F02: when it is gone, that is said, and nothing is made anew. A token of nobody's is no token.
#[tokio::test(start_paused = true)]
async fn a_token_whose_session_is_gone_or_was_never_there_says_so() {
    let (transport, remote) = offhook::mock::MockTransport::studio(7);
    let client = Client::new(transport).seed(1);
    let session = joined_studio(&client, Join::new()).await;
    let token = session.resume_token().expect("there is one");
    remote.cut();
    drop(session);
    // Longer than the far side keeps it. Clocks on the wall have no say in it (I9).
    tokio::time::sleep(Duration::from_secs(3600)).await;
    remote.restore();
    let foreign = token.to_secret();
    let joining = idle(&client).join(Join::new().resume(token));
    let error = joining.await.expect_err("gone");
    assert_eq!(error.kind(), JoinErrorKind::NoSessionToResume);
    // The same session handle joins afresh when it is asked to.
    let fresh = error.into_parts().0.idle().expect("idle").join(Join::new()).await.expect("let in");
    assert!(!fresh.resumed());
    let never = ResumeToken::from_secret(&foreign).expect("well-formed");
    let elsewhere = client.session("studio", "8").join(Join::new().resume(never)).await;
    assert_eq!(elsewhere.expect_err("never there").kind(), JoinErrorKind::NoSessionToResume);
    for garbage in ["", "1", "1.x.y.z", "2.00000000000000000000000000000000.1.s.id", "no token at all"] {
        assert!(ResumeToken::from_secret(&garbage.to_owned().into()).is_err(), "{garbage:?}");
    }
    fresh.leave().await.released().await;
}

/// F06, F07, F57: one stream from before the join over queue and loading to the end.
#[tokio::test(start_paused = true)]
async fn queue_and_loading_are_seen_from_before_the_join() {
    let (transport, remote) = offhook::mock::pair();
    let studio = Studio::seeded(7).queue(2).loading("the face", Some(30)).loading("the voice", Some(80));
    remote.auto(studio);
    let client = Client::new(transport).seed(7);
    let session = idle(&client);
    let (progress, mut views) = (session.progress(), session.watch());
    let joining = session.join(Join::new().wait_in_queue(Duration::from_secs(600)));
    let looking = async {
        let mut loaded = Vec::new();
        while let Some(view) = views.next().await {
            if let Some(loading) = view.loading() {
                loaded.push((loading.text().unwrap_or_default().to_owned(), loading.percent()));
            }
            if view.state() == CallingState::Joined {
                assert_eq!(view.loading(), None, "nothing is loaded any more");
                break;
            }
        }
        loaded
    };
    let (joined, seen, loaded) = tokio::join!(joining, all(progress), looking);
    let steps: Vec<_> = seen.iter().map(|at| (at.percent(), at.queue_position())).collect();
    let wanted = [(0, None), (25, None), (25, Some(2)), (25, Some(1)), (50, None), (75, None), (100, None)];
    assert_eq!(steps, wanted);
    assert_eq!(loaded, [("the face".to_owned(), Some(30)), ("the voice".to_owned(), Some(80))]);
    joined.expect("let in").leave().await.released().await;
}

/// F57: what takes long is waited for while the far side says so, and no longer.
#[tokio::test(start_paused = true)]
async fn a_long_loading_is_no_silence_and_a_silent_one_is() {
    let (client, remote) = by_hand();
    let joining = idle(&client).join(Join::new());
    let dial = remote.dial().await;
    for done in [10, 20, 30, 40, 50, 60] {
        dial.progress(Progress::Preparing { text: Some("the persona".into()), percent: Some(done) });
        tokio::time::sleep(Duration::from_secs(4)).await;
        assert_eq!(joining.state(), CallingState::Joining);
        assert_eq!(joining.view().loading().and_then(offhook::Loading::percent), Some(done));
    }
    assert!(!dial.is_closed(), "the same dial, after 24 seconds");
    dial.accept();
    let session = joining.await.expect("let in at last");
    session.leave().await.released().await;

    let joining = idle(&client).join(Join::new());
    let hand = async {
        for _ in 0..3 {
            remote.dial().await.progress(Progress::Preparing { text: None, percent: None });
        }
    };
    let (joined, ()) = tokio::join!(joining, hand);
    assert_eq!(joined.expect_err("silent").kind(), JoinErrorKind::TimedOut { step: Step::Preparing });
}

/// F07: cancelled in the queue: typed, nothing left behind. And the far side may change its mind.
#[tokio::test(start_paused = true)]
async fn a_wait_in_the_queue_is_cancelled_or_refused_and_leaves_no_ghost() {
    let (client, remote) = by_hand();
    let before = tasks();
    let joining = idle(&client).join(Join::new().wait_in_queue(Duration::from_secs(600)));
    let dial = remote.dial().await;
    dial.queue(3);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(joining.progress_now().queue_position(), Some(3));
    let (back, _) = joining.cancel().await;
    dial.closed().await;
    let session = back.idle().expect("as it was");
    let joining = session.join(Join::new().wait_in_queue(Duration::from_secs(600)));
    let dial = remote.dial().await;
    dial.queue(1);
    tokio::time::sleep(Duration::from_secs(60)).await;
    dial.refuse(offhook::transport::RefusedCode::QueueTimedOut);
    let error = joining.await.expect_err("it changed its mind");
    assert_eq!(error.kind(), JoinErrorKind::QueueTimedOut);
    drop(error);

    // Untold, ten minutes are the most.
    let joining = idle(&client).join(Join::new().wait_in_queue(None));
    let since = tokio::time::Instant::now();
    remote.dial().await.queue(9);
    let error = joining.await.expect_err("it never moved");
    assert_eq!(error.kind(), JoinErrorKind::QueueTimedOut);
    let waited = since.elapsed();
    assert!(waited >= Duration::from_secs(600) && waited < Duration::from_secs(601), "{waited:?}");
    drop(error);
    nothing_left(&remote, before).await;
}

/// F59.
#[tokio::test(start_paused = true)]
async fn a_director_that_is_required_must_be_there_and_stay() {
    let (client, remote) = studio();
    idle(&client).get_or_create(Profile::new().director_required()).await.expect("made");
    let error = idle(&client).join(Join::new()).await.expect_err("no director");
    assert_eq!(error.kind(), JoinErrorKind::ControlFailed);
    remote.direct(&seven(), true);
    let session: Session<_> = joined_studio(&client, Join::new()).await;
    let mut events = session.events();
    remote.direct(&seven(), false);
    let reason = event(&mut events, |event| match event {
        Event::Ended(ended) => Some(ended.reason),
        _ => None,
    });
    assert_eq!(reason.await, EndReason::ControlLost);
    assert_eq!(session.leave().await.reason(), EndReason::ControlLost);
}
