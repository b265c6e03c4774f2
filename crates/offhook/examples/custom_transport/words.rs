//! What the lines of `lines.rs` say, as the client's end writes and reads them.

use super::lines::CAN;
use super::wire::{from_hex, to_hex};
use offhook::transport::{
    Action, Desired, DialRequest, EndCode, Event, Plan, Plane, RefusalItem, RefusedCode, Revision, Up,
    Verdict,
};
use std::time::Duration;

/// What a line of the far side means; `None` for one that has no place here.
pub(crate) fn heard(line: &str, request: &DialRequest, up: bool) -> Option<Event> {
    let words: Vec<&str> = line.split(' ').collect();
    Some(match (up, words.as_slice()) {
        (false, ["welcome", session]) => Event::Up(Box::new(Up {
            key: None,
            session: from_hex(session)?,
            resumed: !matches!(request.plan, Plan::Join { .. }),
            capabilities: CAN,
            liveness: None,
            resume_window: Some(Duration::ZERO),
            acked: Some(request.revision),
            roster: Vec::new(),
            to_follow: Vec::new(),
            video: None,
            models: Vec::new(),
            generating: None,
        })),
        (false, ["refused", code, text]) => {
            let code = RefusedCode::ALL.iter().find(|known| known.code() == *code);
            let code = code.copied().unwrap_or(RefusedCode::Other);
            let item = (code == RefusedCode::InitialState).then_some(RefusalItem::Prompt);
            Event::Refused {
                code,
                retry_after: None,
                queue_position: None,
                text: from_hex(text)?,
                item,
                known: Vec::new(),
            }
        }
        (true, ["pong"]) => Event::Alive(Plane::Signaling),
        (true, ["applied", revision]) => {
            Event::Acked { revision: Revision(revision.parse().ok()?), verdict: Verdict::Applied }
        }
        (true, ["rejected", revision, text]) => {
            let verdict = Verdict::Refused { item: RefusalItem::Prompt, text: from_hex(text)? };
            Event::Acked { revision: Revision(revision.parse().ok()?), verdict }
        }
        (true, ["ended", code]) => {
            let code = EndCode::ALL.iter().find(|known| known.code() == *code);
            let code = code.copied().unwrap_or(EndCode::Other);
            Event::Ended { code, text: String::new(), may_retry: code != EndCode::Kicked }
        }
        _ => return None,
    })
}

/// How a dial begins: who comes where, and with what in force.
pub(crate) fn join(request: &DialRequest) -> String {
    let (session, Revision(revision)) = (&request.session, request.revision);
    let (kind, id) = (to_hex(&session.kind), to_hex(&session.id));
    let prompt = prompt_of(&request.desired);
    format!("join {kind} {id} {} {} {revision} {prompt}", request.instance, request.epoch)
}

/// How an action is asked of the far side; `None` for what it knows nothing of.
pub(crate) fn asking(action: &Action) -> Option<String> {
    match action {
        Action::Apply { revision: Revision(revision), desired } => {
            Some(format!("prompt {revision} {}", prompt_of(desired)))
        }
        Action::Ping => Some("ping".to_owned()),
        Action::Goodbye => Some("bye".to_owned()),
        Action::Credential(_)
        | Action::RestartIce
        | Action::Publish(_)
        | Action::Send(_)
        | Action::React(_)
        | Action::Say(_)
        | Action::Moderate(_)
        | Action::KeepAlive
        | Action::Telemetry(_) => None,
    }
}

fn prompt_of(desired: &Desired) -> String {
    desired.prompt.as_ref().map_or_else(|| "-".to_owned(), |prompt| to_hex(&prompt.text))
}
