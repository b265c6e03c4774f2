//! Sessions by name without joining them (F01): looked at, made, watched; who may, and what is too
//! much.

use crate::wire::{Wire, builder, credential, goodbye, join, refusal_of, server, settled, signed, studio};
use offhook_server::{Grants, Limits, Mint, Server};
use offhook_signaling::{
    Entry, ErrorCode, FromClient, FromServer, Invited, Join, Look, Make, Profile, Role, Secret, SessionInfo,
    SessionRef, Settings, Versions,
};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

fn look(user: &str) -> Look {
    Look { versions: Versions::OURS, session: studio(), credential: Some(credential(&Mint::user(user))) }
}

fn make(user: &str, profile: Profile) -> Make {
    let Look { versions, session, credential } = look(user);
    Make { versions, session, credential, profile }
}

fn lesson() -> Profile {
    Profile {
        metadata: vec![Entry { name: "title".into(), value: "Monday".into() }],
        settings: Settings { director_required: false, max_members: Some(2) },
        members: vec![
            Invited { user: "ada".into(), role: Role::Participant },
            Invited { user: "bob".into(), role: Role::Viewer },
        ],
    }
}

/// A question and its answer; the socket closes after it.
async fn ask(server: &Server, question: FromClient) -> SessionInfo {
    let mut wire = Wire::dial(server).await;
    wire.say(&question).await;
    let (said, code) = wire.rest().await;
    match &said[..] {
        [FromServer::Session(info)] => info.clone(),
        other => panic!("one session was due: {other:?}, {code:?}"),
    }
}

async fn refused(server: &Server, question: FromClient) -> ErrorCode {
    refusal_of(server, &question).await.0.code
}

// F01
#[tokio::test]
async fn a_session_that_was_made_is_found_as_it_was_made() {
    let server = server().await;
    assert_eq!(refused(&server, FromClient::Get(look("ada"))).await, ErrorCode::NotFound);
    let made = ask(&server, FromClient::GetOrCreate(make("ada", lesson()))).await;
    assert!(made.made && made.present == 0 && made.profile == lesson(), "{made:?}");
    // The second one changes nothing, whatever it says.
    let found = ask(&server, FromClient::GetOrCreate(make("ada", Profile::default()))).await;
    assert_eq!((found.made, &found.session_id, &found.profile), (false, &made.session_id, &lesson()));
    assert_eq!(refused(&server, FromClient::Create(make("ada", lesson()))).await, ErrorCode::AlreadyExists);
    // Who joins it then joins that one.
    let ada = Wire::enter(&server, "ada", 1).await;
    assert_eq!(ada.joined.session_id, made.session_id);
    let live = ask(&server, FromClient::Get(look("bob"))).await;
    assert_eq!((live.present, live.attendees.len(), live.attendees[0].user.as_str()), (1, 1, "ada"));
    assert_eq!(server.census().members, 1, "looking makes no member");
}

// F01
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_make_one_name_at_once_one_makes_it_and_all_get_the_same() {
    let server = server().await;
    let mut wires = Vec::new();
    for _ in 0..24 {
        wires.push(Wire::dial(&server).await);
    }
    let question = FromClient::GetOrCreate(make("ada", Profile::default()));
    let asked = wires.into_iter().map(|mut wire| {
        let question = question.clone();
        tokio::spawn(async move {
            wire.say(&question).await;
            match wire.next().await {
                Ok(FromServer::Session(info)) => info,
                other => panic!("a session was due: {other:?}"),
            }
        })
    });
    let mut infos = Vec::new();
    for answer in asked.collect::<Vec<_>>() {
        infos.push(answer.await.expect("no panic"));
    }
    assert_eq!(infos.iter().filter(|info| info.made).count(), 1);
    assert!(infos.iter().all(|info| info.session_id == infos[0].session_id));
}

// F01, F53
#[tokio::test]
async fn only_those_on_the_list_come_in_and_a_viewer_of_it_sends_nowhere() {
    let server = server().await;
    ask(&server, FromClient::GetOrCreate(make("ada", lesson()))).await;
    let stranger = FromClient::Join(join("eve", 9));
    assert_eq!(refused(&server, stranger).await, ErrorCode::NotPermitted);
    assert_eq!(refused(&server, FromClient::Get(look("eve"))).await, ErrorCode::NotPermitted);
    assert_eq!(refused(&server, FromClient::Watch(look("eve"))).await, ErrorCode::NotPermitted);
    let bob = Wire::enter(&server, "bob", 2).await;
    assert!(!bob.joined.capabilities.publish, "the list says viewer, whatever the credential grants");
    assert_eq!(bob.joined.snapshot.roster[0].role, Role::Viewer);
    let _ada = Wire::enter(&server, "ada", 1).await;
    // Two are all it takes.
    assert_eq!(refused(&server, FromClient::Join(join("ada", 3))).await, ErrorCode::Busy);
}

// F01
#[tokio::test]
async fn a_watcher_sees_who_comes_and_goes_and_that_it_is_gone() {
    let server = server().await;
    ask(&server, FromClient::GetOrCreate(make("ada", Profile::default()))).await;
    let mut watch = Wire::dial(&server).await;
    watch.say(&FromClient::Watch(look("ada"))).await;
    let seen = |fits: fn(&SessionInfo) -> bool| {
        move |message| match message {
            FromServer::Session(info) => fits(&info).then_some(info),
            _ => None,
        }
    };
    watch.until("how it stands", seen(|info| info.present == 0)).await;
    let mut ada = Wire::enter(&server, "ada", 1).await;
    let live = watch.until("who came", seen(|info| info.present == 1)).await;
    assert_eq!(live.attendees[0].user, "ada");
    assert!(server.describe_session("studio", "1", lesson()));
    watch.until("what is said of it", seen(|info| info.profile == lesson())).await;
    ada.wire.say(&goodbye()).await;
    watch.until("who went", seen(|info| info.present == 0)).await;
    assert!(server.forget_session("studio", "1"));
    let (said, _) = watch.rest().await;
    assert!(matches!(said.last(), Some(FromServer::SessionGone(_))), "{said:?}");
    crate::wire::empty(&server).await;
}

// F01
#[tokio::test]
async fn watchers_are_bounded_and_a_closed_one_makes_room() {
    let limits = Limits { watchers: 1, ..Limits::default() };
    let server = builder().limits(limits).start().await.expect("a port");
    ask(&server, FromClient::GetOrCreate(make("ada", Profile::default()))).await;
    let mut first = Wire::dial(&server).await;
    first.say(&FromClient::Watch(look("ada"))).await;
    first.next().await.expect("it is let in");
    assert_eq!(refused(&server, FromClient::Watch(look("ada"))).await, ErrorCode::Busy);
    first.lose();
    settled("the watcher is gone", || server.census().tasks == 0).await;
    let mut second = Wire::dial(&server).await;
    second.say(&FromClient::Watch(look("ada"))).await;
    assert!(matches!(second.next().await, Ok(FromServer::Session(_))));
}

// F01: unknown kinds, forbidden characters, 10 kB names, too many words, and what makes no sense.
#[tokio::test]
async fn what_cannot_be_a_session_is_refused_in_words_and_leaves_nothing() {
    let server = builder().kinds(["studio"]).start().await.expect("a port");
    let other = SessionRef { kind: "opera".into(), ..studio() };
    let unknown = Look { session: other.clone(), ..look("ada") };
    let (error, _) = refusal_of(&server, &FromClient::Get(unknown)).await;
    assert_eq!((error.code, error.known), (ErrorCode::NotFound, vec!["studio".to_owned()]));
    let joined = FromClient::Join(Join { session: other, ..join("ada", 1) });
    assert_eq!(refused(&server, joined).await, ErrorCode::NotFound);

    let long = "x".repeat(10_000);
    let token = credential(&Mint::user("ada"));
    for (kind, id) in [("a/b", "1"), ("studio", "1\n2"), ("", "1"), ("studio", ""), ("studio", long.as_str())]
    {
        let text = json!({
            "type": "get_or_create", "versions": [1, 1], "credential": token.expose(),
            "session": { "kind": kind, "id": id },
        });
        let mut wire = Wire::dial(&server).await;
        wire.raw(Message::text(text.to_string())).await;
        assert_eq!(wire.refused().await.0.code, ErrorCode::ProtocolError, "{kind:?}");
    }
    let entry = |name: &str| Entry { name: name.into(), value: String::new() };
    let invited = |user: &str, role| Invited { user: user.into(), role };
    for profile in [
        Profile { metadata: vec![entry("a"), entry("a")], ..Profile::default() },
        Profile {
            members: vec![invited("a", Role::Viewer), invited("a", Role::Participant)],
            ..Profile::default()
        },
        Profile { members: vec![invited("a", Role::Studio)], ..Profile::default() },
        Profile {
            settings: Settings { max_members: Some(0), director_required: false },
            ..Profile::default()
        },
    ] {
        let question = FromClient::GetOrCreate(make("ada", profile));
        assert_eq!(refused(&server, question).await, ErrorCode::BadRequest);
    }
    assert!(server.session("studio", "1").is_none(), "nothing of it was made");
}

// F01, S9: a credential for another session, of nobody, past its time, or without the grant.
#[tokio::test]
async fn a_look_needs_a_credential_that_is_good_for_it() {
    let server = server().await;
    let with = |credential: Option<Secret>| FromClient::Get(Look { credential, ..look("ada") });
    assert_eq!(refused(&server, with(None)).await, ErrorCode::Unauthorized);
    assert_eq!(refused(&server, with(Some(Secret::new("a.b.c")))).await, ErrorCode::Unauthorized);
    let other = credential(&Mint::user("ada").session("studio", "2"));
    assert_eq!(refused(&server, with(Some(other))).await, ErrorCode::NotPermitted);
    // I9: an issuer whose clock is an hour behind makes credentials that are past their time here.
    let behind = signed(&json!({
        "sub": "ada", "aud": "offhook", "jti": "j", "exp": crate::wire::now() + 600 - 3600,
    }));
    assert_eq!(refused(&server, with(Some(behind))).await, ErrorCode::CredentialExpired);
    let viewer = credential(&Mint::user("ada").grants(Grants::VIEWER));
    let make = FromClient::GetOrCreate(Make { credential: Some(viewer.clone()), ..make("ada", lesson()) });
    assert_eq!(refused(&server, make.clone()).await, ErrorCode::NotPermitted);
    assert!(server.session("studio", "1").is_none());
    // What is there it may find.
    ask(&server, FromClient::GetOrCreate(self::make("ada", Profile::default()))).await;
    assert!(!ask(&server, make).await.made);
}

// F01
#[tokio::test]
async fn sessions_that_are_kept_are_bounded_and_go_when_their_time_is_over() {
    let limits = Limits { kept_sessions: 2, ..Limits::default() };
    let server = builder()
        .limits(limits)
        .keep_sessions(std::time::Duration::from_millis(400))
        .start()
        .await
        .expect("a port");
    let named = |id: &str| {
        let session = SessionRef { id: id.into(), ..studio() };
        FromClient::GetOrCreate(Make { session, ..make("ada", Profile::default()) })
    };
    let first = ask(&server, named("1")).await;
    ask(&server, named("2")).await;
    // An hour would be refused here; these are past their time soon.
    let gone = |id| server.session("studio", id).is_none();
    settled("both are gone", || gone("1") && gone("2")).await;
    ask(&server, named("3")).await;
    let again = ask(&server, named("1")).await;
    assert!(again.made && again.session_id != first.session_id, "a fresh one");
}
