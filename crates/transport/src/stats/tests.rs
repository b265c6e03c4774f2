//! Deltas and totals of statistics (F70).

use super::{Stats, StreamStats};
use crate::media::Kind;
use std::time::Duration;

fn stream(mid: &str, inbound: bool, frames: u64) -> StreamStats {
    StreamStats {
        mid: mid.into(),
        kind: Kind::Video,
        inbound,
        packets: frames * 3,
        bytes: frames * 3000,
        packets_lost: 2,
        jitter: inbound.then_some(Duration::from_millis(frames)),
        frames,
        nack_count: 1,
        pli_count: 4,
    }
}

fn stats(bytes: u64, streams: Vec<StreamStats>) -> Stats {
    let round_trip_time = Some(Duration::from_millis(bytes));
    Stats { round_trip_time, bytes_sent: bytes, bytes_received: 2 * bytes, streams }
}

/// F70: counters become deltas, levels stay what they are now.
#[test]
fn deltas_are_of_counters_and_not_of_levels() {
    let earlier = stats(10, vec![stream("0", true, 5), stream("0", false, 7)]);
    let now = stats(30, vec![stream("0", true, 25), stream("0", false, 8), stream("1", false, 3)]);
    let delta = now.since(&earlier);
    assert_eq!((delta.bytes_sent, delta.bytes_received), (20, 40));
    assert_eq!(delta.round_trip_time, Some(Duration::from_millis(30)));
    let frames: Vec<u64> = delta.streams.iter().map(|stream| stream.frames).collect();
    assert_eq!(frames, [20, 1, 3], "each way by itself; a new stream counts from zero");
    assert_eq!((delta.streams[0].packets, delta.streams[0].bytes), (60, 60_000));
    assert_eq!((delta.streams[0].packets_lost, delta.streams[0].nack_count), (0, 0));
    assert_eq!(delta.streams[0].jitter, Some(Duration::from_millis(25)));
}

/// F70: after a rejoin the link is another, and its counters begin at zero.
#[test]
fn a_link_that_was_made_anew_counts_from_zero() {
    let before = stats(1000, vec![stream("0", true, 500)]);
    let anew = stats(40, vec![stream("0", true, 25)]);
    assert_eq!(anew.since(&before), anew);
    let mut one = stats(2000, vec![stream("0", true, 25)]);
    assert_eq!(one.since(&before).streams, one.streams, "one stream alone, too");
    one.streams[0].frames = 510;
    assert_eq!(one.since(&before).streams[0].frames, 510, "where any counter ran back, none is trusted");
}

/// F70, F74: what comes in and what goes out are added up by themselves.
#[test]
fn totals_add_up_each_way() {
    let all = stats(30, vec![stream("0", true, 25), stream("1", true, 5), stream("0", false, 8)]).totals();
    assert_eq!((all.frames_received, all.frames_sent), (30, 8));
    assert_eq!((all.packets_received, all.packets_sent, all.packets_lost), (90, 24, 4));
    assert_eq!((all.nack_count, all.pli_count), (3, 12));
    assert_eq!(all.jitter, Some(Duration::from_millis(25)), "the worst of them");
}
