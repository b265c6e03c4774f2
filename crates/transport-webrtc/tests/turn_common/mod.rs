//! A real TURN server: coturn on this machine's own address, for one test; it ends with its guard.
//! And a wall that lets nothing through but what comes from it.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]

use offhook_transport::Secret;
use offhook_transport_webrtc::peer::{IceServer, UdpMap};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

pub const USER: &str = "ada";
pub const PASSWORD: &str = "correct-horse";

/// An address of this machine in a private network: one it has, or one that was put onto its
/// loopback interface (by root) and is taken away again.
struct OwnAddress {
    ip: Ipv4Addr,
    lent: bool,
}

impl OwnAddress {
    fn find() -> Result<Self, String> {
        if let Some(ip) = routed().filter(Ipv4Addr::is_private) {
            return Ok(Self { ip, lent: false });
        }
        static LENT: AtomicU8 = AtomicU8::new(1);
        let process = std::process::id().to_be_bytes();
        let ip = Ipv4Addr::new(10, process[2] | 1, process[3], LENT.fetch_add(1, Ordering::AcqRel));
        put("add", ip)?;
        Ok(Self { ip, lent: true })
    }
}

impl Drop for OwnAddress {
    fn drop(&mut self) {
        if self.lent {
            // Nothing more can be done about it here; it harms nobody.
            let _ = put("del", self.ip);
        }
    }
}

fn put(verb: &str, ip: Ipv4Addr) -> Result<(), String> {
    let done = Command::new("ip").args(["addr", verb, &format!("{ip}/32"), "dev", "lo"]).output();
    match done {
        Ok(done) if done.status.success() => Ok(()),
        Ok(done) => Err(format!("no private address: {}", String::from_utf8_lossy(&done.stderr).trim())),
        Err(error) => Err(format!("no private address, and ip(8) cannot be run: {error}")),
    }
}

/// The address that this machine sends from. Nothing is sent.
fn routed() -> Option<Ipv4Addr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    // TEST-NET-3 (RFC 5737): only the route is looked up.
    socket.connect("203.0.113.1:9").ok()?;
    match socket.local_addr().ok()?.ip() {
        IpAddr::V4(ip) => Some(ip),
        IpAddr::V6(_) => None,
    }
}

/// A running coturn.
pub struct Turn {
    child: Child,
    pub address: SocketAddr,
    /// The ports that it relays from: whoever comes from another one did not come through it.
    pub relays: std::ops::RangeInclusive<u16>,
    folder: PathBuf,
    _own: OwnAddress,
}

impl Turn {
    /// Starts one that relays between addresses of this machine, or says why it cannot.
    pub fn start() -> Result<Self, String> {
        let own = OwnAddress::find()?;
        let ip = IpAddr::V4(own.ip);
        let port = free_port(ip).ok_or("no free port")?;
        let folder = std::env::temp_dir().join(format!("offhook-turn-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        // Above the usual range of ephemeral ports, so that nothing else is in it by chance.
        let first = 61_000 + (port % 40) * 100;
        let relays = first..=first + 99;
        let at = |name: &str| folder.join(name).display().to_string();
        let child = Command::new("turnserver")
            .args(["-n", "--no-cli", "--no-tls", "--no-dtls", "--no-tcp", "--lt-cred-mech", "--fingerprint"])
            .args(["--realm", "offhook.test", "--user", &format!("{USER}:{PASSWORD}")])
            .args(["--listening-ip", &ip.to_string(), "--relay-ip", &ip.to_string()])
            .args(["--listening-port", &port.to_string()])
            .args(["--min-port", &relays.start().to_string(), "--max-port", &relays.end().to_string()])
            .args(["--log-file", &at("log"), "--simple-log", "--pidfile", &at("pid")])
            .args(["--userdb", &at("db")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("turnserver (Debian's package coturn) cannot be run: {error}"))?;
        let turn = Self { child, address: SocketAddr::new(ip, port), relays, folder, _own: own };
        turn.wait()?;
        Ok(turn)
    }

    /// As [`start`](Self::start); without one, the reason is printed and the test is over.
    pub fn or_skip() -> Option<Self> {
        Self::start().map_err(|why| println!("skipped: {why}")).ok()
    }

    pub fn server(&self) -> IceServer {
        IceServer {
            urls: vec![format!("turn:{}?transport=udp", self.address)],
            username: Some(USER.into()),
            credential: Some(Secret::new(PASSWORD)),
        }
    }

    /// Waits until it answers a STUN binding request (RFC 8489).
    fn wait(&self) -> Result<(), String> {
        let socket = UdpSocket::bind((self.address.ip(), 0)).map_err(|error| error.to_string())?;
        socket.set_read_timeout(Some(Duration::from_millis(100))).map_err(|error| error.to_string())?;
        let mut request = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
        request.extend([7; 12]);
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(20) {
            let _ = socket.send_to(&request, self.address);
            if socket.recv(&mut [0; 512]).is_ok() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err("turnserver does not answer".into())
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn free_port(ip: IpAddr) -> Option<u16> {
    Some(UdpSocket::bind((ip, 0)).ok()?.local_addr().ok()?.port())
}

/// Passes on what comes from the relay's ports and drops what comes from anywhere else: a network
/// that lets a client talk to the relay server alone.
pub struct Wall {
    address: SocketAddr,
    target: tokio::sync::watch::Sender<Option<SocketAddr>>,
    turned_away: Arc<AtomicUsize>,
}

impl Wall {
    pub async fn start(turn: &Turn) -> Arc<Self> {
        let ip = turn.address.ip();
        let near = tokio::net::UdpSocket::bind((ip, 0)).await.expect("an own address can be bound");
        let far = tokio::net::UdpSocket::bind((ip, 0)).await.expect("an own address can be bound");
        let address = near.local_addr().expect("bound");
        let (target, to) = tokio::sync::watch::channel(None);
        let turned_away = Arc::new(AtomicUsize::new(0));
        let (counts, relays) = (turned_away.clone(), turn.relays.clone());
        tokio::spawn(async move {
            let (mut out, mut back) = (vec![0; 2048], vec![0; 2048]);
            let mut relay = None;
            loop {
                tokio::select! {
                    Ok((size, from)) = near.recv_from(&mut out) => {
                        let to = *to.borrow();
                        if !relays.contains(&from.port()) {
                            counts.fetch_add(1, Ordering::AcqRel);
                        } else if let Some(to) = to {
                            relay = Some(from);
                            // A datagram may be lost; ICE asks again.
                            let _ = far.send_to(&out[..size], to).await;
                        }
                    }
                    Ok((size, _)) = far.recv_from(&mut back) => {
                        if let Some(relay) = relay {
                            let _ = near.send_to(&back[..size], relay).await;
                        }
                    }
                }
            }
        });
        Arc::new(Self { address, target, turned_away })
    }

    pub fn turned_away(&self) -> usize {
        self.turned_away.load(Ordering::Acquire)
    }
}

impl UdpMap for Wall {
    fn remote(&self, candidate: SocketAddr) -> Option<SocketAddr> {
        self.target.send_replace(Some(candidate));
        Some(self.address)
    }

    /// Nobody beyond the wall could reach this machine.
    fn local(&self, _: SocketAddr) -> Option<SocketAddr> {
        None
    }
}
