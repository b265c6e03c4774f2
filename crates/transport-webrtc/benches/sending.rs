//! What it costs to make RTP payloads of encoded samples: bytes copied and allocated for each
//! byte sent, and time. The packetizer is the crate's own file; behind it a payload goes to the
//! engine as it is.
//!
//! `cargo bench -p offhook-transport-webrtc --bench sending`. One JSON object goes to stdout;
//! `cargo xtask bench copies` collects it.

#[path = "../../offhook/benches/session/allocator.rs"]
#[allow(dead_code, reason = "what lives is another bench's affair")]
mod allocator;
#[path = "../src/peer/packetize.rs"]
#[allow(dead_code, unused_imports, reason = "its tests come along and are not run here")]
mod packetize;
#[path = "../../offhook/benches/session/table.rs"]
mod table;

use bytes::Bytes;
use offhook_transport::media::Codec;
use packetize::{Packetizer, nal_units};
use std::time::Instant;
use table::Table;

#[global_allocator]
static ALLOCATOR: allocator::Counting = allocator::Counting;

const SAMPLE: &[u8] = include_bytes!("../../media/assets/bunny-640x360-25fps.h264");
const ROUNDS: usize = 60;

fn main() {
    // Each coded unit of the sample with its start code, as a slice of one buffer: how a clip
    // hands its frames out.
    let file = Bytes::from_static(SAMPLE);
    let units: Vec<Bytes> = nal_units(&file)
        .into_iter()
        .map(|unit| {
            let at = unit.as_ptr() as usize - file.as_ptr() as usize;
            file.slice(at.saturating_sub(3)..at + unit.len())
        })
        .collect();
    let (mut copied, mut allocated, mut took) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let mut packetizer = Packetizer::new(Codec::H264);
        let (mut sent, mut copies, mut out) = (0, 0, Vec::with_capacity(4096));
        let before = allocator::total();
        let began = Instant::now();
        for unit in &units {
            packetizer.packetize(unit, &mut out);
        }
        let nanos = began.elapsed().as_nanos() as f64;
        let made = allocator::total() - before;
        let own = file.as_ptr() as usize..file.as_ptr() as usize + file.len();
        for payload in &out {
            sent += payload.len();
            copies += if own.contains(&(payload.as_ptr() as usize)) { 0 } else { payload.len() };
        }
        copied.push(copies as f64 / sent as f64);
        allocated.push(made as f64 / sent as f64);
        took.push(nanos / out.len() as f64);
    }
    let mut table = Table::new("copies");
    table.row("bytes copied for each byte sent", "per byte", &mut copied, Some("≤ 1"));
    table.row("bytes allocated for each byte sent", "per byte", &mut allocated, None);
    table.row("one payload", "ns", &mut took, None);
    table.note("H.264, the sample clip; what a payload does not share with its frame is a copy; the engine's encryption is not ours");
    table.print();
}
