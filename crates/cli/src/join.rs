//! `offhook join URL`: a session kept until Ctrl-C or SIGTERM, with prompts from
//! stdin; paused by Ctrl-Z.

use crate::Outcome;
use crate::args::Join;
use crate::devices::{self, DevicesError, Screen};
use crate::signals;
use crate::trial::printable;
use crate::trial::watch::describe;
use futures_util::StreamExt;
use offhook::WebRtc;
use offhook::{CallingState, Client, EndReason, Event, Events, Joined, Policy, RemoteVideo, Session};
use offhook_media::I420;
use serde_json::Value;
use std::future::pending;
use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

/// Prompts that wait to be set; stdin is then not read on.
const PROMPTS: usize = 8;

/// A session that was not joined, or whose picture could not be kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JoinError {
    #[error(transparent)]
    Devices(#[from] DevicesError),
    #[error("not joined: {kind}{}", text.as_deref().map_or(String::new(), |text| format!(" ({})", text.escape_debug())))]
    Join { kind: offhook::JoinErrorKind, text: Option<String> },
    #[error("the certificates in {} cannot be read: {source}", path.display())]
    Root { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Snapshot(#[from] offhook_media::WritePictureError),
    #[error("no picture came back, so {} was not written", path.display())]
    NoPicture { path: PathBuf },
    #[error("signals cannot be waited for: {0}")]
    Signal(std::io::Error),
}

/// Joins, stays, leaves.
pub(crate) async fn run(args: Join) -> Result<Outcome, JoinError> {
    let mut interrupt = signals::Interrupt::listen().map_err(JoinError::Signal)?;
    let job = signals::JobControl::listen().map_err(JoinError::Signal)?;
    let publish = devices::publish(&args.input, &args.devices).await?;
    // Opened before the join: who is to be heard and seen is not kept waiting.
    let (speaker, screen) = devices::listen(&args.devices).await?;
    let mut transport = WebRtc::new(args.url.clone());
    if let Some(path) = &args.root {
        let pem = std::fs::read(path).map_err(|source| JoinError::Root { path: path.clone(), source })?;
        transport = transport.extra_root(pem);
    }
    let mut client =
        Client::new(transport).policy(Policy { suspend: args.on_suspend.into(), ..Policy::default() });
    if let Some(credential) = &args.credential {
        client = client.credential(credential.clone());
    }
    let idle = client.session(&args.session.0, &args.session.1);
    let events = tokio::spawn(show(idle.events(), args.json));
    let mut join = publish;
    if let Some(prompt) = &args.prompt {
        join = join.prompt(prompt);
    }
    if let Some(model) = &args.model {
        join = join.model(model);
    }
    tokio::spawn(job.keep(client.clone(), idle.controls()));
    let mut joining = idle.join(join);
    let stopped = tokio::select! {
        biased;
        joined = &mut joining => Ok(joined),
        stop = interrupt.seen() => Err(stop),
    };
    let joined = match stopped {
        Ok(joined) => joined,
        // Dropping the pending join cancels it; the goodbye is waited for.
        Err(stop) if joining.state() == CallingState::Joining => {
            drop(joining);
            client.shutdown().await;
            let _ = events.await;
            return Ok(Outcome::Stopped(stop));
        }
        // Listeners were told that it is joined, and the join is about to say so: what is joined is
        // left, and not dropped.
        Err(_) => joining.await,
    };
    let session = joined
        .map_err(|error| JoinError::Join { kind: error.kind(), text: error.text().map(str::to_owned) })?;
    let (last_in, last) = watch::channel(None);
    if let Ok(video) = session.remote_video().await {
        tokio::spawn(newest(video, last_in, screen));
    }
    // Held to the end of the session.
    let _speaker = match (speaker, session.remote_audio().await) {
        (Some(speaker), Ok(sound)) => Some(speaker.play(sound)?),
        _ => None,
    };
    let outcome = stay(&args, &session, &mut interrupt).await;
    let mut left = session.leave().await;
    left.released().await;
    client.shutdown().await;
    // It ended with the session.
    let _ = events.await;
    if let Some(path) = &args.snapshot {
        keep(path, last.borrow().as_ref())?;
    }
    Ok(match (left.reason(), outcome) {
        (EndReason::LeftByUser, outcome) => outcome,
        // The pause was to be the end.
        (EndReason::Suspended, _) => Outcome::Fine,
        _ => Outcome::Failed,
    })
}

/// Until Ctrl-C, the time asked for, or the end of the session.
async fn stay(args: &Join, session: &Session<Joined>, interrupt: &mut signals::Interrupt) -> Outcome {
    let mut prompts = stdin_lines();
    let mut watch = session.watch();
    let over = async {
        match args.seconds {
            Some(seconds) => sleep(Duration::from_secs_f64(seconds)).await,
            None => pending().await,
        }
    };
    tokio::pin!(over);
    loop {
        tokio::select! {
            () = &mut over => return Outcome::Fine,
            stop = interrupt.seen() => return Outcome::Stopped(stop),
            view = watch.next() => if view.is_none_or(|view| view.state() == CallingState::Left) {
                return Outcome::Failed;
            },
            Some(prompt) = prompts.recv() => match session.set_prompt(prompt).await {
                Ok(_) => {}
                Err(error) => eprintln!("offhook: {error}"),
            },
        }
    }
}

/// Lines of stdin, read on a thread of its own: a blocked read ends with the process.
fn stdin_lines() -> mpsc::Receiver<String> {
    let (lines, read) = mpsc::channel(PROMPTS);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let line = line.trim();
            if !line.is_empty() && lines.blocking_send(line.to_owned()).is_err() {
                return;
            }
        }
    });
    read
}

async fn show(mut events: Events, json: bool) {
    while let Some(event) = events.next().await {
        let (name, fields) = describe(&event);
        if json {
            let mut line = serde_json::Map::from_iter([("event".to_owned(), Value::from(name))]);
            if let Value::Object(fields) = fields {
                line.extend(fields);
            }
            println!("{}", printable::line(&Value::Object(line)));
        } else if !matches!(event, Event::Stats(_) | Event::GenerationTick { .. }) {
            let fields =
                if fields.is_null() { String::new() } else { format!(" {}", printable::line(&fields)) };
            println!("{name}{fields}");
        }
    }
}

/// Keeps the newest picture, and shows each.
async fn newest(video: RemoteVideo, last: watch::Sender<Option<I420>>, screen: Option<Screen>) {
    let mut frames = video.decoded();
    while let Some(frame) = frames.next().await {
        if let Some(screen) = &screen {
            screen.show(&frame.picture);
        }
        last.send_replace(Some(frame.picture));
    }
}

fn keep(path: &Path, picture: Option<&I420>) -> Result<(), JoinError> {
    let picture = picture.ok_or_else(|| JoinError::NoPicture { path: path.to_owned() })?;
    Ok(picture.write_png(path)?)
}
