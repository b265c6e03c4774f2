//! Rings: from `ring()` to joined on both sides, and a thousand at once on one server.

use crate::ms;
use crate::table::Table;
use futures_util::StreamExt;
use futures_util::future::join_all;
use offhook::webrtc::WebRtc;
use offhook::{Client, Clip, Decline, EndReason, IncomingRings, Join, Ring};
use offhook_server::{Limits, Mint, Server};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::time::timeout;

/// Runs before the first that counts: they pay for pages and code that no later one pays for.
const WARM: usize = 3;
const CALLERS: usize = 100;
/// Each of the callers rings so many others.
const EACH: usize = 10;
/// Longer than any ring here takes.
const PATIENCE: Duration = Duration::from_secs(30);

async fn server() -> Server {
    let limits =
        Limits { rings_per_minute: 10_000, sockets_before_auth: 1_024, sessions: 4_096, ..Limits::default() };
    Server::builder().limits(limits).start().await.expect("loopback has a free port")
}

fn client(server: &Server, user: &str) -> Client {
    let credential = server.mint(&Mint::user(user).life(Duration::from_secs(3600))).expect("a key signs");
    Client::new(WebRtc::new(server.url())).credential(credential.expose())
}

async fn listening(server: &Server, user: &str) -> (Client, IncomingRings) {
    let client = client(server, user);
    let rings = client.incoming();
    client.present().await.expect("the server lets this user in");
    (client, rings)
}

/// One after the other, as people do.
pub(crate) fn one_by_one(runtime: &Runtime, runs: usize) {
    let mut table = Table::new("ring");
    let (mut heard, mut both, mut caller, mut callee) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    runtime.block_on(async {
        let server = server().await;
        let (ada, _adas) = listening(&server, "ada").await;
        let (bob, mut rings) = listening(&server, "bob").await;
        for round in 0..runs + WARM {
            let join = || Join::new().prompt("sepia").publish(Clip::sample());
            let began = Instant::now();
            let outgoing = ada.session("studio", round.to_string()).ring(Ring::to(["bob"]).join(join()));
            let incoming = rings.next().await.expect("presence goes on");
            let comes_in = ms(began.elapsed());
            let accepting = incoming.accept(join());
            let (at_ada, at_bob) = tokio::join!(
                async { (outgoing.await.expect("it is answered"), ms(began.elapsed())) },
                async { (accepting.await.expect("it is taken"), ms(began.elapsed())) },
            );
            if round >= WARM {
                heard.push(comes_in);
                caller.push(at_ada.1);
                callee.push(at_bob.1);
                both.push(at_ada.1.max(at_bob.1));
            }
            at_ada.0.leave().await.released().await;
            at_bob.0.leave().await.released().await;
        }
        ada.shutdown().await;
        bob.shutdown().await;
        server.shutdown().await;
    });
    table.row("ring() to Joined on both sides, first prompts included", "ms", &mut both, Some("≤ 80"));
    table.row("ring() to the incoming ring", "ms", &mut heard, None);
    table.row("ring() to Joined of the caller", "ms", &mut caller, None);
    table.row("ring() to Joined of the callee", "ms", &mut callee, None);
    table.note(
        "presence is up on both sides, as when somebody waits for calls; accepted as soon as it is heard",
    );
    table.note("both send a clip: two joins at once, with everything of both ends in one process");
    table.print();
}

/// All at once: every one must be heard, and every caller must hear what became of it.
pub(crate) fn at_once(runtime: &Runtime) {
    let mut table = Table::new("1,000 rings at once");
    let (mut heard, mut told, mut whole) = (Vec::new(), Vec::new(), Vec::new());
    runtime.block_on(async {
        let server = server().await;
        let (mut callers, mut callees) = (Vec::new(), Vec::new());
        for n in 0..CALLERS {
            callers.push(listening(&server, &format!("caller-{n}")).await);
            callees.push(listening(&server, &format!("callee-{n}")).await);
        }
        let began = Instant::now();
        let answering: Vec<_> = callees
            .into_iter()
            .map(|(client, mut rings)| {
                tokio::spawn(async move {
                    let mut heard = Vec::new();
                    while heard.len() < EACH {
                        let Ok(Some(ring)) = timeout(PATIENCE, rings.next()).await else { break };
                        heard.push(ms(began.elapsed()));
                        drop(ring.decline(Decline::Unwanted));
                    }
                    (client, rings, heard)
                })
            })
            .collect();
        let callers = Arc::new(callers);
        let ringing = (0..CALLERS * EACH).map(|number| {
            let (n, each) = (number / EACH, number % EACH);
            let to = format!("callee-{}", (n + each) % CALLERS);
            let session = callers[n].0.session("studio", number.to_string());
            let ring = session.ring(Ring::to([to])).answered();
            async move {
                let told = timeout(PATIENCE, ring).await.ok()?.err()?;
                (told.reason() == EndReason::Declined).then(|| ms(began.elapsed()))
            }
        });
        told.extend(join_all(ringing).await.into_iter().flatten());
        for callee in answering {
            let (client, rings, times) = callee.await.expect("no panic");
            heard.extend(times);
            drop(rings);
            client.shutdown().await;
        }
        whole.push(ms(began.elapsed()));
        join_all(callers.iter().map(|(client, _)| client.shutdown())).await;
        drop(callers);
        server.shutdown().await;
    });
    let lost = |of: &[f64]| [(CALLERS * EACH) as f64 - of.len() as f64];
    table.row("rings that nobody heard", "rings", &mut lost(&heard), Some("= 0"));
    table.row(
        "rings whose caller was not told that they were declined",
        "rings",
        &mut lost(&told),
        Some("= 0"),
    );
    table.row("the first ring() to the incoming ring", "ms", &mut heard, None);
    table.row("the first ring() to the caller being told", "ms", &mut told, None);
    table.row("until everything was said", "ms", &mut whole, None);
    table.note(&format!(
        "{CALLERS} callers with {EACH} sessions each ring in the same moment, {CALLERS} others decline as soon as they hear it; one server, one process"
    ));
    table.print();
}
