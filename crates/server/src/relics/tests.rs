//! Whom a relic is shown to, and for how long.

use super::*;
use crate::token::{Credential, Grants};
use offhook_signaling::{Attendance, Desired, Member, Role, Secret};
use std::time::Duration;

fn dossier(instance: u128) -> Dossier {
    let member = Member {
        instance: Instance(instance),
        user: "ada".into(),
        name: None,
        role: Role::Participant,
        attendance: Attendance::Away,
        tracks: Vec::new(),
    };
    Dossier {
        session: "studio/1".into(),
        session_id: "s-1".into(),
        member,
        grants: Grants::default(),
        credential: Credential::default(),
        epoch: 3,
        secrets: vec!["right".into(), String::new()],
        desired: Desired::default(),
        generations: 0,
        generated_ms: 0,
        silenced: Default::default(),
        model: crate::model::Model::default(),
        expires_in_ms: Some(90_000),
        directed: None,
        heed: Default::default(),
    }
}

fn shown(secret: &str, session_id: &str) -> Rejoin {
    Rejoin { session_id: session_id.into(), secret: Secret::new(secret), must_exist: true }
}

// F02
#[tokio::test(start_paused = true)]
async fn a_relic_is_shown_once_to_the_same_user_with_the_secret_and_in_time() {
    let (relics, now) = (Relics::default(), Instant::now());
    let until = now + Duration::from_secs(60);
    relics.keep(dossier(1), until, now);
    for (instance, user, secret, id) in [
        (2, "ada", "right", "s-1"),
        (1, "bob", "right", "s-1"),
        (1, "ada", "wrong", "s-1"),
        (1, "ada", "", "s-1"),
        (1, "ada", "right", "s-2"),
    ] {
        let found = relics.take("studio/1", Instance(instance), user, &shown(secret, id), now);
        assert!(found.is_none(), "{instance} {user} {secret} {id}");
    }
    assert!(relics.take("studio/1", Instance(1), "ada", &shown("right", "s-1"), now).is_some());
    assert!(relics.take("studio/1", Instance(1), "ada", &shown("right", "s-1"), now).is_none(), "once");

    relics.keep(dossier(1), until, now);
    assert!(relics.take("studio/1", Instance(1), "ada", &shown("right", "s-1"), until).is_none(), "too late");
    relics.keep(dossier(2), now, now);
    assert!(relics.take("studio/1", Instance(2), "ada", &shown("right", "s-1"), now).is_none(), "never kept");
}

#[tokio::test(start_paused = true)]
async fn relics_are_bounded_and_the_one_due_first_goes() {
    let (relics, now) = (Relics::default(), Instant::now());
    for instance in 0..=MOST as u128 {
        relics.keep(dossier(instance), now + Duration::from_secs(60 + instance as u64), now);
    }
    assert_eq!(relics.0.lock().expect("nobody panics").len(), MOST);
    assert!(relics.take("studio/1", Instance(0), "ada", &shown("right", "s-1"), now).is_none());
    assert!(relics.take("studio/1", Instance(1), "ada", &shown("right", "s-1"), now).is_some());
}

// F64, F02
#[tokio::test(start_paused = true)]
async fn what_is_ended_is_taken_up_by_nobody_and_the_others_stay() {
    let (relics, now) = (Relics::default(), Instant::now());
    let until = now + Duration::from_secs(60);
    let other_session = Dossier { session: "studio/2".into(), ..dossier(2) };
    let mut other_user = dossier(3);
    other_user.member.user = "bob".into();
    for kept in [dossier(1), other_session, other_user] {
        relics.keep(kept, until, now);
    }
    let ended = |session, user| {
        let ended = relics.end(session, user).into_iter();
        ended.map(|(dossier, until)| (dossier.member.instance, until)).collect::<Vec<_>>()
    };
    assert_eq!(ended(Some("studio/1"), Some("ada")), [(Instance(1), until)]);
    assert!(ended(Some("studio/1"), Some("ada")).is_empty());
    assert_eq!(ended(Some("studio/1"), None), [(Instance(3), until)]);
    assert_eq!(ended(None, None), [(Instance(2), until)]);
}
