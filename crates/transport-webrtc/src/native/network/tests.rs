//! The one ear: shared, let go of, and opened anew.

use super::*;
use std::future::poll_fn;
use std::time::Duration;

async fn polled(watch: &mut Watch) -> Poll<Option<NetworkFact>> {
    poll_fn(|cx| Poll::Ready(watch.poll_next(cx))).await
}

fn tasks() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

/// D3: a thousand sessions are one task and one socket, and the last of them takes both along.
#[tokio::test]
async fn all_sessions_share_one_task_that_ends_with_the_last_of_them() {
    let networks = Networks::default();
    let mut watches: Vec<_> = (0..100).map(|n| networks.watch(InstanceId([n; 16]))).collect();
    assert_eq!(tasks(), 0, "nothing happens before the first poll");
    for watch in &mut watches {
        assert_eq!(polled(watch).await, Poll::Pending);
    }
    assert_eq!(tasks(), 1);
    watches.truncate(1);
    tokio::task::yield_now().await;
    assert_eq!(tasks(), 1, "one still listens");
    watches.clear();
    let gone = async {
        while tasks() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), gone).await.expect("nobody listens any more");
    let mut again = networks.watch(InstanceId([7; 16]));
    assert_eq!(polled(&mut again).await, Poll::Pending);
    assert_eq!(tasks(), 1, "a later session listens anew");
}

/// The runtime of the session that began to listen may go, and others stay.
#[test]
fn an_ear_that_is_lost_with_its_runtime_is_opened_on_another() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let networks = Networks::default();
    let (mut first, mut second) = (networks.watch(InstanceId([1; 16])), networks.watch(InstanceId([2; 16])));
    let (one, other) = (runtime(), runtime());
    assert_eq!(one.block_on(polled(&mut first)), Poll::Pending);
    assert_eq!(other.block_on(polled(&mut second)), Poll::Pending);
    assert_eq!(other.metrics().num_alive_tasks(), 0, "it is shared");
    drop(one);
    assert_eq!(other.block_on(polled(&mut second)), Poll::Pending);
    assert_eq!(other.metrics().num_alive_tasks(), 1);
}

#[test]
fn without_a_runtime_nothing_is_learned() {
    let mut watch = Networks::default().watch(InstanceId([1; 16]));
    let mut cx = Context::from_waker(std::task::Waker::noop());
    assert_eq!(watch.poll_next(&mut cx), Poll::Ready(None));
}

/// A dial finds the watch of its own session and no other, and none of one that is gone.
#[tokio::test]
async fn a_dial_tells_the_watch_of_its_own_session() {
    let networks = Networks::default();
    let watch = networks.watch(InstanceId([1; 16]));
    assert!(networks.destination(InstanceId([1; 16])).is_some());
    assert!(networks.destination(InstanceId([2; 16])).is_none());
    drop(watch);
    assert!(networks.destination(InstanceId([1; 16])).is_none());
}
