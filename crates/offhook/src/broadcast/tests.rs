//! R18 and F17 at the smallest grain: replay, independence, lag, the cut and the end.

use super::*;
use std::task::{Context, Poll, Waker};

fn drain<T>(reader: &mut Reader<T>) -> (Vec<Next<T>>, bool) {
    let mut cx = Context::from_waker(Waker::noop());
    let mut seen = Vec::new();
    loop {
        match reader.poll_next(&mut cx) {
            Poll::Ready(Some(next)) => seen.push(next),
            Poll::Ready(None) => return (seen, true),
            Poll::Pending => return (seen, false),
        }
    }
}

fn items(from: u64, to: u64) -> Vec<Next<u64>> {
    (from..to).map(Next::Item).collect()
}

#[test]
fn what_came_before_the_first_reader_is_replayed_to_it_alone() {
    let writer = Broadcast::with_replay();
    (0..3).for_each(|n| writer.send(&n));
    let mut first = writer.subscribe(None);
    let mut second = writer.subscribe(None);
    writer.send(&3);
    assert_eq!(drain(&mut first), (items(0, 4), false));
    assert_eq!(drain(&mut second), (items(3, 4), false));
}

#[test]
fn the_replay_is_bounded_and_says_what_it_lost() {
    let writer = Broadcast::with_replay();
    let sent = DEPTH as u64 + 5;
    (0..sent).for_each(|n| writer.send(&n));
    let (seen, _) = drain(&mut writer.subscribe(None));
    assert_eq!(seen[0], Next::Missed(5));
    assert_eq!(seen[1..], items(5, sent)[..]);
}

#[test]
fn a_slow_reader_loses_the_oldest_and_nobody_else_does() {
    let writer = Broadcast::live();
    let mut slow = writer.subscribe(None);
    let mut quick = writer.subscribe(None);
    let sent = DEPTH as u64 + 2;
    for n in 0..sent {
        writer.send(&n);
        assert_eq!(drain(&mut quick).0, vec![Next::Item(n)]);
    }
    let (seen, _) = drain(&mut slow);
    assert_eq!(seen[0], Next::Missed(2));
    assert_eq!(seen.len(), DEPTH + 1);
}

#[test]
fn a_cut_leaves_only_what_is_final() {
    let writer = Broadcast::with_replay();
    let mut reader = writer.subscribe(None);
    writer.send(&1);
    writer.cut();
    writer.send(&2);
    writer.finish([3]);
    writer.finish([4]);
    assert_eq!(drain(&mut reader), (vec![Next::Item(3)], true));
}

#[test]
fn a_cut_after_the_end_takes_nothing_away() {
    let writer = Broadcast::with_replay();
    let mut reader = writer.subscribe(None);
    writer.send(&1);
    writer.finish([2]);
    writer.cut();
    assert_eq!(drain(&mut reader), (items(1, 3), true));
    assert_eq!(drain(&mut writer.subscribe(None)), (vec![], true), "a late one ends at once");
}

#[test]
fn a_reader_that_is_dropped_is_forgotten() {
    let writer = Broadcast::live();
    let reader = writer.subscribe(Some(1_u64));
    assert_eq!(writer.readers(), 1);
    drop(reader);
    assert_eq!(writer.readers(), 0);
    writer.send(&2);
}

/// Counts how often it was woken.
#[derive(Default)]
struct Bell(std::sync::atomic::AtomicUsize);

impl std::task::Wake for Bell {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    }
}

// B11, B20: a reader that waited through the leave never heard of its end.
#[test]
fn a_reader_that_waits_is_woken_over_a_cut_and_for_what_is_final() {
    let bell = std::sync::Arc::new(Bell::default());
    let waker = Waker::from(bell.clone());
    let mut cx = Context::from_waker(&waker);
    let rings = || bell.0.swap(0, std::sync::atomic::Ordering::SeqCst);
    let writer = Broadcast::live();
    let mut reader = writer.subscribe(None);
    assert!(reader.poll_next(&mut cx).is_pending());
    writer.cut();
    writer.finish([7]);
    assert!(rings() > 0, "whoever waits hears of it");
    assert_eq!(reader.poll_next(&mut cx), Poll::Ready(Some(Next::Item(7))));
    assert_eq!(reader.poll_next(&mut cx), Poll::Ready(None));
}

/// A reader that waits across a cut hears the end all the same.
#[tokio::test]
async fn a_reader_that_waits_while_a_leave_cuts_is_woken_by_the_end() {
    let writer = Broadcast::with_replay();
    let mut reader = writer.subscribe(None);
    let told = tokio::spawn(async move {
        let mut seen = Vec::new();
        while let Some(next) = std::future::poll_fn(|cx| reader.poll_next(cx)).await {
            seen.push(next);
        }
        seen
    });
    tokio::task::yield_now().await;
    writer.cut();
    writer.finish([3]);
    let told = tokio::time::timeout(std::time::Duration::from_secs(10), told).await;
    assert_eq!(told.expect("it is woken").expect("it only reads"), vec![Next::Item(3)]);
}

/// R1: the cuts of several leaves at once, around one end, on threads of their own. It was lost
/// when a cut came between the last item and the close.
#[test]
fn no_cut_takes_the_end_away() {
    for _ in 0..2_000 {
        let writer = Broadcast::with_replay();
        let mut reader = writer.subscribe(None);
        std::thread::scope(|threads| {
            for _ in 0..3 {
                threads.spawn(|| writer.cut());
            }
            threads.spawn(|| writer.finish([1, 2]));
        });
        assert_eq!(drain(&mut reader), (items(1, 3), true));
    }
}
