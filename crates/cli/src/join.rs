//! `offhook join URL`: a session kept until Ctrl-C or SIGTERM, with prompts, or what is said,
//! from stdin; paused by Ctrl-Z. What comes back is shown, played and kept in `join/returned.rs`.

mod returned;

use crate::Outcome;
use crate::args::Join;
use crate::devices::{self, DevicesError};
use crate::signals;
use crate::trial::printable;
use crate::trial::watch::describe;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};
use offhook::WebRtc;
use offhook::{CallingState, Capability, Client, EndReason, Event, Events, Joined, Policy, Sending, Session};
use returned::Returned;
use serde_json::Value;
use std::future::pending;
use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;

/// Lines that wait to be said; stdin is then not read on.
const LINES: usize = 8;

/// What a line is about that goes to the others in a room.
const CHAT: &str = "chat";

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
    // Dropped where nobody reads any more.
    let (reads, mut unread) = oneshot::channel::<()>();
    let shown = tokio::spawn(show(idle.events(), args.json, all, reads));
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
    let outcome = tokio::select! {
        outcome = stay(&args, &session, &mut interrupt, events, &mut returned) => outcome,
        // What is told goes to nobody: as with any command in a pipe, that is its end.
        _ = &mut unread => Ok(Outcome::Fine),
    };
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
/// nothing in between: a line that is not answered holds up the lines after it, and nothing else.
async fn stay(
    args: &Join,
    session: &Session<Joined>,
    interrupt: &mut signals::Interrupt,
    mut events: Events,
    returned: &mut Returned,
) -> Result<Outcome, JoinError> {
    let mut lines = stdin_lines();
    let mut asked = None::<Asked>;
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
                Some(asked) => asked.await,
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
            Some(line) = lines.recv(), if is_free => asked = Some(ask(session, line)),
        }
    }
}

/// A line of stdin on its way. What becomes of it, in words where that is not what was meant.
type Asked = BoxFuture<'static, Result<(), String>>;

/// What a line is depends on who there is: a prompt for who paints, words for a persona, and a message for
/// the others in a room.
fn ask(session: &Session<Joined>, line: String) -> Asked {
    let can = session.capabilities();
    if can.has(Capability::Conversation) {
        said(session.say(line))
    } else if !can.has(Capability::Prompt) && can.has(Capability::Messages) {
        said(session.send(CHAT, line))
    } else {
        let setting = session.set_prompt(line);
        async move { setting.await.map(drop).map_err(|error| error.to_string()) }.boxed()
    }
}

fn said(sending: Sending) -> Asked {
    async move { sending.await.map_err(|error| error.to_string()) }.boxed()
}

/// Lines of stdin, read on a thread of its own: a blocked read ends with the process.
fn stdin_lines() -> mpsc::Receiver<String> {
    let (lines, read) = mpsc::channel(LINES);
    std::thread::spawn(move || {
        let (mut stdin, mut bytes) = (std::io::stdin().lock(), Vec::new());
        while stdin.read_until(b'\n', &mut bytes).is_ok_and(|length| length > 0) {
            match std::str::from_utf8(&bytes).map(str::trim) {
                Ok("") => {}
                Ok(line) => {
                    if lines.blocking_send(line.to_owned()).is_err() {
                        return;
                    }
                }
                Err(_) => eprintln!("offhook: a line that is not UTF-8 was passed over"),
            }
            bytes.clear();
        }
    });
    read
}

/// Shows events until the session is over, nobody reads them, or nobody wants more; then what was told already
/// is still shown.
async fn show(
    mut events: Events,
    json: bool,
    mut wanted: oneshot::Receiver<()>,
    _reads: oneshot::Sender<()>,
) {
    loop {
        let event = tokio::select! {
            biased;
            event = events.next() => event,
            _ = &mut wanted => return,
        };
        let Some(event) = event else { return };
        let (name, fields) = describe(&event);
        let told = if json {
            let mut line = serde_json::Map::from_iter([("event".to_owned(), Value::from(name))]);
            if let Value::Object(fields) = fields {
                line.extend(fields);
            }
            writeln!(std::io::stdout(), "{}", printable::line(&Value::Object(line)))
        } else if !matches!(event, Event::Stats(_) | Event::GenerationTick { .. }) {
            let fields =
                if fields.is_null() { String::new() } else { format!(" {}", printable::line(&fields)) };
            writeln!(std::io::stdout(), "{name}{fields}")
        } else {
            Ok(())
        };
        if told.is_err() {
            return;
        }
    }
}
