//! A thousand sessions whose server restarts: how the accepted rejoins are spread (R11, the
//! policy's first dial after a restart). Over the scripted transport, in virtual time.

use crate::ms;
use crate::table::Table;
use futures_util::StreamExt;
use futures_util::future::join_all;
use offhook::mock::{MockTransport, Studio};
use offhook::transport::{FaultKind, Plane};
use offhook::{Client, Event, Join};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

const SESSIONS: u64 = 1000;
/// Far longer than the policy's budget for a rejoin.
const PATIENCE: Duration = Duration::from_secs(180);

/// Several herds, each of other seeds.
pub(crate) fn run(runs: usize) {
    let mut table = Table::new("a server restart with 1,000 sessions");
    let (mut busiest, mut back, mut lost) = (Vec::new(), Vec::new(), 0);
    for run in 0..runs.min(10) as u64 {
        let herd = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .expect("a runtime is what this measures on")
            .block_on(herd(run));
        busiest.push(herd.busiest);
        lost += herd.lost;
        back.extend(herd.back);
    }
    table.row("share of the accepted rejoins in the busiest second", "%", &mut busiest, Some("≤ 20"));
    table.row("back, from the restart", "ms", &mut back, None);
    table.row("sessions that did not come back", "count", &mut [lost as f64], Some("= 0"));
    table.note("scripted transport, virtual time; every link closes at one moment with the word that the server restarts, nothing can be resumed, everybody is taken");
    table.print();
}

struct Herd {
    busiest: f64,
    /// Milliseconds.
    back: Vec<f64>,
    lost: usize,
}

async fn herd(run: u64) -> Herd {
    let mut joining = Vec::new();
    for number in 0..SESSIONS {
        let seed = run * SESSIONS + number;
        let (transport, remote) = MockTransport::studio(seed);
        // It forgets its sessions, so that each has to be joined anew.
        remote.auto(Studio::seeded(seed).resume_window(Duration::ZERO).without_ticks());
        let client = Client::new(transport).seed(seed);
        let idle = client.session("studio", number.to_string());
        joining.push(async move {
            let session = idle.join(Join::new()).await.expect("the studio lets everybody in");
            (client, remote, session)
        });
    }
    let members = join_all(joining).await;
    // Proven health, so that no budget is spent already.
    sleep(Duration::from_secs(40)).await;
    let listening: Vec<_> = members.iter().map(|(_, _, session)| session.events()).collect();
    for (_, remote, _) in &members {
        let link = remote.newest().expect("it is joined");
        link.lose(Plane::Signaling, FaultKind::ServerRestart);
        link.lose(Plane::Media, FaultKind::ClosedByPeer);
    }
    let restarted = Instant::now();
    let back = join_all(listening.into_iter().map(|mut events| async move {
        let recovered = async {
            while let Some(event) = events.next().await {
                if matches!(event, Event::Recovered { .. }) {
                    return true;
                }
            }
            false
        };
        (timeout(PATIENCE, recovered).await == Ok(true)).then(|| restarted.elapsed())
    }))
    .await;
    let came: Vec<Duration> = back.iter().flatten().copied().collect();
    let mut seconds: BTreeMap<u64, usize> = BTreeMap::new();
    for at in &came {
        *seconds.entry(at.as_secs()).or_default() += 1;
    }
    let most = seconds.values().copied().max().unwrap_or_default();
    let lost = back.len() - came.len();
    for (client, _, session) in members {
        session.leave().await.released().await;
        client.shutdown().await;
    }
    Herd { busiest: most as f64 / SESSIONS as f64 * 100.0, back: came.into_iter().map(ms).collect(), lost }
}
