//! The taking end of a handover: who shows the key is believed, and what it tells of becomes
//! members that are away and may come.

use super::{ANSWER_WITHIN, Give, HELLO_BYTES, MOST_BYTES, Took};
use crate::directory::await_director;
use crate::images::Assembly;
use crate::listen::Caller;
use crate::member::{Silencing, kind_of};
use crate::{Shared, door};
use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures_util::StreamExt;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// Longest that somebody who was handed over may be waited for before its window begins.
const MOST_WITHIN: Duration = Duration::from_secs(120);

/// How long one that is muted may take to heed it: less than the other waits for an answer.
const HEEDED_WITHIN: Duration = Duration::from_secs(4);

/// Runs one channel to its end. `called` is the name that the other called this server by.
pub(crate) async fn take(shared: Arc<Shared>, mut socket: WebSocket, caller: Caller, called: &str) {
    let knock = caller.knock;
    knock.talks();
    let first = tokio::select! {
        first = timeout(shared.config.limits.first_frame, hear(&mut socket, HELLO_BYTES)) => first.ok().flatten(),
        _ = knock.decided() => None,
    };
    let Some(Give::Hello { voucher }) = first else { return };
    let Some(answer) = vouch(&shared, &voucher, called) else {
        tracing::warn!("somebody without the key wanted to hand sessions over");
        let close = CloseFrame { code: 1008, reason: "".into() };
        let _ = timeout(ANSWER_WITHIN, socket.send(Message::Close(Some(close)))).await;
        return;
    };
    knock.admit();
    drop(knock);
    if !say(&mut socket, &Took::Hello { voucher: answer }).await {
        return;
    }
    let mut sessions = BTreeSet::new();
    take_all(&shared, &mut socket, &mut sessions).await;
    // Members are told to go when all is handed over, and the channel is over after that, whatever came of
    // it: from here on a director that does not follow its session is missed as one that is lost.
    sessions.iter().for_each(|session| await_director(&shared, session));
}

/// Takes what is given until the channel is over, and notes the sessions that were made by name.
async fn take_all(shared: &Arc<Shared>, socket: &mut WebSocket, sessions: &mut BTreeSet<String>) {
    let mut arriving = None;
    while let Some(give) = hear(socket, MOST_BYTES).await {
        let took = match give {
            Give::Hello { .. } => return,
            Give::Member { dossier, within_ms } => {
                let within = Duration::from_millis(within_ms).min(MOST_WITHIN);
                let there_is_room = shared.rooms.adopt(shared, *dossier, within);
                if there_is_room { Took::Taken } else { Took::NoRoom }
            }
            Give::Record { session, session_id, profile, directed } => {
                let rooms = &shared.rooms;
                if rooms.adopt_record(shared, &session, &session_id, *profile, directed) {
                    sessions.insert(session);
                    Took::Taken
                } else {
                    Took::NoRoom
                }
            }
            Give::Image { session, sha256, offset, total, bytes } => {
                let piece = (offset, total, &*bytes);
                let is_taken = take_image(shared, &mut arriving, &session, &sha256, piece).await;
                if is_taken { Took::Taken } else { Took::NoRoom }
            }
            Give::KeepOut { session, user, left_ms } => {
                let left = Duration::from_millis(left_ms).min(shared.config.kick_life);
                shared.kicks.keep_out(&session, &user, left, Instant::now());
                Took::Taken
            }
            Give::KeepSilent { session, user, silenced, left_ms } => {
                let left = Duration::from_millis(left_ms).min(shared.config.kick_life);
                shared.silences.note(&session, &user, silenced, left, Instant::now());
                Took::Taken
            }
            Give::Silence { session, member, by, kind, muted } => {
                match shared.rooms.member(&session, member).zip(kind_of(&kind)) {
                    None => Took::Nobody,
                    Some(((_, notices), kind)) => {
                        let told = notices.silence(Silencing { by, kind, muted });
                        match timeout(HEEDED_WITHIN, told.heeded()).await {
                            Ok(true) => Took::Taken,
                            Ok(false) => Took::Nobody,
                            // It will be, and nobody can say when.
                            Err(_) => Took::NoRoom,
                        }
                    }
                }
            }
            Give::End { session, user, ended, keep_out_ms } => {
                if let (Some(user), Some(left_ms)) = (&user, keep_out_ms) {
                    let left = Duration::from_millis(left_ms).min(shared.config.kick_life);
                    shared.kicks.keep_out(&session, user, left, Instant::now());
                }
                if user.is_none() {
                    shared.rings.lock().end_session(&session, Instant::now());
                }
                let was_there = shared.end_members(Some(&session), user.as_deref(), &ended).await;
                if was_there { Took::Taken } else { Took::Nobody }
            }
        };
        if !say(socket, &took).await {
            return;
        }
    }
}

/// Takes a piece of an image, and keeps the image with its last one.
async fn take_image(
    shared: &Shared,
    arriving: &mut Option<Assembly>,
    session: &str,
    sha256: &str,
    (offset, total, bytes): (u64, u64, &str),
) -> bool {
    let mut assembly =
        arriving.take().filter(|assembly| assembly.sha256 == sha256).unwrap_or_else(|| Assembly::new(sha256));
    if assembly.take(offset, total, bytes).is_err() {
        return false;
    }
    match assembly.whole() {
        Some(file) => match shared.images.read(sha256.to_owned(), file.clone()).await {
            Ok(reference) => shared.images.keep(session, sha256, file, reference),
            Err(_) => return false,
        },
        None => *arriving = Some(assembly),
    }
    true
}

/// The answer to a voucher that is good, new and meant for this server.
fn vouch(shared: &Shared, voucher: &str, called: &str) -> Option<String> {
    let voucher = shared.signer.check_voucher(voucher).ok()?;
    let for_us = voucher.target.as_deref().is_some_and(|target| target.eq_ignore_ascii_case(called));
    if !for_us || !shared.doormat.use_once(&voucher.nonce, voucher.exp, door::now()) {
        return None;
    }
    shared.signer.vouch(&shared.life, None, Some(voucher.nonce)).ok().map(|(answer, _)| answer)
}

/// The next thing said; `None` when the channel is over, or is none, or that is too long.
async fn hear(socket: &mut WebSocket, most: usize) -> Option<Give> {
    loop {
        match socket.next().await? {
            Ok(Message::Text(text)) if text.len() > most => return None,
            Ok(Message::Text(text)) => return serde_json::from_str(&text).ok(),
            Ok(Message::Ping(_) | Message::Pong(_)) => {}
            Ok(Message::Binary(_) | Message::Close(_)) | Err(_) => return None,
        }
    }
}

async fn say(socket: &mut WebSocket, took: &Took) -> bool {
    let Ok(text) = serde_json::to_string(took) else { return false };
    matches!(timeout(ANSWER_WITHIN, socket.send(Message::Text(text.into()))).await, Ok(Ok(())))
}
