//! The suite every transport passes, over real sockets: the embedded server behind a relay as
//! the far side that behaves, a hand-written one for those that do not.

mod native_common;

use async_trait::async_trait;
use futures_util::FutureExt;
use native_common::hostile::{Guest, Hostile, JOINED};
use native_common::mirror::Mirror;
use native_common::{credential, join};
use offhook_netrig::{Conditions, Direction, Rig as Net, TcpRelay, UdpRelay};
use offhook_server::{EndCode as ServerEnd, GoAwayCode, Server};
use offhook_transport::conformance::{
    Behaviour, CHECKS, FarSide, Hostility, NotSupported, Outcome, Rig, Stage, Step, run_all, run_one,
};
use offhook_transport::media::EncodedFrame;
use offhook_transport::{
    DialRequest, EndCode, Epoch, GoAwayHint, GoAwayReason, InstanceId, Plane, PresenceRequest, Secret,
};
use offhook_transport_webrtc::native::WebRtc;
use offhook_transport_webrtc::peer::UdpMap;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What this process held before the first stage.
struct Sockets {
    base: Vec<(&'static str, u64)>,
}

impl Sockets {
    /// Waits until the stage before has let go of everything, so that its remains are not
    /// taken for those of the next.
    async fn cleared(&self) {
        let cleared = async {
            while census_of_this_process().iter().zip(&self.base).any(|(now, base)| now.1 > base.1) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        // The far side of the stage before is not under test: what it leaves is said and
        // counted in, and each check still ends with what it began with.
        if tokio::time::timeout(Duration::from_secs(3), cleared).await.is_err() {
            println!("the stage before left {:?}, not {:?}", census_of_this_process(), self.base);
        }
    }
}

/// Waits until what was just started has started its own helpers.
async fn settled() {
    let mut before = Vec::new();
    loop {
        let now = census_of_this_process();
        if now == before {
            return;
        }
        before = now;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Leads media through the rig: one relay for each candidate of the server.
struct Relays {
    net: Arc<Net>,
    relays: Mutex<HashMap<SocketAddr, UdpRelay>>,
}

impl Relays {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<SocketAddr, UdpRelay>> {
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

fn presence(device: InstanceId, credential: Secret) -> PresenceRequest {
    let open_timeout = Duration::from_secs(5);
    PresenceRequest { epoch: Epoch(1), device, credential: Some(credential), open_timeout }
}

/// The embedded server behind the rig.
struct Embedded {
    /// Shut down with the stage.
    server: Option<Server>,
    net: Arc<Net>,
    relay: TcpRelay,
    relays: Arc<Relays>,
    credential: Secret,
    instance: InstanceId,
}

impl Embedded {
    fn server(&self) -> &Server {
        self.server.as_ref().expect("it runs until the stage is dropped")
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.relays.lock().clear();
        if let Some(server) = self.server.take() {
            tokio::spawn(server.shutdown());
        }
    }
}

fn census_of_this_process() -> Vec<(&'static str, u64)> {
    let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks() as u64;
    let open = std::fs::read_dir("/proc/self/fd").map_or(0, |entries| entries.count() as u64);
    vec![("tasks", tasks), ("open files", open)]
}

#[async_trait]
impl FarSide for Embedded {
    fn a_join(&self) -> DialRequest {
        DialRequest { instance: self.instance, ..join(Some(self.credential.clone())) }
    }

    fn a_presence(&self) -> Result<PresenceRequest, NotSupported> {
        Ok(presence(self.instance, self.credential.clone()))
    }

    async fn cut(&self, plane: Plane) -> Result<(), NotSupported> {
        match plane {
            Plane::Signaling => self.relay.cut(),
            Plane::Media => self.net.drop_udp(),
        }
        Ok(())
    }

    async fn restore(&self) -> Result<(), NotSupported> {
        self.net.restore().map_err(|error| NotSupported(error.to_string()))
    }

    async fn end(&self, code: EndCode) -> Result<(), NotSupported> {
        let code = ServerEnd::from(code.code());
        self.server().end("studio/7", "ada", code).await;
        Ok(())
    }

    async fn go_away(&self, hint: GoAwayHint) -> Result<(), NotSupported> {
        let reason = match hint.reason {
            GoAwayReason::Rebalance => GoAwayCode::Rebalance,
            GoAwayReason::ShuttingDown => GoAwayCode::ShuttingDown,
            GoAwayReason::SessionCap => GoAwayCode::SessionCap,
            GoAwayReason::Other => GoAwayCode::Unhealthy,
        };
        let deadline = hint.deadline.unwrap_or(Duration::from_secs(10));
        self.server().go_away(None, hint.url.as_deref(), deadline, reason).await;
        Ok(())
    }

    async fn census(&self) -> Result<Vec<(&'static str, u64)>, NotSupported> {
        let inside = self.server().census();
        if inside.members == 0 {
            // Nobody needs the relays of candidates that are gone.
            self.relays.lock().clear();
        }
        let mut all = census_of_this_process();
        all.push(("members", inside.members as u64));
        // Whatever a peer holds for ever, it holds the map.
        all.push(("maps", Arc::strong_count(&self.relays) as u64));
        Ok(all)
    }
}

/// A far side that follows a script; nothing of it can be steered.
struct Scripted {
    _hostile: Option<Hostile>,
    instance: InstanceId,
}

#[async_trait]
impl FarSide for Scripted {
    fn a_join(&self) -> DialRequest {
        let request = join(Some(Secret::new("a.b.c")));
        DialRequest { instance: self.instance, ..request }
    }

    fn a_presence(&self) -> Result<PresenceRequest, NotSupported> {
        Ok(presence(self.instance, Secret::new("a.b.c")))
    }

    async fn census(&self) -> Result<Vec<(&'static str, u64)>, NotSupported> {
        Ok(census_of_this_process())
    }
}

async fn scripted(behaviour: Behaviour) -> Stage {
    let hostile = Hostile::serve(move |mut guest: Guest| async move {
        if behaviour == Behaviour::ClosingAt(Step::Opened) {
            return guest.close().await;
        }
        if guest.hear().await.is_none() {
            return;
        }
        match behaviour {
            Behaviour::Refusing(code) => {
                guest.say(format!(r#"{{"type":"error","code":"{code}","text":"no"}}"#)).await;
                guest.close().await;
            }
            Behaviour::Hostile(way) => {
                let frame = match way {
                    Hostility::Garbage => "\u{7}not a frame at all".to_owned(),
                    Hostility::Truncated => JOINED[..100].to_owned(),
                    Hostility::Oversize => format!(r#"{{"type":"{}"}}"#, "x".repeat(70_000)),
                    Hostility::OutOfOrder => r#"{"type":"acked","seq":1,"ack":0,"revision":1}"#.to_owned(),
                };
                guest.say(frame).await;
            }
            Behaviour::ClosingAt(step) => {
                guest.say(r#"{"type":"progress","step":"preparing"}"#).await;
                if step == Step::Admitted {
                    guest.say(JOINED).await;
                }
                guest.close().await;
            }
            _ => {}
        }
        // Silent from here on.
        while guest.hear().await.is_some() {}
    })
    .await;
    let transport = Box::new(WebRtc::new(hostile.url()));
    let hostile = Some(hostile).filter(|_| behaviour != Behaviour::Unreachable);
    Stage { transport, far: Box::new(Scripted { _hostile: hostile, instance: native_common::instance() }) }
}

#[async_trait]
impl Rig for Sockets {
    async fn stage(&self, behaviour: Behaviour) -> Result<Stage, NotSupported> {
        self.cleared().await;
        println!("stage {behaviour:?}");
        let delay = match behaviour {
            Behaviour::Accepting => Duration::ZERO,
            Behaviour::Late(delay) => delay,
            Behaviour::Refusing(_)
            | Behaviour::Silent
            | Behaviour::Unreachable
            | Behaviour::Hostile(_)
            | Behaviour::ClosingAt(_) => {
                let stage = scripted(behaviour).await;
                settled().await;
                return Ok(stage);
            }
        };
        let server = Server::builder()
            .resume_window(Duration::from_secs(2))
            .start()
            .await
            .map_err(|error| NotSupported(error.to_string()))?;
        let net = Arc::new(Net::new(7));
        let relay = net.tcp(server.address()).await.map_err(|error| NotSupported(error.to_string()))?;
        relay.set(Direction::Both, Conditions::clear().delay(delay));
        let relays = Arc::new(Relays { net: net.clone(), relays: Mutex::default() });
        let transport = Box::new(WebRtc::new(server.url()).via(relay.addr()).udp_map(relays.clone()));
        let credential = credential(&server);
        let instance = native_common::instance();
        settled().await;
        let server = Some(server);
        Ok(Stage { transport, far: Box::new(Embedded { server, net, relay, relays, credential, instance }) })
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(20)
    }

    fn abandoned_polls(&self) -> usize {
        12
    }

    fn unknown_prompt(&self) -> Option<&str> {
        Some("make it sing")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_native_transport_passes_the_suite() {
    let report = run_all(&Sockets { base: census_of_this_process() }).await;
    report.assert_held();
    assert_eq!(report.skipped(), FRAMES, "the server shows no frames from its inside");
    // In the same test, for open files are counted by the process.
    frames_go_both_ways_and_never_past_the_gate().await;
}

/// What the embedded server cannot show; held over a far side that can.
const FRAMES: &[&str] = &[
    "frames_go_out_in_order",
    "frames_come_in_in_order",
    "no_frame_leaves_before_the_gate_opens",
    "no_frame_leaves_after_the_gate_closed",
];

struct Mirrored;

struct Inside {
    mirror: Mirror,
    instance: InstanceId,
}

#[async_trait]
impl FarSide for Inside {
    fn a_join(&self) -> DialRequest {
        DialRequest { instance: self.instance, ..join(Some(Secret::new("a.b.c"))) }
    }

    async fn send_frame(&self, frame: EncodedFrame) -> Result<(), NotSupported> {
        self.mirror.send(frame);
        Ok(())
    }

    async fn published(&self) -> Result<Vec<EncodedFrame>, NotSupported> {
        Ok(self.mirror.take_seen())
    }
}

#[async_trait]
impl Rig for Mirrored {
    async fn stage(&self, behaviour: Behaviour) -> Result<Stage, NotSupported> {
        if behaviour != Behaviour::Accepting {
            return Err(NotSupported(format!("{behaviour:?}")));
        }
        let mirror = Mirror::start().await;
        let transport = Box::new(WebRtc::new(mirror.hostile.url()));
        Ok(Stage { transport, far: Box::new(Inside { mirror, instance: native_common::instance() }) })
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(20)
    }
}

async fn frames_go_both_ways_and_never_past_the_gate() {
    for check in CHECKS.iter().filter(|check| FRAMES.contains(&check.name)) {
        assert_eq!(run_one(check, &Mirrored).await, Outcome::Held, "{}", check.name);
    }
}
