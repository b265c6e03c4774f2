//! What forwarding costs in a room of ten, beside ten bare connections of the engine that forward the
//! same; and how soon one who comes late sees somebody.
//!
//! `cargo bench -p offhook-transport-webrtc --bench forwarding`. One JSON object goes to stdout;
//! `cargo xtask bench room` collects it. The far side, ours and the bare one, has a runtime of its own,
//! whose threads' time is what is counted; the members are in the same process and are not.

#[path = "forwarding/bare.rs"]
mod bare;
#[path = "forwarding/crowd.rs"]
mod crowd;
#[path = "forwarding/late.rs"]
mod late;
#[path = "../tests/native_common/mod.rs"]
mod native_common;
#[path = "../tests/peer_common/mod.rs"]
mod peer_common;
#[path = "forwarding/served.rs"]
mod served;
#[path = "../../offhook/benches/session/table.rs"]
mod table;

use crowd::Run;
use std::time::Duration;
use table::Table;
use tokio::runtime::Runtime;

/// In the room.
const MEMBERS: usize = 10;
/// What the threads of the far side's runtime are called; the system cuts names to 15 bytes.
const FAR: &str = "far-side";

/// How much is measured.
#[derive(Clone, Copy)]
struct Effort {
    rounds: usize,
    /// Of each member, in each round.
    frames: usize,
    late: usize,
}

const WHOLE: Effort = Effort { rounds: 5, frames: 250, late: 20 };
const QUICK: Effort = Effort { rounds: 1, frames: 100, late: 3 };

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let effort = if quick { QUICK } else { WHOLE };
    let (near, far) = (runtime("members"), runtime(FAR));
    let mut table = Table::new("a room of ten");
    forwarding(&mut table, &near, &far, effort);
    late::run(&mut table, &near, &far, effort.late);
    table.print();
}

fn runtime(name: &str) -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name(name)
        // A thread that ends takes what it has used out of the count.
        .thread_keep_alive(Duration::from_secs(3600))
        .enable_all()
        .build()
        .expect("a runtime is what this measures on")
}

fn forwarding(table: &mut Table, near: &Runtime, far: &Runtime, effort: Effort) {
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for round in 0..effort.rounds {
        // Which one is first changes, so that neither always has the warmer machine.
        for first in [round % 2 == 0, round % 2 == 1] {
            if first {
                ours.push(near.block_on(served::run(far.handle(), effort.frames)));
            } else {
                bare.push(near.block_on(bare::run(far.handle(), effort.frames)));
            }
        }
    }
    let each = |runs: &[Run], value: fn(&Run) -> f64| runs.iter().map(value).collect::<Vec<f64>>();
    let costs = |runs: &[Run]| runs.iter().filter_map(Run::micros_a_packet).collect::<Vec<f64>>();
    let both = ours.iter().zip(&bare);
    let mut ratios: Vec<f64> =
        both.filter_map(|(ours, bare)| Some(ours.micros_a_packet()? / bare.micros_a_packet()?)).collect();
    let dropped: u64 = ours.iter().map(|run| run.dropped).sum();
    table.row(
        "packets that the server dropped, all rounds together",
        "packets",
        &mut [dropped as f64],
        Some("= 0"),
    );
    table.row("of those due to a member, did not arrive", "packets", &mut each(&ours, Run::missing), None);
    table.row("bare: of those due, did not arrive", "packets", &mut each(&bare, Run::missing), None);
    table.row("packets forwarded a second, as the clip has them", "1/s", &mut each(&ours, Run::rate), None);
    table.row("bare: packets forwarded a second", "1/s", &mut each(&bare, Run::rate), None);
    table.row("processor time a forwarded packet", "µs", &mut costs(&ours), None);
    table.row("bare: processor time a forwarded packet", "µs", &mut costs(&bare), None);
    table.row("processor time, as a multiple of bare", "times", &mut ratios, Some("≤ 1.3"));
    table.note("ten members send the sample clip (640×360, 25 a second, no sound), 4 ms apart, each to nine others; each round is one run of the server and one of the bare engine, whose ratio it is");
    table.note("processor time: of all threads of the far side's runtime while the clip runs, user and system; ours is the whole server, with signaling, checks and reports, receiving and decrypting, routing, encrypting and sending; bare is ten connections of the webrtc crate with its default interceptors, which receive, decrypt, clone, renumber by SSRC, encrypt and send; neither has the members' side");
    table.note("ours repairs and orders what comes before it is forwarded, asks for key frames and paces them, and passes every datagram by a gate and the checks' watch; bare does not, and waits where ours drops; both have H.264 only on these sections, the same SRTP profile and no header extensions in what they forward");
    table.note("the rate is that of the clip, not the most that can be forwarded; what arrived is the members' packetsReceived, what was due nine times their packetsSent");
    if costs(&ours).is_empty() {
        table.note("this system does not say what its threads have used (/proc/self/task/*/schedstat)");
    }
}
