//! The UDP relay: one socket towards the clients, and for each client one towards the upstream, as a NAT has it.
//! Its task schedules here; the flows and their sockets are in `flows`.

mod flows;
#[cfg(test)]
mod tests;

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{net::UdpSocket, runtime::Handle, sync::watch};

use crate::{
    Conditions, Control, Direction, Relay, RigError, Stats, Way, Ways,
    fate::Fate,
    lane::{Lane, Link, Passage},
    relay::{Line, Plan, Protocol, Shared, sealed::Sealed},
};

use flows::{Arrival, Flows};

/// A relay for UDP datagrams.
pub type UdpRelay = Relay<Udp>;

/// A handle to a UDP relay.
pub type UdpControl = Control<Udp>;

/// Marks relays and controls for UDP.
pub struct Udp {
    tap: Mutex<Option<Tap>>,
}

/// Somebody who looks at every datagram.
type Tap = Box<dyn FnMut(Way, &[u8]) + Send>;

impl Sealed for Udp {}

impl Protocol for Udp {
    const NAME: &'static str = "udp";

    fn restore(&self) -> Result<(), RigError> {
        Ok(())
    }

    fn close(&self) {}
}

impl UdpControl {
    /// Drops every datagram both ways, those in the air included, until [`Control::restore`]. The same as
    /// [`Control::black_hole`] of both directions.
    pub fn cut(&self) {
        self.black_hole(Direction::Both);
    }

    /// Swallows media alone (RTP and RTCP, told apart by their first byte as RFC 7983 has it) in one way or both, and
    /// lets everything else through: connectivity checks are answered, DTLS and data channels live, and nothing but
    /// the missing pictures shows that something is broken. [`Control::restore`] ends it.
    pub fn swallow_media(&self, direction: Direction) {
        self.shared.line.send_modify(|line| line.medialess.put(direction, &true));
    }

    /// Shows every datagram to `tap` as it arrives, before its fate: those that will be lost or swallowed too, no
    /// duplicate of the rig's making. A relay has one tap; another takes its place. With it a test counts what an
    /// application sends, and not what gets through: that a muted microphone is silent on the wire, say.
    ///
    /// It runs between two datagrams, on the relay's task: it must not wait, and if it panics the relay ends.
    pub fn tap(&self, tap: impl FnMut(Way, &[u8]) + Send + 'static) {
        *self.shared.protocol.tap.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(tap));
    }

    /// Replaces every upstream-side socket by one with another port, as a NAT does that has forgotten its mappings,
    /// and returns once that is done: what clients send afterwards reaches the upstream from the new address, and
    /// what the upstream sends to the old one is lost.
    ///
    /// # Errors
    /// [`RigError::Closed`] if the relay is gone.
    ///
    /// # Cancel safety
    /// Dropping the future does not take the order back.
    pub async fn rebind(&self) -> Result<(), RigError> {
        let ordered = self.order_rebind();
        self.wait_for(|stats: &Stats| stats.rebinds >= ordered).await.map(drop)
    }

    /// Orders a rebind, and says which count of them tells that it is done.
    pub(crate) fn order_rebind(&self) -> u64 {
        let mut ordered = 0;
        self.shared.line.send_modify(|line| {
            line.rebinds += 1;
            ordered = line.rebinds;
        });
        ordered
    }
}

/// Makes a UDP relay and starts its task.
pub(crate) fn start(
    plan: Plan,
    bind: IpAddr,
    runtime: &Handle,
) -> Result<(UdpRelay, Arc<Shared<Udp>>), RigError> {
    let _entered = runtime.enter();
    let bound = flows::bind(SocketAddr::new(bind, 0)).and_then(|socket| Ok((socket.local_addr()?, socket)));
    let (addr, socket) = bound.map_err(|source| RigError::Bind { ip: bind, source })?;
    let shared = Shared::new(plan, addr, Udp { tap: Mutex::default() });
    let task = runtime.spawn(Exchange::new(Arc::clone(&shared), socket).run());
    Ok((Relay::new(Arc::clone(&shared), task), shared))
}

/// Is this RTP or RTCP, and not STUN, DTLS or TURN (RFC 7983 section 7)?
fn is_media(datagram: &[u8]) -> bool {
    datagram.first().is_some_and(|first| matches!(first, 128..=191))
}

/// The headers that the rate and the queue count for each datagram.
const HEADERS: usize = 28;
/// More than a UDP datagram can hold.
const DATAGRAM: usize = 1 << 16;

/// What travels through a UDP lane.
struct Packet {
    flow: u64,
    data: Vec<u8>,
    duplicate: bool,
}

/// The task of a UDP relay: everything that happens to its datagrams happens here, in turn.
struct Exchange {
    shared: Arc<Shared<Udp>>,
    line: watch::Receiver<Line>,
    flows: Flows,
    lanes: Ways<Leg>,
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.shared.count(|stats| (stats.up.held, stats.down.held) = (0, 0));
    }
}

/// One way: its queue and its link.
struct Leg {
    lane: Lane<Packet>,
    link: Link,
    /// How many cuts it has been through.
    cuts: u64,
}

impl Exchange {
    fn new(shared: Arc<Shared<Udp>>, socket: UdpSocket) -> Self {
        let line = shared.line.subscribe();
        let flows = Flows::new(Arc::clone(&shared), socket);
        let way = || Leg { lane: Lane::new(), link: Link::default(), cuts: 0 };
        Self { shared, line, flows, lanes: Ways { up: way(), down: way() } }
    }

    async fn run(mut self) {
        let mut buffer = vec![0; DATAGRAM];
        loop {
            let line = *self.line.borrow_and_update();
            if line.closed {
                return;
            }
            self.rebind(line.rebinds);
            self.deliver(Way::Up, &line).await;
            self.deliver(Way::Down, &line).await;

            let wake = |way| {
                let leg: &Leg = self.lanes.of(way);
                leg.lane.wake(&leg.link, line.conditions.of(way))
            };
            let due = [wake(Way::Up), wake(Way::Down)].into_iter().flatten().min();
            tokio::select! {
                biased;
                // Never fails: the sender is in `shared`, which we hold.
                _ = self.line.changed() => {}
                () = self.shared.sleep_until(due), if due.is_some() => {}
                arrival = self.flows.receive(&mut buffer) => match arrival {
                    Ok(arrival) => {
                        // The line may have changed since the loop began, and the datagram is younger than the change.
                        let line = *self.line.borrow();
                        self.arrived(arrival, &buffer, &line);
                    }
                    Err((way, error)) => self.failed(way, &error).await,
                },
            }
        }
    }

    fn rebind(&mut self, ordered: u64) {
        if self.shared.stats.borrow().rebinds < ordered {
            self.flows.rebind();
            self.shared.count(|stats| stats.rebinds = ordered);
        }
    }

    /// Hands on what is due, after dropping everything if the way has been cut meanwhile.
    async fn deliver(&mut self, way: Way, line: &Line) {
        let now = self.shared.now();
        let Leg { lane, link, cuts } = self.lanes.of_mut(way);
        if *cuts != *line.cuts.of(way) {
            *cuts = *line.cuts.of(way);
            *link = Link::default();
            let cut = lane.purge().filter(|packet| !packet.duplicate).count() as u64;
            self.shared.count(|stats| {
                let tally = stats.way_mut(way);
                tally.held = tally.held.saturating_sub(cut);
                tally.cut += cut;
            });
        }
        lane.advance(now, link, line.conditions.of(way));
        while let Some(packet) = lane.pop(now) {
            let sent = self.flows.send(way, packet.flow, &packet.data).await;
            self.shared.count(|stats| {
                let tally = stats.way_mut(way);
                tally.held = tally.held.saturating_sub(u64::from(!packet.duplicate));
                match (sent, packet.duplicate) {
                    (true, false) => {
                        tally.passed += 1;
                        tally.bytes += packet.data.len() as u64;
                    }
                    (true, true) => tally.duplicated += 1,
                    (false, false) => tally.failed += 1,
                    (false, true) => {}
                }
            });
        }
    }

    fn arrived(&mut self, arrival: Arrival, buffer: &[u8], line: &Line) {
        let Arrival { way, flow, len } = arrival;
        if let Some(tap) = &mut *self.shared.protocol.tap.lock().unwrap_or_else(PoisonError::into_inner) {
            tap(way, &buffer[..len]);
        }
        let conditions = line.conditions.of(way);
        let Some(fate) = self.flows.draw(flow, way, conditions) else { return };
        let swallowed = *line.medialess.of(way) && is_media(&buffer[..len]);
        if *line.silent.of(way) || swallowed {
            self.shared.count(|stats| stats.way_mut(way).cut += 1);
        } else if fate.lost {
            self.shared.count(|stats| stats.way_mut(way).lost += 1);
        } else {
            self.enqueue(way, flow, &buffer[..len], fate, conditions);
        }
    }

    fn enqueue(&mut self, way: Way, flow: u64, data: &[u8], fate: Fate, conditions: &Conditions) {
        let now = self.shared.now();
        let mut passage = Passage { wire: data.len() + HEADERS, delay: fate.delay, in_order: true };
        if fate.reordered {
            passage.delay = passage.delay.saturating_add(conditions.reorder_by);
            passage.in_order = false;
        }
        let lane = &mut self.lanes.of_mut(way).lane;
        let packet = |duplicate| Packet { flow, data: data.to_vec(), duplicate };
        if lane.offer(now, passage, conditions.queue, packet(false)).is_err() {
            self.shared.count(|stats| stats.way_mut(way).overflowed += 1);
            return;
        }
        self.shared.count(|stats| stats.way_mut(way).held += 1);
        if fate.duplicated {
            // A queue too full for the second copy has simply not doubled it.
            let _ = lane.offer(now, passage, conditions.queue, packet(true));
        }
    }

    /// A socket reported an error in the place of a datagram.
    async fn failed(&mut self, way: Way, error: &io::Error) {
        self.shared.count(|stats| stats.way_mut(way).failed += 1);
        // That nobody listens at the far end is said once per datagram. What else there may be could go on for ever,
        // and must not become a hot loop.
        if !flows::is_report(error) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}
