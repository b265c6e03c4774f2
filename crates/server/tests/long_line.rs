//! What a long line costs while nothing happens (F07). In a process of its own: what is counted is
//! this process's time.

#[path = "facts/wire.rs"]
mod wire;

use offhook_server::Limits;
use offhook_signaling::{FromClient, FromServer, Goodbye, GoodbyeCode, Join};
use std::time::{Duration, Instant};
use wire::{Wire, builder, join, settled};

/// Processor time this process has used; the kernel counts in hundredths of a second.
fn used() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    // The name may hold anything, a bracket closes it; user and system time are the 14th and 15th.
    let after = stat.rsplit(')').next().expect("a name in brackets");
    let field = |at: usize| after.split_whitespace().nth(at).and_then(|field| field.parse::<u64>().ok());
    let ticks = field(11).expect("user time") + field(12).expect("system time");
    Duration::from_millis(ticks * 10)
}

// F07
#[tokio::test]
async fn a_thousand_waiting_joins_cost_less_than_a_hundredth_of_a_core() {
    let limits = Limits { sessions: 1, members: 1, ..Limits::default() };
    let server = builder().limits(limits).start().await.expect("a port");
    let mut inside = Wire::enter(&server, "ada", 1).await;
    let mut line = Vec::new();
    for n in 0..1000 {
        let mut wire = Wire::dial(&server).await;
        let waiting = Join { wait_in_queue: true, ..join(&format!("user {n}"), 100 + n) };
        wire.say_once(&FromClient::Join(waiting)).await;
        let position = wire.until("a place", |message| match message {
            FromServer::Queued(queued) => Some(queued.position),
            _ => None,
        });
        assert_eq!(u128::from(position.await), n);
        line.push(wire);
    }
    // Nobody announces that nothing happens: it is watched for a while. Everybody is still asked
    // whether it is there in that time, and both ends of each socket are in this process.
    let (before, since) = (used(), Instant::now());
    tokio::time::sleep(Duration::from_secs(20)).await;
    let (cost, time) = (used().saturating_sub(before), since.elapsed());
    println!("a thousand who wait cost {cost:?} in {time:?}");
    assert!(cost < time / 100, "{cost:?} in {time:?}");
    // And they are all there: the first comes in when there is room, the others move up.
    inside.wire.say(&FromClient::Goodbye(Goodbye { reason: GoodbyeCode::LeftByUser })).await;
    line[0].until("its turn", |message| matches!(message, FromServer::Admitted(_)).then_some(())).await;
    assert_eq!(server.waiting("studio", "1"), 999);
    drop(line);
    settled("the line is gone", || server.waiting("studio", "1") == 0).await;
}
