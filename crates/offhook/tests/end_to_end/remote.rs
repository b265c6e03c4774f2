//! A session by name over real sockets and credentials: looked at, made and watched without being in
//! it, its queue, its loading, its director, viewers, and tokens for another process (F01, F02, F06,
//! F07, F53, F57, F59).

use crate::far_side::{PATIENCE, client, event, holds, joined, soon};
use futures_util::StreamExt;
use offhook::{
    Client, Clip, DirectoryError, EndReason, Event, InvitedAs, Join, JoinErrorKind, Profile, RemoteWatch,
    ResumeToken, SessionNews, WebRtc,
};
use offhook_server::{Builder, EndCode, Grants, Limits, Mint, Server};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

async fn start(builder: Builder) -> Server {
    builder.start().await.expect("loopback has a free port")
}

fn with(server: &Server, mint: &Mint) -> Client {
    let credential = server.mint(mint).expect("its key signs");
    Client::new(WebRtc::new(server.url())).credential(credential.expose().to_owned())
}

async fn news(watch: &mut RemoteWatch) -> SessionNews {
    soon("news", watch.next()).await.expect("not the end").expect("no error")
}

fn lesson() -> Profile {
    Profile::new().metadata("title", "Monday").member("ada").viewer("bob").max_members(4)
}

/// F01: metadata, members and settings come back, and the same session is joined.
#[tokio::test]
async fn a_session_made_by_name_is_found_watched_and_joined() {
    let server = start(Server::builder()).await;
    let (ada, bob) = (client(&server, "ada"), client(&server, "bob"));
    let idle = ada.session("studio", "7");
    assert_eq!(idle.get().await, Err(DirectoryError::NotFound));
    let made = idle.get_or_create(lesson()).await.expect("made");
    let found = bob.session("studio", "7").get_or_create(Profile::new()).await.expect("found");
    assert_eq!(
        (made.made, found.made, &found.session, &found.profile),
        (true, false, &made.session, &lesson())
    );
    assert_eq!(found.profile.members[1].role, InvitedAs::Viewer);
    assert_eq!(idle.create(lesson()).await, Err(DirectoryError::AlreadyExists));

    let mut watch = bob.session("studio", "7").watch_remote();
    let SessionNews::Now(now) = news(&mut watch).await else { panic!("how it stands comes first") };
    assert_eq!(now.present, 0);
    let session = joined(&ada, "7").await;
    assert_eq!(session.id().as_deref(), Some(made.session.as_str()));
    assert_eq!(news(&mut watch).await, SessionNews::Started);
    let SessionNews::MemberAdded(member) = news(&mut watch).await else { panic!("who came") };
    assert_eq!((member.user.as_str(), member.viewer), ("ada", false));
    // Not on the list: not in, and not looking on.
    let eve = client(&server, "eve");
    assert_eq!(eve.session("studio", "7").get().await, Err(DirectoryError::NotPermitted));
    let error = eve.session("studio", "7").join(Join::new()).await.expect_err("not on the list");
    assert_eq!(error.kind(), JoinErrorKind::NotPermitted);

    session.leave().await.released().await;
    assert!(matches!(news(&mut watch).await, SessionNews::MemberRemoved(_)));
    assert_eq!(news(&mut watch).await, SessionNews::Ended);
    assert!(server.forget_session("studio", "7"));
    assert_eq!(news(&mut watch).await, SessionNews::Gone);
    assert_eq!(watch.next().await, None);
    drop(watch);
    assert!(holds(|| server.census().tasks == 0).await, "no watcher is left");
}

/// F01: bad names never leave; credentials of another session, or of nobody, are told apart.
#[tokio::test]
async fn what_cannot_be_asked_over_the_wire_is_a_typed_error() {
    let server = start(Server::builder()).await;
    let ada = client(&server, "ada");
    for (kind, id) in [("a/b", "7"), ("", "7"), ("studio", "a\nb"), ("studio", &"x".repeat(10_000))] {
        let made = ada.session(kind, id).get_or_create(Profile::new()).await;
        assert!(matches!(made, Err(DirectoryError::BadRequest(_))), "{kind:?} {made:?}");
        let watched = ada.session(kind, id).watch_remote().next().await;
        assert!(matches!(watched, Some(Err(DirectoryError::BadRequest(_)))), "{kind:?} {watched:?}");
    }
    let other = with(&server, &Mint::user("ada").session("studio", "8"));
    assert_eq!(other.session("studio", "7").get().await, Err(DirectoryError::NotPermitted));
    let viewer = with(&server, &Mint::user("ada").grants(Grants::VIEWER));
    assert_eq!(
        viewer.session("studio", "7").get_or_create(Profile::new()).await,
        Err(DirectoryError::NotPermitted)
    );
    let nobody = Client::new(WebRtc::new(server.url()));
    assert_eq!(nobody.session("studio", "7").get().await, Err(DirectoryError::Unauthorized));
    let late = with(&server, &Mint::user("ada").life(Duration::ZERO));
    assert_eq!(late.session("studio", "7").get().await, Err(DirectoryError::Expired));
    // A provider with a fresh one makes good for it.
    let (old, fresh) =
        (server.mint(&Mint::user("ada").life(Duration::ZERO)), server.mint(&Mint::user("ada")));
    let (old, fresh) = (old.expect("signed"), fresh.expect("signed"));
    let renewing = Client::new(WebRtc::new(server.url())).provider(move |request| {
        let secret = if request.purpose == offhook::Purpose::Renew { fresh.clone() } else { old.clone() };
        async move { Ok(secret.expose().to_owned().into()) }
    });
    assert_eq!(renewing.session("studio", "7").get().await, Err(DirectoryError::NotFound));
    let address = server.url();
    server.shutdown().await;
    let gone = Client::new(WebRtc::new(address)).session("studio", "7").get().await;
    assert!(matches!(gone, Err(DirectoryError::Unreachable(_))), "{gone:?}");
}

/// F06, F07: refused at once or waiting as asked, and then really in, with pictures.
#[tokio::test]
async fn who_waits_in_the_queue_comes_in_when_a_place_is_free() {
    let limits = Limits { sessions: 1, members: 1, ..Limits::default() };
    let server = start(Server::builder().limits(limits)).await;
    let inside = joined(&client(&server, "ada"), "7").await;
    let error = client(&server, "bob").session("studio", "7").join(Join::new()).await.expect_err("full");
    let JoinErrorKind::Busy { retry_after, queue_position } = error.kind() else { panic!("{error:?}") };
    assert!(retry_after.is_some_and(|after| !after.is_zero()) && queue_position == Some(0), "{error:?}");

    let (bob, cy) = (client(&server, "bob"), client(&server, "cy"));
    let join = || Join::new().prompt("sepia").publish(Clip::sample()).wait_in_queue(Duration::from_secs(600));
    let bobs = bob.session("studio", "7");
    let progress = tokio::spawn(bobs.progress().map(|at| at.percent()).collect::<Vec<_>>());
    // It is looked at before there is a join: a level shows where things stand when it is asked.
    tokio::task::yield_now().await;
    let bobs = bobs.join(join());
    assert!(holds(|| bobs.progress_now().queue_position() == Some(1)).await);
    let cys = cy.session("studio", "7").join(join());
    assert!(holds(|| cys.progress_now().queue_position() == Some(2)).await);
    // Cancelled in the line: nothing of it stays there.
    let (back, _) = soon("the cancel", cys.cancel()).await;
    assert!(back.idle().is_some());
    assert!(holds(|| server.waiting("studio", "7") == 1).await, "no ghost");

    inside.leave().await.released().await;
    let session = soon("bob's turn", bobs).await.expect("let in");
    let percents = soon("the end of its progress", progress).await.expect("no panic");
    assert!(percents.is_sorted() && percents.first() == Some(&0) && percents.last() == Some(&100));
    let mut video = session.remote_video().await.expect("it has media");
    soon("a picture", video.next()).await.expect("pictures flow");
    assert_eq!(server.waiting("studio", "7"), 0);
    session.leave().await.released().await;
}

/// F07: the wait is bounded by the one who waits, and the server may change its mind.
#[tokio::test]
async fn a_wait_ends_typed_when_it_is_over_or_refused() {
    let limits = Limits { sessions: 1, members: 1, ..Limits::default() };
    let server = start(Server::builder().limits(limits)).await;
    let inside = joined(&client(&server, "ada"), "7").await;
    let bob = client(&server, "bob");
    let short = Join::new().wait_in_queue(Duration::from_millis(300));
    let error = soon("its own bound", bob.session("studio", "7").join(short)).await.expect_err("too long");
    assert_eq!(error.kind(), JoinErrorKind::QueueTimedOut);
    assert!(holds(|| server.waiting("studio", "7") == 0).await);

    let long = bob.session("studio", "7").join(Join::new().wait_in_queue(Duration::from_secs(600)));
    assert!(holds(|| server.waiting("studio", "7") == 1).await);
    server.end("studio/7", "bob", EndCode::Kicked).await;
    let error = soon("the change of mind", long).await.expect_err("removed");
    assert!(!matches!(error.kind(), JoinErrorKind::Busy { .. } | JoinErrorKind::QueueTimedOut), "{error:?}");
    inside.leave().await.released().await;
}

/// F57: the work of the embedder is seen as the second step, with words and a percentage.
#[tokio::test]
async fn a_persona_that_is_loaded_is_seen_in_the_progress_of_the_join() {
    let gate = Arc::new(Semaphore::new(0));
    let step = gate.clone();
    let server = start(Server::builder().assets(move |loading| {
        let step = step.clone();
        async move {
            loading.progress("the face", 40);
            step.acquire().await.expect("never closed").forget();
            Ok(())
        }
    }))
    .await;
    let joining = client(&server, "ada").session("studio", "7").join(Join::new());
    let sees = || {
        let view = joining.view();
        let loading = view.loading();
        loading.is_some_and(|l| (l.text(), l.percent()) == (Some("the face"), Some(40)))
            && view.progress().percent() == 50
    };
    assert!(holds(sees).await);
    gate.add_permits(1);
    let session = soon("the join", joining).await.expect("loaded");
    session.leave().await.released().await;
}

/// F53: a viewer's credential looks on; what it would publish is refused in its type.
#[tokio::test]
async fn a_viewer_looks_on_and_publishes_nothing() {
    let server = start(Server::builder()).await;
    let viewer = with(&server, &Mint::user("vic").grants(Grants::VIEWER));
    let publishing = viewer.session("studio", "7").join(Join::new().publish(Clip::sample()));
    assert_eq!(
        soon("the refusal", publishing).await.expect_err("a viewer").kind(),
        JoinErrorKind::NotPermitted
    );
    let prompting = viewer.session("studio", "7").join(Join::new().viewer().prompt("sepia"));
    let kind = soon("the refusal", prompting).await.expect_err("a viewer").kind();
    assert!(matches!(kind, JoinErrorKind::InitialStateRefused { .. }), "{kind:?}");
    let session =
        soon("the join", viewer.session("studio", "7").join(Join::new().viewer())).await.expect("in");
    let mut watch = client(&server, "ada").session("studio", "7").watch_remote();
    let SessionNews::Now(now) = news(&mut watch).await else { panic!("how it stands comes first") };
    assert!(now.attendees[0].viewer);
    session.leave().await.released().await;
}

/// F59, over the control link of a real backend.
#[tokio::test]
async fn a_session_that_needs_a_director_has_one_or_ends() {
    let server = start(Server::builder().director_grace(Duration::from_millis(100))).await;
    let ada = client(&server, "ada");
    let idle = ada.session("studio", "7");
    idle.get_or_create(Profile::new().director_required()).await.expect("made");
    let error = soon("the refusal", idle.join(Join::new())).await.expect_err("no director");
    assert_eq!(error.kind(), JoinErrorKind::ControlFailed);

    let credential = server.mint(&Mint::user("backend").grants(Grants::DIRECTOR)).expect("its key signs");
    let transport = WebRtc::new(server.url());
    let mut director = transport.director("studio", "7", Some(&credential));
    let stands = soon("the seat", director.next()).await;
    assert!(
        matches!(stands, Some(Ok(offhook::webrtc::DirectorNews::Seen(SessionNews::Now(_))))),
        "{stands:?}"
    );
    let session = joined(&ada, "7").await;
    let mut events = session.events();
    director.steer(1, Some("posterize"), Some("slow down")).expect("room");
    let steered = soon("the answer", async {
        loop {
            match director.next().await {
                Some(Ok(offhook::webrtc::DirectorNews::Steered { id, members, refused })) => {
                    return (id, members, refused);
                }
                Some(Ok(_)) => {}
                other => panic!("an answer was due: {other:?}"),
            }
        }
    });
    assert_eq!(steered.await, (1, 1, None));
    let said = event("the director's words", &mut events, |event| match event {
        Event::Message { topic, payload, .. } if topic == "director" => Some(payload.clone()),
        _ => None,
    });
    assert!(String::from_utf8_lossy(&said.await).contains("slow down"));
    drop(director);
    let reason = event("the end", &mut events, |event| match event {
        Event::Ended(ended) => Some(ended.reason),
        _ => None,
    });
    assert_eq!(reason.await, EndReason::ControlLost);
}

/// What a process knew that joined and died without a word: its runtime is gone, and with it every
/// socket and task.
async fn died(server: &Server) -> (Option<Arc<str>>, ResumeToken) {
    let client = client(server, "ada");
    let life = tokio::task::spawn_blocking(move || {
        // Of one thread: a second could still run what says goodbye while the first is being ended.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let session = runtime.block_on(joined(&client, "7"));
        let stored = session.resume_token().expect("the server lets sessions be taken up").to_secret();
        let id = session.id();
        runtime.shutdown_timeout(PATIENCE);
        // There is nobody left who could say goodbye.
        drop(session);
        (id, ResumeToken::from_secret(&stored).expect("as it was stored"))
    });
    soon("the end of the process", life).await.expect("no panic")
}

/// F02: the token of a process that died takes its session up; of one that said goodbye nothing is
/// left, and somebody else cannot use it.
#[tokio::test]
async fn a_stored_token_takes_the_session_up_over_real_sockets() {
    let server = start(Server::builder()).await;
    let (id, token) = died(&server).await;
    let eve = client(&server, "eve").session("studio", "7").join(Join::new().resume(token.clone()));
    let kind = soon("the refusal", eve).await.expect_err("somebody else's").kind();
    assert_eq!(kind, JoinErrorKind::NotPermitted);
    // The token of this session is none of that one, also where that one is there.
    let _other = joined(&client(&server, "bob"), "8").await;
    let elsewhere = client(&server, "ada").session("studio", "8").join(Join::new().resume(token.clone()));
    let kind = soon("the refusal", elsewhere).await.expect_err("another session").kind();
    assert_eq!(kind, JoinErrorKind::NoSessionToResume);

    let again = client(&server, "ada").session("studio", "7").join(Join::new().resume(token));
    let again = soon("the join", again).await.expect("taken up");
    assert!(again.resumed());
    assert_eq!((again.id(), server.census().members), (id, 2), "the same one, in the place of its ghost");
    let newest = again.resume_token().expect("there is one");
    again.leave().await.released().await;
    let gone = client(&server, "ada").session("studio", "7").join(Join::new().resume(newest));
    let kind = soon("the refusal", gone).await.expect_err("it said goodbye").kind();
    assert_eq!(kind, JoinErrorKind::NoSessionToResume);
}
