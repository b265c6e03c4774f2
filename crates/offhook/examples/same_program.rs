//! The same program over the scripted transport and over WebRTC, chosen by an argument:
//! `cargo run -p offhook --example same_program -- mock`, `… -- webrtc` (starts a server of its
//! own on loopback) or `… -- webrtc ws://127.0.0.1:8080/session` (dials that one, with the
//! credential in `OFFHOOK_CREDENTIAL`). Nothing in `run` knows which one it is.

use futures_util::StreamExt;
use offhook::{CallingState, Clip, EndReason, Event, Join, Session, Transport};
use std::error::Error;
use std::time::Duration;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    tokio::time::timeout(Duration::from_secs(60), program(&arguments)).await??;
    Ok(())
}

/// Finds the far side that the arguments name; then it is the same program.
pub(crate) async fn program(arguments: &[&str]) -> Result<Outcome, Box<dyn Error>> {
    match arguments {
        [] | ["mock"] => run(offhook::mock::MockTransport::studio(7).0, None).await,
        #[cfg(feature = "webrtc")]
        ["webrtc"] => {
            let server = offhook_server::Server::builder().start().await?;
            let credential = server.mint(&offhook_server::Mint::user("example"))?;
            let transport = offhook::WebRtc::new(server.url());
            let outcome = run(transport, Some(credential.expose().to_owned())).await;
            server.shutdown().await;
            outcome
        }
        #[cfg(feature = "webrtc")]
        ["webrtc", url] => run(offhook::WebRtc::new(*url), std::env::var("OFFHOOK_CREDENTIAL").ok()).await,
        _ => Err("say `mock`, or `webrtc [URL]` (with the feature `webrtc`)".into()),
    }
}

/// What a run came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) states: Vec<CallingState>,
    pub(crate) prompts_applied: usize,
    pub(crate) frames_back: usize,
    pub(crate) reason: EndReason,
}

async fn run(transport: impl Transport, credential: Option<String>) -> Result<Outcome, Box<dyn Error>> {
    let mut builder = Session::builder(transport);
    if let Some(credential) = credential {
        builder = builder.credential(credential);
    }
    let idle = builder.build("studio", "7")?;
    let mut events = idle.events();
    let told = tokio::spawn(async move {
        let mut states = Vec::new();
        while let Some(event) = events.next().await {
            match event {
                Event::StateChanged(state) => {
                    println!("state: {state}");
                    states.push(state);
                }
                Event::Recovered { plan, after, .. } => println!("back by {} after {after:?}", plan.code()),
                Event::Error(error) => println!("error {}: {}", error.code(), error.cause),
                Event::Ended(ended) => println!("ended: {} (by {:?})", ended.reason, ended.who),
                _ => {}
            }
        }
        states
    });

    let joining = idle.join(Join::new().prompt("sepia").publish(Clip::sample()));
    let steps = tokio::spawn(joining.progress().for_each(|step| async move { println!("{step}") }));
    let session = joining.await?;
    steps.await?;
    println!("joined {}", session.id().as_deref().unwrap_or("without an id"));

    let mut video = session.remote_video().await?;
    let (mut prompts_applied, mut frames_back) = (0, 0);
    for prompt in ["posterize", "edges"] {
        let revision = session.set_prompt(prompt).await?;
        prompts_applied += 1;
        let frame = video.next().await.ok_or("the session ended")?;
        frames_back += 1;
        println!("{prompt:?} is revision {revision}; a frame of {} bytes came back", frame.data.len());
    }

    let mut left = session.leave().await;
    left.released().await;
    println!("{} after {:?}", left.reason(), left.summary().duration);
    Ok(Outcome { states: told.await?, prompts_applied, frames_back, reason: left.reason() })
}
