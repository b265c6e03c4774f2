//! One TCP connection through the relay: handshake, two halves, and the way it ends. The halves themselves are in `half`.

use std::{
    net::SocketAddr,
    pin::pin,
    sync::{Arc, atomic::AtomicBool, atomic::Ordering},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, Interest},
    net::TcpStream,
    time::timeout,
};

use crate::{
    Way,
    relay::{Flow, Shared},
};

use super::{Birth, End, Tcp, abort, dial, half::Half};

/// How long a politely closed connection is kept for the ends to answer. Without the wait, unread bytes would turn
/// the close into a reset.
const LINGER: Duration = Duration::from_secs(2);

/// Carries one connection from the moment the client's system believes in it until both ends know that it is over.
pub(super) async fn run(
    shared: Arc<Shared<Tcp>>,
    mut client: TcpStream,
    peer: SocketAddr,
    birth: Birth,
    number: u64,
) {
    // Small messages must not wait for each other; a failure leaves the connection slower, not wrong.
    let _ = client.set_nodelay(true);
    let open = shared.open(Flow { number, client: peer, seen_as: None });

    let mut orders = shared.line.subscribe();
    let order = async {
        match orders.wait_for(|line| line.resets != birth.resets || line.closes != birth.closes).await {
            Ok(line) if line.resets == birth.resets => End::Closed,
            _ => End::Reset,
        }
    };
    let mut order = pin!(order);

    let upstream = tokio::select! {
        biased;
        end = &mut order => Err(end),
        dialled = shake_hands(&shared, &client) => dialled,
    };
    let mut upstream = match upstream {
        Ok(upstream) => upstream,
        Err(end) => return finish(&shared, end, client, None).await,
    };
    if let Ok(addr) = upstream.local_addr() {
        open.seen_as(addr);
    }

    let end = tokio::select! {
        biased;
        end = &mut order => end,
        end = carry(&shared, number, &mut client, &mut upstream) => end,
    };
    finish(&shared, end, client, Some(upstream)).await;
}

/// Waits as long as a handshake through the relay would take, then dials. Nothing shakes hands through a black hole, and
/// what a client gave up meanwhile would never have been a connection: the upstream hears nothing of it.
async fn shake_hands(shared: &Shared<Tcp>, client: &TcpStream) -> Result<TcpStream, End> {
    let mut line = shared.line.subscribe();
    let waited = {
        let line = line.borrow();
        line.silent.up || line.silent.down
    };
    let conditions =
        line.wait_for(|line| !line.silent.up && !line.silent.down).await.map_err(|_| End::Reset)?.conditions;
    let round_trip = conditions.up.delay.saturating_add(conditions.down.delay);
    if !round_trip.is_zero() {
        shared.sleep_until(Some(shared.now().saturating_add(round_trip))).await;
    }
    if waited && is_closed(client).await {
        return Err(End::Finished);
    }
    dial(shared.upstream).await.map_err(|_| End::Unreachable)
}

/// Has the other end said that nothing more comes? What came before may still be unread.
async fn is_closed(stream: &TcpStream) -> bool {
    let ready = timeout(Duration::ZERO, stream.ready(Interest::READABLE)).await;
    ready.is_ok_and(|ready| ready.is_ok_and(|ready| ready.is_read_closed()))
}

/// Runs both halves until the connection is over.
async fn carry(
    shared: &Arc<Shared<Tcp>>,
    flow: u64,
    client: &mut TcpStream,
    upstream: &mut TcpStream,
) -> End {
    let (client_broken, upstream_broken) = (AtomicBool::new(false), AtomicBool::new(false));
    let (client_reader, client_writer) = client.split();
    let (upstream_reader, upstream_writer) = upstream.split();
    let up = Half::new(shared, flow, Way::Up, client_reader, upstream_writer, &client_broken);
    let down = Half::new(shared, flow, Way::Down, upstream_reader, client_writer, &upstream_broken);
    let (mut up, mut down) = (pin!(up.carry()), pin!(down.carry()));
    let (mut up_over, mut down_over) = (false, false);
    loop {
        let (end, destination_broken) = tokio::select! {
            end = &mut up, if !up_over => { up_over = true; (end, &upstream_broken) }
            end = &mut down, if !down_over => { down_over = true; (end, &client_broken) }
        };
        match end {
            End::Finished => {}
            // The other half still carries what the broken end had sent before it broke, then a reset.
            End::Broken => destination_broken.store(true, Ordering::Relaxed),
            End::Reset | End::Closed | End::Unreachable => return end,
        }
        if up_over && down_over {
            let broken = client_broken.load(Ordering::Relaxed) || upstream_broken.load(Ordering::Relaxed);
            return if broken { End::Reset } else { End::Finished };
        }
    }
}

/// Lets both ends know how it ended, and counts it.
async fn finish(shared: &Shared<Tcp>, end: End, mut client: TcpStream, mut upstream: Option<TcpStream>) {
    match end {
        End::Finished => {}
        End::Closed => match &mut upstream {
            Some(upstream) => {
                tokio::join!(part(&mut client), part(upstream));
            }
            None => part(&mut client).await,
        },
        End::Reset | End::Broken | End::Unreachable => {
            abort(&client);
            upstream.iter().for_each(abort);
            shared.count(|stats| match end {
                End::Unreachable => stats.unreachable += 1,
                _ => stats.reset += 1,
            });
        }
    }
}

/// Says that nothing more will come, and reads what still comes until the other end says the same.
async fn part(stream: &mut TcpStream) {
    if stream.shutdown().await.is_err() {
        return;
    }
    let mut ignored = [0; 4096];
    let drained = async { while matches!(stream.read(&mut ignored).await, Ok(1..)) {} };
    // Too late or not, the stream is dropped next.
    let _ = timeout(LINGER, drained).await;
}
