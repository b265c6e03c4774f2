//! Examples of what directory links and directors say.

use super::{OURS, THEIRS, session};
use crate::codes::{Attendance, Role};
use crate::{
    Attendee, Conclude, Entry, FromClient, FromServer, Invited, Look, Make, Profile, Prompt, Secret,
    SessionGone, SessionInfo, Settings, Steer, Steered, Versions,
};

pub(super) fn look() -> Look {
    Look {
        versions: Versions::OURS,
        session: session(),
        credential: Some(Secret::new("header.claims.signature")),
    }
}

pub(super) fn make() -> Make {
    let Look { versions, session, credential } = look();
    Make { versions, session, credential, profile: profile() }
}

fn profile() -> Profile {
    Profile {
        metadata: vec![Entry { name: "title".to_owned(), value: "Monday's lesson".to_owned() }],
        settings: Settings { director_required: true, max_members: Some(8) },
        members: vec![
            Invited { user: "ada".to_owned(), role: Role::Participant },
            Invited { user: "grace".to_owned(), role: Role::Viewer },
        ],
    }
}

pub(super) fn steer() -> Vec<FromClient> {
    let prompt = Some(Prompt { text: "sepia".to_owned(), enhance: false });
    vec![
        FromClient::Steer(Steer { id: 1, prompt, text: None }),
        FromClient::Steer(Steer { id: 2, prompt: None, text: Some("slow down".to_owned()) }),
    ]
}

pub(super) fn conclude() -> Conclude {
    Conclude { text: "the lesson is over".to_owned() }
}

pub(super) fn info() -> Vec<FromServer> {
    let attendee = |instance, user: &str, role| Attendee {
        instance,
        user: user.to_owned(),
        name: None,
        role,
        attendance: Attendance::Present,
    };
    let empty = SessionInfo {
        session: session(),
        session_id: "s-5f2c".to_owned(),
        made: true,
        age_ms: 0,
        profile: profile(),
        present: 0,
        attendees: Vec::new(),
        waiting: 0,
        directed: false,
    };
    let full = SessionInfo {
        made: false,
        age_ms: 61_000,
        present: 2,
        attendees: vec![attendee(OURS, "ada", Role::Participant), attendee(THEIRS, "grace", Role::Viewer)],
        waiting: 3,
        directed: true,
        ..empty.clone()
    };
    vec![FromServer::Session(empty), FromServer::Session(full)]
}

pub(super) fn gone() -> SessionGone {
    SessionGone { session: session() }
}

pub(super) fn steered() -> Vec<FromServer> {
    let refused = Some("no filter is called \"sepiaa\"; did you mean \"sepia\"?".to_owned());
    vec![
        FromServer::Steered(Steered { id: 1, members: 2, refused: None }),
        FromServer::Steered(Steered { id: 3, members: 0, refused }),
    ]
}
