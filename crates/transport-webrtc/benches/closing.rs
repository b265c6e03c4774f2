//! How soon it is seen that the peer closed its transport: its alert, as the link reports it.
//!
//! `cargo bench -p offhook-transport-webrtc --bench closing`. A far side with real media hangs up
//! and goes on talking; media goes through a relay of this length. One JSON object goes to
//! stdout; `cargo xtask bench closing` collects it.

#[path = "../tests/native_common/mod.rs"]
mod native_common;
#[path = "../../offhook/benches/session/table.rs"]
mod table;

use native_common::steered::{Order, Steered};
use native_common::through::Through;
use native_common::{Line, join};
use offhook_netrig::{Conditions, Direction, Rig};
use offhook_transport::{Event, FaultKind, Plane, Secret};
use offhook_transport_webrtc::native::WebRtc;
use std::time::{Duration, Instant};
use table::Table;

const RUNS: usize = 30;
const QUICK: usize = 4;

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let runs = if quick { QUICK } else { RUNS };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime is what this measures on");
    let mut table = Table::new("the peer closes its transport");
    for round_trip in [0_u64, 50, 200] {
        let (mut seen, mut silent) = (Vec::new(), 0);
        for _ in 0..runs {
            match runtime.block_on(hang_up(Duration::from_millis(round_trip))) {
                Some(took) => seen.push(took.as_secs_f64() * 1000.0),
                None => silent += 1,
            }
        }
        let what = format!("seen as a loss of the media, at {round_trip} ms round trip");
        let target = format!("≤ {}", round_trip / 2 + 50);
        table.row(&what, "ms", &mut seen, Some(&target));
        if silent > 0 {
            table.note(&format!("at {round_trip} ms the alert did not arrive in {silent} of {runs} runs"));
        }
    }
    table.note("25 ms of it are let pass for an ending that left the far side together with the alert");
    table.print();
}

/// From the far side's hanging up to the report of it; none where its alert was lost.
async fn hang_up(round_trip: Duration) -> Option<Duration> {
    let far = Steered::start().await;
    let net = Rig::new(7);
    net.set(Direction::Both, Conditions::clear().delay(round_trip / 2));
    let transport = WebRtc::new(far.hostile.url()).udp_map(Through::new(net));
    let mut line = Line::joined(&transport, join(Some(Secret::new("a.b.c")))).await;
    // The data channel is open, and nothing of the beginning is under way any more.
    line.until("life", |event| *event == Event::Alive(Plane::Media)).await;
    let begin = Instant::now();
    far.order(Order::HangUp);
    let lost = line.until("a loss", |event| matches!(event, Event::PlaneLost(Plane::Media, _))).await;
    let took = begin.elapsed();
    line.connection.close();
    line.finish().await;
    matches!(lost, Event::PlaneLost(_, fault) if fault.kind == FaultKind::ClosedByPeer).then_some(took)
}
