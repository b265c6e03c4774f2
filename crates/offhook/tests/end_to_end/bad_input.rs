//! What a careless or hostile application asks for, over real sockets: each is refused in its type or
//! does what it says, and nothing is left of it. What is asked of a list of sessions is in
//! `remote.rs`, of rings in `ringing.rs`, by foreign servers and stolen tokens in the transport.

use crate::far_side::*;
use crate::ringing::{listening, next};
use offhook::transport::media::{Codec, Kind, TrackSpec, local};
use offhook::{
    BadName, BadTrack, Client, Clip, EndReason, Event, Join, JoinErrorKind, Plan, PublishError, Rejection,
    Ring, RingRefusal, SetError, StateItem, WebRtc,
};
use offhook_netrig::Rig;
use offhook_server::{EndCode, Limits, Mint, Server};
use std::time::Duration;

fn with(server: &Server, mint: &Mint) -> Client {
    let credential = server.mint(mint).expect("its key signs");
    Client::new(WebRtc::new(server.url())).credential(credential.expose().to_owned())
}

/// F08: forbidden characters, nothing at all, 10 kB of it; refused at once, and not tried again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_join_under_a_name_that_is_none_is_refused_in_its_type() {
    let server = server().await;
    let client = client(&server, "ada");
    let long = "x".repeat(10_000);
    for (kind, id) in [
        ("a/b", "7"),
        ("", "7"),
        ("stu dio", "7"),
        ("studio", ""),
        ("studio", "a\nb"),
        ("studio", &long),
        (&long, "7"),
    ] {
        let error = soon("the refusal", client.session(kind, id).join(Join::new())).await;
        let error = error.expect_err("no such name");
        assert_eq!(
            error.kind(),
            JoinErrorKind::Rejected { code: Rejection::BadRequest },
            "{kind:.9} {id:.9}"
        );
        assert!(error.attempts().len() <= 1 && !error.is_retryable(), "{error:?}");
    }
    for (join, kind) in [
        (Join::new().model(&long), JoinErrorKind::Rejected { code: Rejection::BadRequest }),
        (Join::new().model("a\nb"), JoinErrorKind::Rejected { code: Rejection::BadRequest }),
    ] {
        let error = soon("the refusal", idle(&client).join(join)).await.expect_err("no such model");
        assert_eq!(error.kind(), kind);
    }
    // A prompt may be longer than anybody takes.
    let error = soon("the refusal", idle(&client).join(Join::new().prompt(&long))).await;
    let kind = error.expect_err("too long").kind();
    assert_eq!(kind, JoinErrorKind::InitialStateRefused { item: StateItem::Prompt });
    // And the same user comes in under a name that is one, and is not hurt by a prompt of that size.
    let session = joined(&client, "7").await;
    let unfit = soon("the refusal", session.set_prompt(&long)).await;
    assert!(matches!(unfit, Err(SetError::Unfit(_))), "{unfit:?}");
    soon("the ack", session.set_prompt("invert")).await.expect("it is as joined as before");
    drop(session);
    assert!(holds(|| server.census().members == 0).await, "{:?}", server.census());
    server.shutdown().await;
}

/// F08: an address that is none, a path where nothing is served, nobody there: what is wrong is said, and
/// what to do about it; and nothing of a password.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_join_at_a_wrong_address_says_what_is_wrong_with_it() {
    let server = server().await;
    let host = server.address();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let nobody = nobody.expect("loopback has a free port");
    for (url, kind, words) in [
        ("http://media.example/session".into(), JoinErrorKind::NotSupported, ["scheme", "wss://host/path"]),
        ("media.example".into(), JoinErrorKind::NotSupported, ["scheme", "wss://host/path"]),
        (
            "wss://ada:hunter2@media.example/".into(),
            JoinErrorKind::NotSupported,
            ["password", "leave it out"],
        ),
        ("ws://media.example/session".into(), JoinErrorKind::NotSupported, ["unprotected", "use wss"]),
        (format!("ws://{host}/nothing"), JoinErrorKind::ProtocolError, ["404", "path of the address"]),
        (format!("ws://{nobody}/session"), JoinErrorKind::ServerUnreachable, ["refused", "server runs"]),
    ] {
        let client = Client::new(WebRtc::new(&url)).credential("x");
        let error = soon("the end", client.session("studio", "7").join(Join::new())).await;
        let error = error.expect_err("nobody is there");
        assert_eq!(error.kind(), kind, "{url}");
        let text = error.to_string();
        assert!(words.iter().all(|word| text.contains(word)), "{url}: {text}");
        assert!(!text.contains("hunter2") && !text.contains("version"), "{url}: {text}");
        client.shutdown().await;
    }
    server.shutdown().await;
}

/// F08, F50, F51: what is seen to be wrong before anything is sent says what, in a join as in a change.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_join_with_what_no_session_can_have_says_what_is_wrong_with_it() {
    let server = server().await;
    let client = client(&server, "ada");
    for (join, item, words) in [
        (
            Join::new().prompt("x".repeat(1_000_000)),
            StateItem::Prompt,
            "the prompt is larger than 8192 bytes; ",
        ),
        (Join::new().prompt("se\u{7}pia"), StateItem::Prompt, "control character at byte 2; "),
        (
            Join::new().image(vec![1; 50_000_000]),
            StateItem::Image,
            "the image is larger than 8388608 bytes; ",
        ),
        (Join::new().image(Vec::new()), StateItem::Image, "the image is empty; "),
    ] {
        let error = soon("the end", idle(&client).join(join)).await.expect_err("nobody can have this");
        assert_eq!(error.kind(), JoinErrorKind::InitialStateRefused { item });
        assert!(error.attempts().is_empty(), "it is not sent");
        assert!(error.to_string().contains(words), "{error}");
    }
    // What fits the wire and not the far side is refused in its words, with what it takes.
    let limits = Limits { prompt: 100, ..Limits::default() };
    let strict = Server::builder().limits(limits).start().await.expect("loopback");
    let error = idle(&self::client(&strict, "ada")).join(Join::new().prompt("x".repeat(101)));
    let error = soon("the refusal", error).await.expect_err("too long for this one").to_string();
    assert!(error.contains("prompt") && error.contains("at most 100 bytes; shorten it"), "{error}");
    let session = joined(&client, "7").await;
    let long =
        soon("the refusal", session.set_prompt("x".repeat(8192))).await.expect_err("no filter").to_string();
    assert!(!long.contains("bytes"), "a prompt of the longest length is read: {long}");
    drop(session);
    strict.shutdown().await;
    server.shutdown().await;
}

/// F58: with what was asked for, and what is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_model_is_named_with_those_that_there_are() {
    let server = server().await;
    let joining = idle(&client(&server, "ada")).join(Join::new().model("opera"));
    let error = soon("the refusal", joining).await.expect_err("there is none");
    assert_eq!(
        error.to_string(),
        "the far side has no model `opera`; name one that it has: studio, echo, room"
    );
    server.shutdown().await;
}

/// F21: names of 10 kB, too many of them, and words that are too long.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ring_of_words_that_nobody_takes_is_refused_in_its_type() {
    let server = server().await;
    let (ada, mut adas) = listening(&server, "ada").await;
    let (bob, mut rings) = listening(&server, "bob").await;
    let long = "x".repeat(10_000);
    let crowd: Vec<String> = (0..1_000).map(|n| format!("user {n}")).collect();
    for ring in [
        Ring::to([long.as_str()]),
        Ring::to(crowd),
        Ring::to(["bob"]).name(&long),
        Ring::to(["bob"]).metadata(&long),
        Ring::to(["a\nb"]),
    ] {
        let words = format!("{ring:.60?}");
        let failed =
            soon("the refusal", idle(&ada).ring(ring).into_future()).await.expect_err("nobody rings");
        let EndReason::RingRefused(why) = failed.reason() else { panic!("{words}: {:?}", failed.reason()) };
        assert!(
            matches!(why, RingRefusal::Other | RingRefusal::TooMany | RingRefusal::UnknownUser),
            "{words}: {why:?}"
        );
    }
    // Presence was not hurt by any of it, either way.
    let outgoing = idle(&ada).ring(Ring::to(["bob"])).answered();
    drop(next(&mut rings).await.decline(offhook::Decline::Unwanted));
    assert_eq!(soon("the answer", outgoing).await.expect_err("no").reason(), EndReason::Declined);
    let back = idle(&bob).ring(Ring::to(["ada"])).answered();
    drop(next(&mut adas).await.decline(offhook::Decline::Unwanted));
    assert_eq!(soon("the answer", back).await.expect_err("no").reason(), EndReason::Declined);
    drop((rings, adas));
    server.shutdown().await;
}

/// F13, F19: a second join of the same identity is another instance, beside the first; where the owner
/// wants one only, the newcomer has the place.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_join_of_the_same_identity_is_beside_the_first_or_in_its_place() {
    let server = server().await;
    let ada = client(&server, "ada");
    let (first, second) = (joined(&ada, "7").await, joined(&ada, "7").await);
    assert_eq!(server.census().members, 2);
    assert_eq!(first.id(), second.id(), "one session");
    drop(soon("the leave", second.leave()).await);
    soon("the ack", first.set_prompt("invert")).await.expect("the first is not concerned");
    drop(first);
    assert!(holds(|| server.census().members == 0).await);
    server.shutdown().await;

    let once = Server::builder().one_instance_per_user().start().await.expect("loopback has a free port");
    let (phone, desk) = (client(&once, "ada"), client(&once, "ada"));
    let first = joined(&phone, "7").await;
    let ending = first.ended();
    let second = joined(&desk, "7").await;
    assert_eq!(soon("the end", ending).await.reason(), EndReason::Replaced);
    soon("the ack", second.set_prompt("invert")).await.expect("the second has the place");
    drop(second);
    assert!(holds(|| once.census().members == 0).await);
    once.shutdown().await;
}

/// A member who is not there, a session that is not there, and one who has just gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ending_somebody_who_is_not_there_says_so_and_ends_nobody() {
    let server = server().await;
    let ada = client(&server, "ada");
    let session = joined(&ada, "7").await;
    for (name, user) in
        [("studio/7", "bob"), ("studio/8", "ada"), ("", ""), ("studio/7", &"x".repeat(10_000))]
    {
        assert!(!server.end(name, user, EndCode::IdleTimeout).await, "{name} {user:.9}");
    }
    soon("the ack", session.set_prompt("invert")).await.expect("nobody ended this one");
    soon("the release", session.leave().await.released()).await;
    assert!(holds(|| server.census().members == 0).await);
    assert!(!server.end("studio/7", "ada", EndCode::IdleTimeout).await);
    server.shutdown().await;
}

/// S4: for another session, another user's session, past its time by a clock that is an hour behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_credential_for_something_else_opens_nothing() {
    let server = server().await;
    for (mint, kind) in [
        (Mint::user("ada").session("studio", "8"), JoinErrorKind::NotPermitted),
        (Mint::user("ada").session("opera", "7"), JoinErrorKind::NotPermitted),
        (Mint::user("ada").life(Duration::ZERO), JoinErrorKind::Unauthorized),
    ] {
        let joining = idle(&with(&server, &mint)).join(Join::new().publish(Clip::sample()));
        let error = soon("the refusal", joining).await.expect_err("not this one");
        assert_eq!(error.kind(), kind, "{mint:?}");
    }
    // One that is bound to a session is its first instance's: a copy of it opens nothing.
    let bound = Mint::user("ada").session("studio", "7");
    let credential = server.mint(&bound).expect("its key signs");
    let holder = || Client::new(WebRtc::new(server.url())).credential(credential.expose().to_owned());
    let session = joined(&holder(), "7").await;
    let thief = soon("the refusal", idle(&holder()).join(Join::new())).await.expect_err("a copy");
    assert_eq!(thief.kind(), JoinErrorKind::Unauthorized);
    soon("the ack", session.set_prompt("invert")).await.expect("its holder is not disturbed");
    drop(session);
    assert!(holds(|| server.census().members == 0).await, "{:?}", server.census());
    server.shutdown().await;
}

/// F60: labels that no wire can carry, and more tracks than fit an offer: each is refused in its type, and
/// takes nothing of the running session with it, over a lost socket and a lost path either.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_track_that_no_session_can_have_is_refused_and_the_session_is_well() {
    let server = Server::builder().resume_window(Duration::ZERO).start().await.expect("loopback");
    let net = Rig::new(7);
    let tcp = net.tcp(server.address()).await.expect("loopback has a free port");
    let credential = server.mint(&Mint::user("ada")).expect("its key signs");
    let transport = WebRtc::new(server.url()).via(tcp.addr());
    let client = Client::new(transport).credential(credential.expose().to_owned());
    let session = joined(&client, "7").await;
    let mut events = session.events();
    let long = "x".repeat(129);
    for (label, why) in [
        ("", BadName::Empty),
        ("a\nb", BadName::Control { at: 1 }),
        ("\u{9b}31m", BadName::Control { at: 0 }),
        (&long, BadName::TooLong { limit: 128 }),
    ] {
        let refused = session.publish_as(label, Clip::sample()).expect_err("no label");
        assert!(!refused.to_string().chars().any(char::is_control), "{refused}");
        assert!(
            matches!(&refused, PublishError::BadLabel { label: of, why: is } if of == label && *is == why)
        );
        // Muted, the label would be in the desired state as well.
        soon("the ack", session.mute(Kind::Video)).await.expect("it is as joined as before");
        soon("the ack", session.unmute(Kind::Video)).await.expect("it is as joined as before");
        let error = soon(
            "the refusal",
            client.session("studio", "8").join(Join::new().publish_as(label, Clip::sample())),
        );
        let error = error.await.expect_err("no label");
        assert_eq!(error.kind(), JoinErrorKind::BadTrack(BadTrack::Label));
        assert_eq!(error.track(), Some(label));
        assert!(error.attempts().is_empty() && !error.to_string().chars().any(char::is_control), "{error}");
    }
    // As many as there may be, with the longest labels that there are, are sent; one more is refused.
    let label = |n: usize| format!("{n:\u{e9}>64}");
    let silent: Vec<_> =
        (1..TrackSpec::MOST).map(|n| local(TrackSpec { codec: Codec::H264, label: label(n) })).collect();
    for (n, (_, track)) in (1..).zip(&silent) {
        session.publish_as(label(n), track).expect("there is room");
    }
    let refused = session.publish_as("one more", Clip::sample()).expect_err("too many");
    assert!(matches!(refused, PublishError::TooMany { limit: TrackSpec::MOST }), "{refused:?}");
    soon("the ack", session.set_prompt("posterize")).await.expect("it is as joined as before");
    let is_sent = || silent.iter().all(|(sender, _)| sender.is_tapped());
    assert!(holds(is_sent).await, "each has its section");
    let mut join = Join::new().publish(Clip::sample());
    for (n, (_, track)) in (1..).zip(&silent) {
        join = join.publish_as(label(n), track);
    }
    let error =
        soon("the refusal", client.session("studio", "8").join(join.publish_as("one more", Clip::sample())));
    let error = error.await.expect_err("too many");
    assert_eq!(error.kind(), JoinErrorKind::BadTrack(BadTrack::TooMany));
    assert_eq!(error.track(), Some("one more"));
    // And all of it is brought back by a rejoin, whose first frame names every track.
    tcp.reset();
    let plan = event("the recovery", &mut events, |event| match event {
        Event::Recovered { plan, .. } => Some(*plan),
        _ => None,
    })
    .await;
    assert_eq!(plan, Plan::Rejoin);
    assert!(holds(is_sent).await, "each has its section again");
    soon("the ack", session.set_prompt("invert")).await.expect("it is as joined as before");
    drop(session);
    assert!(holds(|| server.census().members == 0).await, "{:?}", server.census());
    server.shutdown().await;
}
