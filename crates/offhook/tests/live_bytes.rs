//! Joining and leaving leaves no bytes behind: a binary of its own, for its allocator counts.

#[path = "../benches/session/allocator.rs"]
mod allocator;

use futures_util::StreamExt;
use offhook::mock::{MockTransport, Remote};
use offhook::{CallingState, Client, Clip, Join};

#[global_allocator]
static COUNTED: allocator::Counting = allocator::Counting;

/// One session's whole life: published, repainted, lost, recovered, left and released.
async fn a_life(client: &Client, remote: &Remote) {
    let join = Join::new().prompt("sepia").publish(Clip::sample());
    let session = client.session("studio", "7").join(join).await.expect("the studio lets everybody in");
    let mut video = session.remote_video().await.expect("joined");
    video.next().await.expect("a frame comes back");
    let mut states = session.states();
    remote.cut();
    remote.restore();
    while states.next().await.expect("open").state() != CallingState::Reconnecting {}
    while states.next().await.expect("open").state() != CallingState::Joined {}
    session.leave().await.released().await;
}

/// D4 livekit/rust-sdks#1378, D3 livekit/rust-sdks#1443: two hundred joins, and as many bytes live as
/// after the first few. The far side is made anew now and then: its log is not ours to count.
#[test]
fn live_bytes_are_flat_over_two_hundred_joins() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime without I/O");
    let measure = |lives: u32| {
        for _ in 0..lives {
            runtime.block_on(async {
                let (transport, remote) = MockTransport::studio(7);
                let client = Client::new(transport).seed(7);
                a_life(&client, &remote).await;
                drop(client);
                // Tasks that are over are forgotten when the runtime comes to it.
                tokio::task::yield_now().await;
            });
        }
        allocator::live()
    };
    let first = measure(20);
    let last = measure(200);
    let grown = last.saturating_sub(first);
    assert!(grown < 64 * 1024, "{grown} bytes more after 200 joins; the field's bug was 70 kB for each");
}
