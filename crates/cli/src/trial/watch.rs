//! Two watchers of one session: its events go into the log, its pictures to the witness.

use super::log::Log;
use super::screen::Screen;
use super::witness::{Verdict, Witness};
use futures_util::StreamExt;
use offhook::{Event, Events, Mood, RemoteVideo};
use offhook_media::I420;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// So many pictures in a row make a prompt seen.
const IN_A_ROW: u32 = 3;

/// What the pictures showed so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// Decoded pictures.
    pub(crate) pictures: u64,
    /// Seconds of the first one.
    pub(crate) first: Option<f64>,
    /// The prompt that the newest pictures show, and how many in a row.
    pub(crate) prompt: Option<usize>,
    /// How many in a row.
    pub(crate) row: u32,
    /// Seconds of the first picture of that row.
    pub(crate) since: f64,
}

impl Seen {
    /// Is this prompt what comes back, beyond doubt?
    pub(crate) fn shows(&self, prompt: usize) -> bool {
        self.prompt == Some(prompt) && self.row >= IN_A_ROW
    }
}

/// A pair for the contact sheet: the picture of the clip, and what came back.
pub(crate) type Kept = Arc<Mutex<HashMap<usize, (usize, I420)>>>;

/// Logs events until the session is over; `also` is told each with its time.
pub(crate) async fn events(
    mut events: Events,
    log: Arc<Log>,
    screen: Screen,
    mut also: impl FnMut(f64, Event),
) {
    while let Some(event) = events.next().await {
        let (name, fields) = describe(&event);
        if let Event::StateChanged(state) = &event {
            screen.state(state.name());
        }
        if let Event::Ended(_) = &event {
            // A leave skips what was queued but the ending, which is the news of this state.
            screen.state("Left");
            log.say("state", json!({ "state": "Left" }));
        }
        let at = log.say(name, fields);
        also(at, event);
    }
}

/// Judges pictures until the session is over.
pub(crate) async fn pictures(
    video: RemoteVideo,
    witness: Arc<Witness>,
    log: Arc<Log>,
    seen: watch::Sender<Seen>,
    kept: Kept,
) {
    let mut frames = video.decoded();
    while let Some(frame) = frames.next().await {
        let Ok(verdict) = tokio::task::block_in_place(|| witness.judge(&frame.picture)) else { continue };
        let at = log.now();
        let news = note(&seen, &verdict, at);
        if news {
            let name = verdict.prompt.map_or("?", |prompt| witness.prompt(prompt));
            log.say(
                "picture",
                json!({ "shows": name, "distance": (verdict.distance * 10.0).round() / 10.0 }),
            );
        }
        if let Some(prompt) = verdict.prompt {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            // The newest of each: the encoder has settled by then.
            kept.insert(prompt, (verdict.picture, frame.picture));
        }
    }
}

/// Counts a verdict; true when the pictures begin to show something else.
fn note(seen: &watch::Sender<Seen>, verdict: &Verdict, at: f64) -> bool {
    let mut news = false;
    seen.send_modify(|seen| {
        seen.pictures += 1;
        news = seen.first.is_none() || seen.prompt != verdict.prompt;
        seen.first.get_or_insert(at);
        if news {
            seen.prompt = verdict.prompt;
            seen.row = 0;
            seen.since = at;
        }
        seen.row += 1;
    });
    news
}

fn mood_name(mood: Mood) -> &'static str {
    match mood {
        Mood::Idle => "idle",
        Mood::UserSpeaking => "user_speaking",
        Mood::Processing => "processing",
        Mood::Speaking => "speaking",
    }
}

/// An event's name and particulars, for the log.
pub(crate) fn describe(event: &Event) -> (&'static str, Value) {
    match event {
        Event::StateChanged(state) => ("state", json!({ "state": state.name() })),
        Event::Progress(progress) => ("progress", json!({ "percent": progress.percent() })),
        Event::Attempt(attempt) => (
            "attempt",
            json!({
                "plan": attempt.plan.code(),
                "began_ms": millis(attempt.began),
                "took_ms": millis(attempt.took),
                "searching_ms": millis(attempt.phases.searching),
                "preparing_ms": millis(attempt.phases.preparing),
                "connecting_ms": millis(attempt.phases.connecting),
                "error": attempt.error.map(|cause| cause.code()),
            }),
        ),
        Event::JoinFailed(kind) => ("join_failed", json!({ "code": kind.code() })),
        Event::AcceptFailed(why) => ("accept_failed", json!({ "why": format!("{why:?}") })),
        Event::LinkLost { plane, fault } => {
            ("link_lost", json!({ "plane": format!("{plane:?}").to_lowercase(), "fault": fault.code() }))
        }
        Event::Recovered { plan, after, media_interrupted } => (
            "recovered",
            json!({
                "plan": plan.code(),
                "after_ms": millis(*after),
                "media_interrupted_ms": millis(*media_interrupted),
            }),
        ),
        Event::MigrationStarted(_) => ("migration_started", Value::Null),
        Event::MigrationFinished { moved } => ("migration_finished", json!({ "moved": moved })),
        Event::Change { revision, outcome } => {
            ("change", json!({ "revision": revision.0, "outcome": outcome_name(outcome) }))
        }
        Event::MessageUnanswered { id, .. } => ("message_unanswered", json!({ "id": id })),
        Event::MessageTaken { id } => ("message_taken", json!({ "id": id })),
        Event::Message { from, topic, payload } => {
            ("message", json!({ "from": from, "topic": topic, "bytes": payload.len() }))
        }
        Event::Reaction { from, reaction } => ("reaction", json!({ "from": from, "reaction": reaction })),
        Event::Conversation(mood) => ("conversation", json!({ "mood": mood_name(*mood) })),
        Event::SourceEnded { label, error } => ("source_ended", json!({ "label": label, "error": error })),
        Event::Said(text) => ("said", json!({ "text": text })),
        Event::MemberJoined(member) => ("member_joined", json!({ "id": member.id, "name": member.name })),
        Event::MemberLeft(member) => ("member_left", json!({ "id": member.id, "name": member.name })),
        Event::MemberUpdated(member) => ("member_updated", json!({ "id": member.id, "away": member.away })),
        Event::TrackAdded(track) => ("track_added", of_track(&track.id)),
        Event::TrackRemoved(track) => ("track_removed", of_track(&track.id)),
        Event::TrackMuted(id) => ("track_muted", of_track(id)),
        Event::TrackUnmuted(id) => ("track_unmuted", of_track(id)),
        Event::TrackWaits(id) => ("track_waits", of_track(id)),
        Event::TrackComes(id) => ("track_comes", of_track(id)),
        Event::TrackNotTaken(track) => (
            "track_not_taken",
            json!({
                "track": track.label,
                "codec": format!("{:?}", track.codec),
                "why": format!("{:?}", track.why),
            }),
        ),
        Event::TrackTaken(label) => ("track_taken", json!({ "track": label })),
        Event::RemoteTrack { mid, sending, .. } => {
            ("remote_track", json!({ "mid": mid, "sending": sending }))
        }
        Event::MutedByModerator { by, kind, muted, may_unmute } => (
            "muted_by_moderator",
            json!({ "by": by, "kind": format!("{kind:?}"), "muted": muted, "may_unmute": may_unmute }),
        ),
        Event::VideoWanted(wanted) => (
            "video_wanted",
            json!({
                "size": wanted.map(|wanted| wanted.wish.to_string()),
                "limited_by": wanted.map(|wanted| wanted.limited_by.code()),
            }),
        ),
        Event::Uploading { revision, received, total } => {
            ("uploading", json!({ "revision": revision.0, "received": received, "total": total }))
        }
        Event::PictureStalled { mid } => ("picture_stalled", json!({ "mid": mid })),
        Event::PictureResumed { mid, after } => {
            ("picture_resumed", json!({ "mid": mid, "after_ms": millis(*after) }))
        }
        Event::QualityChanged(quality) => (
            "quality",
            json!({
                "grade": quality.grade.code(),
                "limited_by": quality.limited_by.map(offhook::Limit::code),
            }),
        ),
        Event::GenerationStarted => ("generation_started", Value::Null),
        Event::GenerationTick { used } => ("generation_tick", json!({ "used_ms": millis(*used) })),
        Event::GenerationEnded { reason } => ("generation_ended", json!({ "reason": reason })),
        Event::Stats(stats) => (
            "stats",
            json!({
                "round_trip_ms": stats.round_trip_time.map(millis),
                "bytes_sent": stats.bytes_sent,
                "bytes_received": stats.bytes_received,
            }),
        ),
        Event::Unknown(kind) => ("unknown", json!({ "kind": kind })),
        Event::Missed { count, state } => ("missed", json!({ "count": count, "state": state.name() })),
        Event::Error(error) => ("error", json!({ "code": error.code(), "text": error.text.as_deref() })),
        Event::Ended(ended) => (
            "ended",
            json!({
                "session": ended.session.as_deref(),
                "reason": ended.reason.code(),
                "may_retry": ended.may_retry,
            }),
        ),
    }
}

fn of_track(id: &offhook::TrackId) -> Value {
    json!({ "member": id.member(), "track": id.label() })
}

fn outcome_name(outcome: &offhook::ChangeOutcome) -> &'static str {
    match outcome {
        offhook::ChangeOutcome::Applied => "applied",
        offhook::ChangeOutcome::Superseded => "superseded",
        offhook::ChangeOutcome::Refused { .. } => "refused",
        offhook::ChangeOutcome::Unconfirmed => "unconfirmed",
        offhook::ChangeOutcome::Withdrawn => "withdrawn",
        offhook::ChangeOutcome::Ended => "ended",
    }
}

/// Milliseconds with one decimal, for people and programs alike.
pub(crate) fn millis(duration: std::time::Duration) -> f64 {
    (duration.as_secs_f64() * 10_000.0).round() / 10.0
}
