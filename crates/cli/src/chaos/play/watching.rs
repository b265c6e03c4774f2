//! The watchers of a run: states, views, returned frames as they come, and returned pictures. Each
//! writes down what it sees until the session is over.

use super::Looks;
use crate::chaos::plan::LOOKS;
use crate::chaos::record::{Frame, Record, Returned, Shown};
use crate::trial::log::Log;
use crate::trial::witness::Witness;
use futures_util::StreamExt;
use offhook::{RemoteVideo, StateSeen, States, Watch};
use serde_json::json;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use tokio::sync::watch as cell;

pub(super) async fn states(mut states: States, log: Arc<Log>, record: Arc<Record>) {
    while let Some(state) = states.next().await {
        let now = log.now();
        record.note(|seen| {
            if let StateSeen::Missed { count, .. } = state {
                seen.states_missed += count;
            }
            seen.states.push((now, state.state()));
        });
    }
}

pub(super) async fn views(mut views: Watch, log: Arc<Log>, record: Arc<Record>) {
    while let Some(view) = views.next().await {
        let shown = Shown {
            calling: view.state(),
            connection: view.connection_state(),
            percent: view.progress().percent(),
        };
        let now = log.now();
        record.note(|seen| {
            if seen.shown.last().is_none_or(|(_, last)| *last != shown) {
                seen.shown.push((now, shown));
            }
        });
    }
}

/// Frames before they are decoded: which stream they are of, and whether one comes twice.
pub(super) async fn frames(mut video: RemoteVideo, log: Arc<Log>, record: Arc<Record>) {
    while let Some(frame) = video.next().await {
        let mut hasher = DefaultHasher::new();
        frame.data.hash(&mut hasher);
        let (pts, hash) = (frame.pts.as_secs_f64(), hasher.finish());
        let seen = Frame { at: log.now(), pts, key: frame.key, bytes: frame.data.len(), hash };
        record.note(|record| record.frames.push(seen));
    }
}

/// Judges every picture until the session is over.
pub(super) async fn pictures(
    video: RemoteVideo,
    witness: Arc<Witness>,
    log: Arc<Log>,
    record: Arc<Record>,
    looks: cell::Sender<Looks>,
) {
    let mut frames = video.decoded();
    let mut told = None;
    while let Some(frame) = frames.next().await {
        let at = log.now();
        let Ok(verdict) = tokio::task::block_in_place(|| witness.judge(&frame.picture)) else { continue };
        let look = verdict.certain();
        let near = if verdict.prompt.is_some() { verdict.near } else { Vec::new() };
        record.note(|seen| seen.returned.push(Returned { at, look, near }));
        looks.send_modify(|(now, row)| {
            *row = if *now == look { *row + 1 } else { 1 };
            *now = look;
        });
        if look.is_some() && look != told {
            told = look;
            log.say("picture", json!({ "shows": look.map_or("?", |look| LOOKS[look]) }));
        }
    }
}
