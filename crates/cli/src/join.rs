//! `offhook join URL`: a session kept until Ctrl-C or SIGTERM, with prompts from
//! stdin; paused by Ctrl-Z. What comes back is shown, played and kept in `join/returned.rs`.

mod returned;

use crate::Outcome;
use crate::args::Join;
use crate::devices::{self, DevicesError};
use crate::signals;
use crate::trial::printable;
use crate::trial::watch::describe;
use futures_util::StreamExt;
use offhook::WebRtc;
use offhook::{CallingState, Client, EndReason, Event, Events, Joined, Policy, Session, Setting};
use returned::Returned;
use serde_json::Value;
use std::future::pending;
use std::io::BufRead;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;

/// Prompts that wait to be set; stdin is then not read on.
const PROMPTS: usize = 8;

/// A session that was not joined, or whose picture could not be kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JoinError {
    #[error(transparent)]
    Devices(#[from] DevicesError),
    #[error("not joined: {0}")]
    Join(String),
    #[error(
        "the certificates in {} cannot be read ({source}); name a PEM file of the CA with --root, or leave it out",
        path.display()
    )]
    Root { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Snapshot(#[from] offhook_media::WritePictureError),
    #[error(
        "no picture came back, so {} was not written; stay longer, and look whether anybody sends video",
        path.display()
    )]
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
    if args.dangerous_allow_plain_ws {
        transport = transport.dangerous_allow_plain_ws();
    }
    let mut client =
        Client::new(transport).policy(Policy { suspend: args.on_suspend.into(), ..Policy::default() });
    if let Some(credential) = &args.credential {
        client = client.credential(credential.clone());
    }
    let idle = client.session(&args.session.0, &args.session.1);
    let (enough, all) = oneshot::channel();
    let shown = tokio::spawn(show(idle.events(), args.json, all));
    // From before the join, so that no track of somebody else's is missed.
    let events = idle.events();
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
            let _ = shown.await;
            return Ok(Outcome::Stopped(stop));
        }
        // Listeners were told that it is joined, and the join is about to say so: what is joined is
        // left, and not dropped.
        Err(_) => joining.await,
    };
    let session = match joined {
        Ok(session) => session,
        Err(error) => {
            // What was told until now is shown. That the session is dropped now is no news of the join.
            drop(enough);
            let _ = shown.await;
            let failed = JoinError::Join(error.to_string());
            drop(error);
            client.shutdown().await;
            return Err(failed);
        }
    };
    let mut returned = Returned::new(speaker, screen);
    let outcome = stay(&args, &session, &mut interrupt, events, &mut returned).await;
    let mut left = session.leave().await;
    left.released().await;
    client.shutdown().await;
    // It ended with the session.
    let _ = shown.await;
    if let Some(path) = &args.snapshot {
        returned.keep(path)?;
    }
    Ok(match (left.reason(), outcome?) {
        (EndReason::LeftByUser, outcome) => outcome,
        // The pause was to be the end.
        (EndReason::Suspended, _) => Outcome::Fine,
        (reason, _) => {
            eprintln!("offhook: {reason}");
            Outcome::Failed
        }
    })
}

/// Until Ctrl-C, the time asked for, or the end of the session. It waits for all of them at once and for
/// nothing in between: a prompt that is not answered holds up the prompts after it, and nothing else.
async fn stay(
    args: &Join,
    session: &Session<Joined>,
    interrupt: &mut signals::Interrupt,
    mut events: Events,
    returned: &mut Returned,
) -> Result<Outcome, JoinError> {
    let mut prompts = stdin_lines();
    let mut asked = None::<Setting>;
    let mut watch = session.watch();
    let over = async {
        match args.seconds {
            Some(seconds) => sleep(Duration::from_secs_f64(seconds)).await,
            None => pending().await,
        }
    };
    tokio::pin!(over);
    // Ready at once.
    returned.begin(session).await?;
    loop {
        let is_free = asked.is_none();
        let answered = async {
            match &mut asked {
                Some(setting) => setting.await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = &mut over => return Ok(Outcome::Fine),
            stop = interrupt.seen() => return Ok(Outcome::Stopped(stop)),
            view = watch.next() => if view.is_none_or(|view| view.state() == CallingState::Left) {
                return Ok(Outcome::Failed);
            },
            answer = answered => {
                asked = None;
                if let Err(error) = answer {
                    eprintln!("offhook: {error}");
                }
            }
            Some(event) = events.next() => returned.hear(session, &event)?,
            Some(prompt) = prompts.recv(), if is_free => asked = Some(session.set_prompt(prompt)),
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

/// Shows events until the session is over, or nobody wants more; then what was told already is still
/// shown.
async fn show(mut events: Events, json: bool, mut wanted: oneshot::Receiver<()>) {
    loop {
        let event = tokio::select! {
            biased;
            event = events.next() => event,
            _ = &mut wanted => return,
        };
        let Some(event) = event else { return };
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
