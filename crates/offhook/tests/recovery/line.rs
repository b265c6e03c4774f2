//! A session at the end of a bad line, and everything that is told of it, with its time.

use crate::far_side::*;
use futures_util::{FutureExt, StreamExt};
use offhook::webrtc::{UdpMap, WebRtc};
use offhook::{CallingState, Client, Clip, EncodedFrame, Event, Fault, Join, Joined, Plan, Plane, Session};
use offhook_netrig::{Rig, TcpRelay, UdpRelay};
use offhook_server::{Mint, Server};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Leads media through the rig: one relay for each candidate of the server.
pub(crate) struct Relays {
    net: Arc<Rig>,
    relays: Mutex<HashMap<SocketAddr, UdpRelay>>,
}

impl Relays {
    pub(crate) fn each(&self, act: impl FnMut(&UdpRelay)) {
        self.lock().values().for_each(act);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SocketAddr, UdpRelay>> {
        self.relays.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl UdpMap for Relays {
    fn remote(&self, candidate: SocketAddr) -> Option<SocketAddr> {
        let mut relays = self.lock();
        if let Some(known) = relays.get(&candidate) {
            return Some(known.addr());
        }
        // Binding does not wait.
        let relay = self.net.udp(candidate).now_or_never()?.ok()?;
        let place = relay.addr();
        relays.insert(candidate, relay);
        Some(place)
    }

    fn local(&self, _: SocketAddr) -> Option<SocketAddr> {
        None
    }
}

/// A server, the line to it, and a client at the other end.
pub(crate) struct Line {
    pub(crate) server: Server,
    pub(crate) net: Arc<Rig>,
    pub(crate) tcp: TcpRelay,
    pub(crate) udp: Arc<Relays>,
    pub(crate) client: Client,
}

impl Line {
    pub(crate) async fn to(server: Server) -> Self {
        let net = Arc::new(Rig::new(7));
        let tcp = net.tcp(server.address()).await.expect("loopback has a free port");
        let udp = Arc::new(Relays { net: net.clone(), relays: Mutex::default() });
        let transport = WebRtc::new(server.url()).via(tcp.addr()).udp_map(udp.clone());
        let credential = server.mint(&Mint::user("ada")).expect("its key signs");
        let client = Client::new(transport).credential(credential.expose().to_owned());
        Self { server, net, tcp, udp, client }
    }

    pub(crate) async fn clear() -> Self {
        Self::to(server().await).await
    }

    /// A joined session whose pictures come back.
    pub(crate) async fn joined(&self) -> Observed {
        Observed::joined(&self.client, Join::new().prompt("sepia").publish(Clip::sample())).await
    }

    pub(crate) async fn end(self) {
        self.client.shutdown().await;
        self.server.shutdown().await;
    }
}

/// One thing that was told, and when.
pub(crate) type Told = (Instant, Event);

/// A joined session, its returned pictures, and all it said.
pub(crate) struct Observed {
    pub(crate) session: Session<Joined>,
    told: watch::Receiver<Vec<Told>>,
    frames: watch::Receiver<u64>,
    gaps: Arc<Mutex<(Option<Instant>, Duration)>>,
    tasks: [JoinHandle<()>; 2],
}

impl Drop for Observed {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Observed {
    pub(crate) async fn joined(client: &Client, join: Join) -> Self {
        let idle = client.session("studio", "7");
        let mut events = idle.events();
        let (tell, told) = watch::channel(Vec::new());
        let listening = tokio::spawn(async move {
            while let Some(event) = events.next().await {
                // What comes each second tells nothing here.
                if !matches!(event, Event::Stats(_) | Event::GenerationTick { .. }) {
                    tell.send_modify(|told| told.push((Instant::now(), event)));
                }
            }
        });
        let session = soon("the join", idle.join(join)).await.expect("the server lets this user in");
        // One handle for the whole test: F41.
        let mut video = session.remote_video().await.expect("it has media");
        let (count, frames) = watch::channel(0);
        let gaps = Arc::<Mutex<(Option<Instant>, Duration)>>::default();
        let measured = gaps.clone();
        let looking = tokio::spawn(async move {
            while let Some(EncodedFrame { .. }) = video.next().await {
                let now = Instant::now();
                let mut gaps = measured.lock().unwrap_or_else(PoisonError::into_inner);
                let since = gaps.0.replace(now).map_or(Duration::ZERO, |before| now - before);
                gaps.1 = gaps.1.max(since);
                drop(gaps);
                count.send_modify(|frames| *frames += 1);
            }
        });
        let mut watched = Self { session, told, frames, gaps, tasks: [listening, looking] };
        watched.pictures(5).await;
        watched
    }

    pub(crate) fn forget_gaps(&self) {
        self.gaps.lock().unwrap_or_else(PoisonError::into_inner).1 = Duration::ZERO;
    }

    /// The longest time between two pictures.
    pub(crate) fn longest_gap(&self) -> Duration {
        self.gaps.lock().unwrap_or_else(PoisonError::into_inner).1
    }

    pub(crate) fn told(&self) -> Vec<Told> {
        self.told.borrow().clone()
    }

    /// Waits until something was told, after the first `past` things.
    pub(crate) async fn tells<T>(
        &mut self,
        what: &str,
        past: usize,
        fits: impl Fn(&Event) -> Option<T>,
    ) -> (Instant, T) {
        let look = |told: &[Told]| {
            told.iter().skip(past).find_map(|(at, event)| fits(event).map(|found| (*at, found)))
        };
        let waited = tokio::time::timeout(PATIENCE, self.told.wait_for(|told| look(told).is_some())).await;
        let found = waited.ok().and_then(|told| look(&told.ok()?));
        found.unwrap_or_else(|| panic!("{what} was not told; {:#?}", self.told()))
    }

    pub(crate) async fn loses(&mut self, plane: Plane) -> (Instant, Fault) {
        let what = format!("the loss of {plane:?}");
        self.tells(&what, 0, |event| match event {
            Event::LinkLost { plane: of, fault } if *of == plane => Some(*fault),
            _ => None,
        })
        .await
    }

    /// When it recovered, by which plan, and how long media was interrupted.
    pub(crate) async fn recovers(&mut self) -> (Instant, (Plan, Duration)) {
        let what = "the recovery";
        self.tells(what, 0, |event| match event {
            Event::Recovered { plan, media_interrupted, .. } => Some((*plan, *media_interrupted)),
            _ => None,
        })
        .await
    }

    /// Waits for so many more returned pictures, on the handle of the beginning.
    pub(crate) async fn pictures(&mut self, more: u64) -> Instant {
        let enough = *self.frames.borrow() + more;
        let told = self.told.clone();
        let came = tokio::time::timeout(PATIENCE, self.frames.wait_for(|frames| *frames >= enough)).await;
        assert!(
            matches!(came, Ok(Ok(_))),
            "{more} more pictures did not come back; told was {:#?}",
            *told.borrow()
        );
        Instant::now()
    }

    /// The next pictures, every one, have no colour: the prompt `greyscale` is in force.
    pub(crate) async fn is_grey(&self, count: usize) {
        let mut pictures = self.session.remote_video().await.expect("it has media").decoded();
        for number in 0..count {
            let frame = soon("a picture", pictures.next()).await.expect("the session goes on");
            let mut chroma = frame.picture.u().iter().chain(frame.picture.v());
            assert!(chroma.all(|chroma| chroma.abs_diff(128) <= 6), "picture {number} has colour");
        }
    }

    /// The other plane lived all the time.
    pub(crate) fn lost_only(&self, one: Plane) {
        let told = self.told();
        let other = |event: &Event| matches!(event, Event::LinkLost { plane, .. } if *plane != one);
        assert!(!told.iter().any(|(_, event)| other(event)), "{told:#?}");
    }

    /// R8: however many alarms rang, there was one outage, and each plane was lost at most once
    /// in it. Then the session is as joined as before.
    pub(crate) async fn recovered_once(&mut self, line: &Line) {
        self.pictures(5).await;
        soon("the ack", self.session.set_prompt("invert")).await.expect("it is as joined as before");
        let told = self.told();
        let count = |fits: &dyn Fn(&Event) -> bool| told.iter().filter(|(_, event)| fits(event)).count();
        let away = |event: &Event| *event == Event::StateChanged(CallingState::Reconnecting);
        let back = |event: &Event| matches!(event, Event::Recovered { .. });
        assert_eq!((count(&away), count(&back)), (1, 1), "one outage: {told:#?}");
        for of in [Plane::Signaling, Plane::Media] {
            let lost = |event: &Event| matches!(event, Event::LinkLost { plane, .. } if *plane == of);
            assert!(count(&lost) <= 1, "told once: {told:#?}");
        }
        assert_eq!(line.server.census().members, 1, "no twin in the roster");
    }
}
