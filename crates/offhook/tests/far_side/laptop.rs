//! A laptop and a server on hosts of their own, in network namespaces, and what it takes to switch the laptop from one
//! network to another. For the tests in `namespaces.rs` and for measurements; needs `far_side` beside it.
#![allow(dead_code, reason = "each binary uses a part of it")]

use crate::far_side::{event, soon};
use offhook::{
    CallingState, Client, Clip, Event, Fault, Join, Joined, Network as Known, Plane, Session, WebRtc,
};
use offhook_media::DecodedFrames;
use offhook_netrig::namespaces::{Access, Host, Interface, Lab, Network, Running};
use offhook_server::{Mint, Server};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// A server on one host, a laptop at home behind a NAT, and a mobile network that it could switch to.
pub(crate) struct World {
    pub(crate) lab: Lab,
    pub(crate) laptop: Host,
    pub(crate) home: Network,
    pub(crate) wlan: Interface,
    pub(crate) url: String,
    pub(crate) credential: String,
    pub(crate) _server: Running<()>,
    pub(crate) _centre: (Host, Interface),
}

pub(crate) async fn world() -> Option<World> {
    let lab = Lab::new(7).map_err(|unavailable| eprintln!("skipped: {unavailable}")).ok()?;
    let (centre, home) = (network(&lab, Access::Open), network(&lab, Access::Nat));
    let host = lab.host("server").expect("the lab stands");
    let laptop = lab.host("laptop").expect("the lab stands");
    let eth = host.plug(&centre).expect("there is room");
    let wlan = laptop.plug(&home).expect("there is room");
    let ip = eth.address();
    let (give, known) = oneshot::channel();
    let server = host.run(async move || {
        let server = Server::builder()
            .bind(format!("{ip}:0"))
            .allow_host(ip.to_string())
            .media_bind(vec![SocketAddr::from((ip, 0))])
            .start()
            .await
            .expect("the host has free ports");
        let credential = server.mint(&Mint::user("ada")).expect("its key signs");
        give.send((server.url(), credential.expose().to_owned())).expect("the test waits");
        std::future::pending::<()>().await;
    });
    let server = server.expect("the host is there");
    let (url, credential) = soon("the server", known).await.expect("the server has started");
    Some(World { lab, laptop, home, wlan, url, credential, _server: server, _centre: (host, eth) })
}

fn network(lab: &Lab, access: Access) -> Network {
    lab.network(access).expect("there is room")
}

/// How a session learns that its network is another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Learns {
    /// The application hands it on, and nobody else says anything.
    FromTheApplication,
    /// From the system; the application says nothing.
    FromTheSystem,
    /// Nobody says anything.
    BySilence,
}

/// Joins with a picture that is repainted as asked, and sees the first one come back.
pub(crate) async fn joined(
    url: &str,
    credential: &str,
    learns: Learns,
) -> (Client, Session<Joined>, DecodedFrames) {
    let transport = WebRtc::new(url).dangerous_allow_plain_ws();
    let transport = match learns {
        Learns::FromTheSystem => transport,
        Learns::FromTheApplication | Learns::BySilence => transport.ignore_network_changes(),
    };
    let client = Client::new(transport).credential(credential.to_owned());
    let join = Join::new().prompt("original").publish(Clip::sample());
    let began = Instant::now();
    let session =
        soon("the join", client.session("studio", "7").join(join)).await.expect("this user is let in");
    let mut video = session.remote_video().await.expect("it has media").decoded();
    flows(&mut video).await;
    eprintln!("joined, with a picture, after {:?}", began.elapsed());
    (client, session, video)
}

pub(crate) async fn flows(video: &mut DecodedFrames) {
    soon("a picture", video.next()).await.expect("the session goes on");
}

/// Waits for a picture without any colour: the prompt that asks for it has come into force.
pub(crate) async fn turns_grey(video: &mut DecodedFrames) {
    soon("a grey picture", async {
        loop {
            let frame = video.next().await.expect("the session goes on");
            let (u, v) = (frame.picture.u(), frame.picture.v());
            if u.iter().chain(v).all(|chroma| chroma.abs_diff(128) <= 6) {
                return;
            }
        }
    })
    .await;
}

/// How a switch of networks went.
#[derive(Debug, Clone)]
pub(crate) struct Switched {
    /// From the moment in which the laptop is plugged into the new network, just before the old one goes, to the first
    /// picture back that shows a prompt set after both: media flows both ways.
    pub(crate) flowing: Duration,
    /// What was said to be lost and why, from there to the recovery.
    pub(crate) lost: Vec<(Plane, Fault)>,
    /// The plan of the recovery.
    pub(crate) plan: String,
    /// What the session itself says of the interruption.
    pub(crate) interrupted: Duration,
    /// Bytes that the new network had carried down to the laptop by then.
    pub(crate) carried: u64,
}

/// Joins over a Wi-Fi, then plugs the laptop into a mobile network and takes the Wi-Fi away: another interface, another
/// address, another NAT. None, with a printed reason, where the machine does not allow namespaces.
pub(crate) async fn switch_networks(learns: Learns) -> Option<Switched> {
    let world = world().await?;
    let mobile = network(&world.lab, Access::Nat);
    let World { laptop, wlan, url, credential, .. } = &world;
    let (url, credential, carrier) = (url.clone(), credential.clone(), mobile.clone());
    let (leave_wifi, left) = oneshot::channel();
    let (switched, is_switched) = oneshot::channel::<Instant>();
    let call = laptop.run(async move || {
        let (client, session, mut video) = joined(&url, &credential, learns).await;
        let mut events = session.events();
        leave_wifi.send(()).expect("the test waits");
        let began = is_switched.await.expect("the test switches");
        if learns == Learns::FromTheApplication {
            client.network(Known::Down);
            client.network(Known::Up);
        }
        let setting = session.set_prompt("greyscale");
        let mut lost = Vec::new();
        let (plan, interrupted) = event("the recovery", &mut events, |event| match event {
            Event::LinkLost { plane, fault } => {
                lost.push((*plane, *fault));
                None
            }
            Event::Recovered { plan, media_interrupted, .. } => {
                Some((format!("{plan:?}"), *media_interrupted))
            }
            _ => None,
        })
        .await;
        soon("the ack", setting).await.expect("it is known");
        turns_grey(&mut video).await;
        let flowing = began.elapsed();
        let carried = carrier.stats().down.bytes;
        assert_eq!(session.state(), CallingState::Joined);
        drop(session.leave());
        client.shutdown().await;
        Switched { flowing, lost, plan, interrupted, carried }
    });
    let call = call.expect("the host is there");
    soon("the join", left).await.expect("the call goes on");
    assert_eq!(mobile.stats().down.bytes, 0, "nobody is there yet");
    let began = Instant::now();
    let modem = laptop.plug(&mobile).expect("there is room");
    let old = wlan.address().to_string();
    world.wlan.unplug().expect("it is there");
    switched.send(began).expect("the call waits");
    let result = soon("the call", call).await.expect("it runs to its end");
    let addresses = world.laptop.ip_addr().expect("the host is there");
    assert!(addresses.contains(&modem.address().to_string()), "{addresses}");
    assert!(!addresses.contains(&old), "{addresses}");
    Some(result)
}
