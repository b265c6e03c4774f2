//! The sockets of a UDP relay: which client address belongs to which upstream-side socket, and reading all of them in turn.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    task::{Context, Poll},
};

use tokio::{io::ReadBuf, net::UdpSocket};

use crate::{
    Conditions, Way, Ways,
    fate::{Fate, Fates},
    relay::{Flow, OpenFlow, Shared},
};

use super::Udp;

pub(super) struct Flows {
    shared: Arc<Shared<Udp>>,
    /// Towards the clients. Its address is the relay's.
    socket: UdpSocket,
    flows: Vec<Entry>,
    numbered: u64,
    /// Whose turn it is to be read first, so that no busy socket starves the others.
    turn: usize,
    clock: u64,
}

struct Entry {
    number: u64,
    client: SocketAddr,
    /// Towards the upstream, and connected to it: only its datagrams come back.
    upstream: UdpSocket,
    fates: Ways<Fates>,
    /// When it was last used, counted in datagrams.
    used: u64,
    open: OpenFlow<Udp>,
}

/// A datagram that has arrived.
pub(super) struct Arrival {
    pub(super) way: Way,
    pub(super) flow: u64,
    pub(super) len: usize,
}

impl Flows {
    pub(super) fn new(shared: Arc<Shared<Udp>>, socket: UdpSocket) -> Self {
        Self { shared, socket, flows: Vec::new(), numbered: 0, turn: 0, clock: 0 }
    }

    /// Reads the next datagram from whichever socket has one. An error comes with the way in which things fail: a
    /// report from the upstream's side is about what went up.
    pub(super) async fn receive(&mut self, buffer: &mut [u8]) -> Result<Arrival, (Way, io::Error)> {
        std::future::poll_fn(|cx| self.poll_receive(cx, buffer)).await
    }

    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<Result<Arrival, (Way, io::Error)>> {
        let sockets = self.flows.len() + 1;
        for step in 0..sockets {
            let at = (self.turn + step) % sockets;
            let mut read = ReadBuf::new(buffer);
            // The last place is the clients' socket.
            let polled = match self.flows.get(at) {
                Some(entry) => {
                    let number = entry.number;
                    entry.upstream.poll_recv(cx, &mut read).map(|got| match got {
                        Ok(()) => Ok((Way::Down, number)),
                        Err(error) => Err((Way::Up, error)),
                    })
                }
                None => self.socket.poll_recv_from(cx, &mut read).map(|got| match got {
                    Ok(client) => self.flow_of(client).map(|number| (Way::Up, number)),
                    Err(error) => Err((Way::Down, error)),
                }),
            };
            if let Poll::Ready(got) = polled {
                self.turn = at + 1;
                let len = read.filled().len();
                return Poll::Ready(got.map(|(way, flow)| Arrival { way, flow, len }));
            }
        }
        Poll::Pending
    }

    /// Sends a datagram of a flow to its destination, and says whether the system took it.
    pub(super) async fn send(&self, way: Way, flow: u64, data: &[u8]) -> bool {
        let Some(entry) = self.flows.iter().find(|entry| entry.number == flow) else { return false };
        match way {
            Way::Up => match entry.upstream.send(data).await {
                // This is about an earlier datagram; this one has not been tried yet.
                Err(error) if is_report(&error) => {
                    self.shared.count(|stats| stats.up.failed += 1);
                    entry.upstream.send(data).await.is_ok()
                }
                sent => sent.is_ok(),
            },
            Way::Down => self.socket.send_to(data, entry.client).await.is_ok(),
        }
    }

    /// The fate of the datagram that has just arrived; none if its flow is gone.
    pub(super) fn draw(&mut self, flow: u64, way: Way, conditions: &Conditions) -> Option<Fate> {
        self.clock += 1;
        let clock = self.clock;
        let entry = self.flows.iter_mut().find(|entry| entry.number == flow)?;
        entry.used = clock;
        Some(entry.fates.of_mut(way).draw(conditions))
    }

    /// Gives every flow a new upstream-side socket. One that cannot be made leaves the old one in place.
    pub(super) fn rebind(&mut self) {
        for entry in &mut self.flows {
            // The old socket is still bound while the new one is made, so the port is another one.
            if let Ok((socket, addr)) = towards(self.shared.upstream) {
                entry.upstream = socket;
                entry.open.seen_as(addr);
            }
        }
    }

    /// The flow of a client, made on its first datagram. The one longest unused makes room for it.
    fn flow_of(&mut self, client: SocketAddr) -> Result<u64, (Way, io::Error)> {
        if let Some(entry) = self.flows.iter().find(|entry| entry.client == client) {
            return Ok(entry.number);
        }
        let (upstream, addr) = towards(self.shared.upstream).map_err(|error| (Way::Up, error))?;
        while self.flows.len() >= self.shared.max_flows.max(1) {
            let oldest = (0..self.flows.len()).min_by_key(|&at| self.flows[at].used);
            let Some(oldest) = oldest else { break };
            self.flows.swap_remove(oldest);
            self.shared.count(|stats| stats.turned_away += 1);
        }
        let number = self.numbered;
        self.numbered += 1;
        let fates = Ways {
            up: Fates::new(self.shared.key(number, Way::Up)),
            down: Fates::new(self.shared.key(number, Way::Down)),
        };
        let open = self.shared.open(Flow { number, client, seen_as: Some(addr) });
        self.flows.push(Entry { number, client, upstream, fates, used: self.clock, open });
        Ok(number)
    }
}

/// Whether an error is the report (ICMP) that nobody listens where an earlier datagram went.
pub(super) fn is_report(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset)
}

/// A socket bound to `addr`. Must be called inside the runtime.
pub(super) fn bind(addr: SocketAddr) -> io::Result<UdpSocket> {
    let socket = std::net::UdpSocket::bind(addr)?;
    socket.set_nonblocking(true)?;
    UdpSocket::from_std(socket)
}

/// A socket connected to the upstream, and its address: on loopback towards loopback, else as the system routes it.
fn towards(upstream: SocketAddr) -> io::Result<(UdpSocket, SocketAddr)> {
    let ip: IpAddr = match (upstream, upstream.ip().is_loopback()) {
        (SocketAddr::V4(_), true) => Ipv4Addr::LOCALHOST.into(),
        (SocketAddr::V4(_), false) => Ipv4Addr::UNSPECIFIED.into(),
        (SocketAddr::V6(_), true) => Ipv6Addr::LOCALHOST.into(),
        (SocketAddr::V6(_), false) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = std::net::UdpSocket::bind(SocketAddr::new(ip, 0))?;
    socket.connect(upstream)?;
    socket.set_nonblocking(true)?;
    let addr = socket.local_addr()?;
    Ok((UdpSocket::from_std(socket)?, addr))
}
