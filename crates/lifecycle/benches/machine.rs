//! `Machine::handle` over steady inputs: nanoseconds and allocations; and one full outage.
#![allow(unsafe_code, reason = "a counting global allocator is an unsafe trait to implement")]

use offhook_lifecycle::*;
use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

struct Counting;
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call is handed to the system's allocator unchanged; a counter is all that is added.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

const ROUNDS: usize = 61;
const CALLS: u32 = 20_000;

struct Bench {
    machine: Machine,
    now: Time,
    epoch: Epoch,
}

impl Bench {
    fn live() -> Self {
        let mut bench = Self { machine: Machine::new(Config::default()), now: Time::ZERO, epoch: Epoch(1) };
        bench.machine.set(Change::new().prompt("sepia", false), bench.now).expect("room for one");
        bench.feed(Input::Join(JoinWish::default()));
        bench.carry();
        bench
    }

    fn feed(&mut self, input: Input) {
        self.machine.handle(input, self.now);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.machine.poll_output() {
            if let Output::Dial(dial) = output {
                self.epoch = dial.epoch;
            }
            black_box(output);
        }
    }

    fn carry(&mut self) {
        let epoch = self.epoch;
        let revision = self.machine.desired().revision();
        self.feed(Input::Up { epoch, link: LinkFacts::default() });
        self.feed(Input::Acked { epoch, revision, answer: Answer::Applied });
        for plane in [Plane::Signaling, Plane::Media] {
            if self.machine.state() != State::Live {
                self.feed(Input::Carried { epoch, plane });
            }
        }
        assert_eq!(self.machine.state(), State::Live);
    }
}

struct Row {
    name: &'static str,
    nanos: f64,
    p95: f64,
    allocations: f64,
}

/// The median over rounds, per call.
fn measure(name: &'static str, calls: u32, mut round: impl FnMut(u32)) -> Row {
    round(calls);
    let mut nanos: Vec<f64> = Vec::with_capacity(ROUNDS);
    let before = ALLOCATIONS.load(Relaxed);
    for _ in 0..ROUNDS {
        let began = Instant::now();
        round(calls);
        nanos.push(began.elapsed().as_nanos() as f64 / f64::from(calls));
    }
    let allocations = (ALLOCATIONS.load(Relaxed) - before) as f64 / (ROUNDS as f64 * f64::from(calls));
    nanos.sort_by(f64::total_cmp);
    Row { name, nanos: nanos[ROUNDS / 2], p95: nanos[ROUNDS * 95 / 100], allocations }
}

fn main() {
    let tick = Duration::from_micros(50);
    let mut life = Bench::live();
    let inbound = measure("inbound life", CALLS, |calls| {
        for n in 0..calls {
            life.now = life.now.plus(tick);
            let plane = if n % 2 == 0 { Plane::Signaling } else { Plane::Media };
            life.machine.handle(black_box(Input::Alive { epoch: life.epoch, plane }), life.now);
            while let Some(output) = life.machine.poll_output() {
                black_box(output);
            }
        }
    });
    let mut pinged = Bench::live();
    let ping = measure("ping due", CALLS, |calls| {
        for n in 0..calls {
            // The ping's own deadline is due with every fourth call.
            pinged.now = pinged.now.plus(Duration::from_millis(500));
            let plane = if n % 2 == 0 { Plane::Signaling } else { Plane::Media };
            pinged.machine.handle(black_box(Input::Alive { epoch: pinged.epoch, plane }), pinged.now);
            while let Some(output) = pinged.machine.poll_output() {
                black_box(output);
            }
        }
    });
    let mut acked = Bench::live();
    let revision = acked.machine.desired().revision();
    let ack = measure("ack", CALLS, |calls| {
        for _ in 0..calls {
            let input = Input::Acked { epoch: acked.epoch, revision, answer: Answer::Applied };
            acked.machine.handle(black_box(input), acked.now);
            while let Some(output) = acked.machine.poll_output() {
                black_box(output);
            }
        }
    });
    let mut stale = Bench::live();
    let dropped = measure("stale epoch", CALLS, |calls| {
        for _ in 0..calls {
            let input = Input::Alive { epoch: Epoch(900), plane: Plane::Media };
            stale.machine.handle(black_box(input), stale.now);
        }
    });
    let mut out = Bench::live();
    let outage = measure("outage cycle", 200, |calls| {
        for _ in 0..calls {
            out.now = out.now.plus(Duration::from_secs(31));
            let epoch = out.epoch;
            for plane in [Plane::Signaling, Plane::Media] {
                // Life first, so that the stretch counts as healthy and every cycle is the same.
                out.feed(Input::Alive { epoch, plane });
            }
            out.feed(Input::PlaneLost { epoch, plane: Plane::Signaling, fault: Fault::Closed });
            black_box(out.machine.snapshot());
            out.carry();
            black_box(out.machine.snapshot());
        }
    });
    let rows = [inbound, ping, ack, dropped, outage];
    eprintln!("{:<14} {:>12} {:>12} {:>14}", "input", "ns (median)", "ns (p95)", "allocations");
    let mut tables = Vec::new();
    for row in &rows {
        eprintln!("{:<14} {:>12.1} {:>12.1} {:>14.3}", row.name, row.nanos, row.p95, row.allocations);
        // A whole outage is many calls; what is promised is for the steady ones.
        let steady = row.name != "outage cycle";
        let (time, count) = if steady { (r#","target":"≤ 40""#, r#","target":"= 0""#) } else { ("", "") };
        let (name, median, p95, allocations) = (row.name, row.nanos, row.p95, row.allocations);
        tables.push(format!(
            r#"{{"what":"{name}","unit":"ns","median":{median:.1},"p95":{p95:.1},"n":{ROUNDS}{time}}}"#
        ));
        tables.push(format!(
            r#"{{"what":"{name}, allocations","unit":"per call","median":{allocations:.3},"p95":{allocations:.3},"n":{ROUNDS}{count}}}"#
        ));
    }
    println!(r#"{{"name":"machine","rows":[{}]}}"#, tables.join(","));
}
