//! One session with everything around it: a server, a relay of this length, and notes of what
//! happened when.

use futures_util::StreamExt;
use offhook::webrtc::{UdpMap, WebRtc};
use offhook::{Client, Clip, Event, Join, Joined, Pattern, Session};
use offhook_media::FrameRate;
use offhook_media::h264::{Encoder, EncoderOptions};
use offhook_netrig::{Conditions, Direction, Rig, TcpRelay, UdpRelay};
use offhook_server::{Mint, Server, Signer};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

/// Longer than anything that is measured takes.
const PATIENCE: Duration = Duration::from_secs(40);
/// Long enough for pictures to flow and for round trips to be known.
const SETTLED: Duration = Duration::from_millis(1500);

/// What happened, and when.
#[derive(Default)]
pub(crate) struct Notes {
    pub(crate) events: Vec<(Instant, Event)>,
    pub(crate) pictures: Vec<Instant>,
}

/// A session with a server and a relay of its own.
pub(crate) struct Place {
    pub(crate) server: Server,
    pub(crate) rig: Rig,
    pub(crate) session: Session<Joined>,
    notes: watch::Sender<Notes>,
    client: Client,
    relays: Arc<Relays>,
    signaling: Option<TcpRelay>,
}

/// How a place is to be.
#[derive(Clone, Default)]
pub(crate) struct Wanted {
    pub(crate) round_trip: Duration,
    pub(crate) resume_window: Option<Duration>,
    /// The server's key, where another server shall take its tickets.
    pub(crate) key: Option<Signer>,
    /// Signaling that goes to whatever address it is told, not through the relay.
    pub(crate) direct: bool,
}

impl Place {
    /// Joined, with pictures coming back.
    pub(crate) async fn set(wanted: Wanted) -> Option<Self> {
        let mut builder = Server::builder();
        if let Some(window) = wanted.resume_window {
            builder = builder.resume_window(window);
        }
        if let Some(key) = wanted.key {
            builder = builder.signer(key);
        }
        let server = builder.start().await.expect("loopback has a free port");
        let rig = Rig::new(11);
        rig.set(Direction::Both, Conditions::clear().delay(wanted.round_trip / 2));
        let relays =
            Arc::new(Relays { rig: rig.clone(), made: Mutex::default(), runtime: Handle::current() });
        let mut transport = WebRtc::new(server.url()).udp_map(relays.clone());
        let mut signaling = None;
        if !wanted.direct {
            let relay = rig.tcp(server.address()).await.expect("loopback has a free port");
            transport = transport.via(relay.addr());
            signaling = Some(relay);
        }
        let token = server.mint(&Mint::user("bench").life(Duration::from_secs(3600))).expect("a key signs");
        let client = Client::new(transport).credential(token.expose());
        let idle = client.session("studio", "1");
        let notes = watch::Sender::new(Notes::default());
        let (mut events, noting) = (idle.events(), notes.clone());
        tokio::spawn(async move {
            while let Some(event) = events.next().await {
                noting.send_modify(|notes| notes.events.push((Instant::now(), event)));
            }
        });
        let joining = idle.join(Join::new().prompt("sepia").publish(small()));
        let session = timeout(PATIENCE, joining).await.ok()?.ok()?;
        let mut video = session.remote_video().await.ok()?;
        let noting = notes.clone();
        tokio::spawn(async move {
            while video.next().await.is_some() {
                noting.send_modify(|notes| notes.pictures.push(Instant::now()));
            }
        });
        let place = Self { server, rig, session, notes, client, relays, signaling };
        let flowing = place.until(Instant::now(), |notes, _| (notes.pictures.len() > 10).then_some(())).await;
        flowing?;
        sleep(SETTLED).await;
        Some(place)
    }

    /// Waits for the notes to hold something; none after forty seconds.
    pub(crate) async fn until<T>(
        &self,
        since: Instant,
        mut found: impl FnMut(&Notes, Instant) -> Option<T>,
    ) -> Option<T> {
        let mut notes = self.notes.subscribe();
        timeout(PATIENCE, async {
            loop {
                if let Some(found) = found(&notes.borrow_and_update(), since) {
                    return Some(found);
                }
                notes.changed().await.ok()?;
            }
        })
        .await
        .ok()?
    }

    /// Waits for an event after this moment; with its time.
    pub(crate) async fn event<T>(
        &self,
        since: Instant,
        mut fits: impl FnMut(&Event) -> Option<T>,
    ) -> Option<(Instant, T)> {
        self.until(since, |notes, since| {
            let later = notes.events.iter().filter(|(at, _)| *at >= since);
            later.filter_map(|(at, event)| Some((*at, fits(event)?))).next()
        })
        .await
    }

    /// Looks at the notes.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Notes) -> T) -> T {
        look(&self.notes.borrow())
    }

    /// The longest time between two pictures from this moment on, in milliseconds.
    pub(crate) fn longest_gap(&self, since: Instant) -> f64 {
        self.look(|notes| {
            // From the last one before it.
            let first = notes.pictures.partition_point(|at| *at < since).saturating_sub(1);
            let gaps = notes.pictures[first..].windows(2).map(|two| super::ms(two[1] - two[0]));
            gaps.fold(0.0, f64::max)
        })
    }

    /// Bytes and packets that went up on the signaling's line; none where it has no relay.
    pub(crate) fn signaling_up(&self) -> (u64, u64) {
        self.signaling.as_ref().map_or((0, 0), |relay| {
            let up = relay.stats().up;
            (up.bytes, up.passed)
        })
    }

    /// Takes everything down.
    pub(crate) async fn strike(self) {
        self.session.leave().await.released().await;
        self.client.shutdown().await;
        self.server.shutdown().await;
        if let Some(relay) = self.signaling {
            relay.shutdown().await;
        }
        self.relays.made.lock().expect("nobody panics with it").clear();
    }
}

/// A small picture, so that what is measured is the network and not the codec; encoded once.
fn small() -> Clip {
    static CLIP: OnceLock<Clip> = OnceLock::new();
    let encode = || {
        let pattern = Pattern::new(160, 96).expect("a size");
        let options = EncoderOptions { key_every: Some(25), ..EncoderOptions::default() };
        let mut encoder = Encoder::new(options).expect("the codec is compiled in");
        let frames = (0..50).filter_map(|number| {
            encoder.encode(&pattern.frame(number), FrameRate::DEFAULT.due(number)).expect("a picture encodes")
        });
        let stream: Vec<u8> = frames.flat_map(|frame| frame.data.to_vec()).collect();
        Clip::from_bytes("the pattern", stream.into()).expect("it was just encoded")
    };
    CLIP.get_or_init(encode).clone()
}

/// Leads media through the rig, each candidate by one relay.
struct Relays {
    rig: Rig,
    made: Mutex<Vec<(SocketAddr, UdpRelay)>>,
    runtime: Handle,
}

impl UdpMap for Relays {
    fn remote(&self, candidate: SocketAddr) -> Option<SocketAddr> {
        let mut made = self.made.lock().expect("nobody panics with it");
        if let Some((_, relay)) = made.iter().find(|(known, _)| *known == candidate) {
            return Some(relay.addr());
        }
        let relay = tokio::task::block_in_place(|| self.runtime.block_on(self.rig.udp(candidate))).ok()?;
        let address = relay.addr();
        made.push((candidate, relay));
        Some(address)
    }

    fn local(&self, _: SocketAddr) -> Option<SocketAddr> {
        None
    }
}
