//! One way to each reason to end. What has to hold of each is in the room above.

use super::{Over, Told};
use crate::far_side::*;
use crate::ringing::{listening, next};
use futures_util::StreamExt;
use offhook::mock;
use offhook::transport::{FaultKind, Plane};
use offhook::{
    Client, Clip, Decline, EndReason, Idle, Join, JoinErrorKind, Joined, Network, Policy, Profile, Ring,
    RingBack, Session, SuspendPolicy, WebRtc,
};
use offhook_server::{Builder, EndCode, Grants, Mint, Server};
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(200);

/// A server, a client of it, and a session that sends; told of from the beginning.
struct Scene {
    server: Server,
    client: Client,
    told: Told,
    session: Session<Joined>,
}

impl Scene {
    async fn with(builder: Builder, policy: Policy) -> Self {
        let server = builder.start().await.expect("loopback has a free port");
        let client = client(&server, "ada").policy(policy);
        Self::of(server, client).await
    }

    async fn of(server: Server, client: Client) -> Self {
        let idle = idle(&client);
        let told = Told::of(&idle);
        let joining = idle.join(Join::new().prompt("sepia").publish(Clip::sample()));
        let session = soon("the join", joining).await.expect("the server lets this user in");
        Self { server, client, told, session }
    }

    async fn plain() -> Self {
        Self::with(Server::builder(), Policy::default()).await
    }

    /// Waits for the far side, or whatever, to end it.
    async fn over(self) -> Over {
        let left = soon("the end", self.session.ended()).await;
        Over {
            told: self.told,
            held: Some(left.into()),
            clients: vec![self.client],
            server: Some(self.server),
        }
    }
}

fn impatient() -> Policy {
    Policy { offline: Some(SHORT), away: SHORT, failed: Some(Duration::ZERO), ..Policy::default() }
}

pub(super) async fn left() -> Over {
    let Scene { server, client, told, session } = Scene::plain().await;
    let left = soon("the leave", session.leave()).await;
    Over { told, held: Some(left.into()), clients: vec![client], server: Some(server) }
}

pub(super) async fn dropped() -> Over {
    let Scene { server, client, told, session } = Scene::plain().await;
    drop(session);
    Over { told, held: None, clients: vec![client], server: Some(server) }
}

pub(super) async fn ended(code: EndCode) -> Over {
    let scene = Scene::plain().await;
    assert!(scene.server.end("studio/7", "ada", code).await, "there is somebody to end");
    scene.over().await
}

pub(super) async fn replaced() -> Over {
    let scene = Scene::with(Server::builder().one_instance_per_user(), Policy::default()).await;
    let again = joined(&client(&scene.server, "ada"), "7").await;
    let mut over = scene.over().await;
    let mut left = soon("the leave", again.leave()).await;
    soon("the release", left.released()).await;
    over.clients.truncate(1);
    over
}

pub(super) async fn too_long() -> Over {
    Scene::with(Server::builder().max_duration(SHORT), Policy::default()).await.over().await
}

pub(super) async fn director_gone() -> Over {
    let server = Server::builder().director_grace(SHORT).start().await.expect("loopback has a free port");
    let ada = client(&server, "ada");
    idle(&ada).get_or_create(Profile::new().director_required()).await.expect("made");
    let credential = server.mint(&Mint::user("backend").grants(Grants::DIRECTOR)).expect("its key signs");
    let mut director = WebRtc::new(server.url()).director("studio", "7", Some(&credential));
    assert!(matches!(soon("the seat", director.next()).await, Some(Ok(_))));
    let scene = Scene::of(server, ada).await;
    drop(director);
    scene.over().await
}

pub(super) async fn server_gone() -> Over {
    let Scene { server, client, told, session } = Scene::plain().await;
    let ending = session.ended();
    server.shutdown().await;
    let left = soon("the end", ending).await;
    Over { told, held: Some(left.into()), clients: vec![client], server: None }
}

pub(super) async fn network_gone() -> Over {
    let scene = Scene::with(Server::builder().resume_window(SHORT), impatient()).await;
    scene.client.network(Network::Down);
    scene.over().await
}

/// The one that takes half a minute over real sockets: here the far side is a hand.
pub(super) async fn media_gone() -> Over {
    let (transport, remote) = mock::pair();
    let client = Client::new(transport).policy(impatient());
    let idle = idle(&client);
    let told = Told::of(&idle);
    let joining = idle.join(Join::new());
    let dial = remote.dial().await;
    dial.accept();
    let session = soon("the join", joining).await.expect("the hand accepts");
    dial.lose(Plane::Media, FaultKind::IceSilent);
    let left = soon("the end", session.ended()).await;
    Over { told, held: Some(left.into()), clients: vec![client], server: None }
}

pub(super) async fn suspended() -> Over {
    let policy = Policy { suspend: SuspendPolicy::Leave, ..Policy::default() };
    let scene = Scene::with(Server::builder(), policy).await;
    scene.client.suspended();
    scene.over().await
}

pub(super) async fn runtime_gone() -> Over {
    let server = Server::builder().resume_window(SHORT).start().await.expect("loopback has a free port");
    let client = client(&server, "ada");
    let idle: Session<Idle> = idle(&client);
    let told = Told::of(&idle);
    let life = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Runtime::new().expect("there are threads");
        let joined = runtime.block_on(async { idle.join(Join::new()).await });
        let session = joined.expect("the server lets this user in");
        runtime.shutdown_timeout(PATIENCE);
        session
    });
    let session = soon("the end of the runtime", life).await.expect("no panic");
    Over { told, held: Some(session.into()), clients: vec![client], server: Some(server) }
}

/// A ring of Ada's to Bob and Eve, each with a device that hears it.
struct Rung {
    server: Server,
    clients: Vec<Client>,
    rings: Vec<offhook::IncomingRings>,
}

impl Rung {
    async fn of(users: &[&str]) -> Self {
        let server = server().await;
        let (mut clients, mut rings) = (vec![client(&server, "ada")], Vec::new());
        for user in users {
            let (client, incoming) = listening(&server, user).await;
            clients.push(client);
            rings.push(incoming);
        }
        Self { server, clients, rings }
    }

    /// Ada's ring, and what it says once `answer` was given by whoever was rung.
    async fn told(mut self, ring: Ring, answer: impl AsyncFnOnce(&mut Self)) -> Over {
        let idle = idle(&self.clients[0]);
        let told = Told::of(&idle);
        let outgoing = idle.ring(ring);
        answer(&mut self).await;
        let failed = soon("the answer", outgoing.into_future()).await.expect_err("nobody takes it");
        let (left, _) = failed.into_parts();
        self.over(told, left)
    }

    fn over(self, told: Told, left: Session<offhook::Left>) -> Over {
        Over { told, held: Some(left.into()), clients: self.clients, server: Some(self.server) }
    }

    async fn say(&mut self, callee: usize, why: Decline) {
        let incoming = next(&mut self.rings[callee]).await;
        drop(soon("the decline", incoming.decline(why)).await);
    }
}

pub(super) async fn declined() -> Over {
    Rung::of(&["bob"]).await.told(Ring::to(["bob"]), async |rung| rung.say(0, Decline::Unwanted).await).await
}

pub(super) async fn busy() -> Over {
    Rung::of(&["bob"]).await.told(Ring::to(["bob"]), async |rung| rung.say(0, Decline::Busy).await).await
}

pub(super) async fn declined_by_all() -> Over {
    let rung = Rung::of(&["bob", "eve"]).await;
    rung.told(Ring::to(["bob", "eve"]), async |rung| {
        rung.say(0, Decline::Unwanted).await;
        rung.say(1, Decline::Unwanted).await;
    })
    .await
}

pub(super) async fn not_answered() -> Over {
    Rung::of(&["bob"]).await.told(Ring::to(["bob"]).timeout(SHORT), async |_| {}).await
}

pub(super) async fn ended_before_pickup() -> Over {
    let rung = Rung::of(&["bob"]).await;
    rung.told(Ring::to(["bob"]), async |rung| {
        let _ringing = next(&mut rung.rings[0]).await;
        assert_eq!(rung.server.end_rings("studio/7"), 1);
    })
    .await
}

pub(super) async fn ring_to_oneself() -> Over {
    Rung::of(&[]).await.told(Ring::to(["ada"]), async |_| {}).await
}

/// As the one who is rung sees it.
pub(super) async fn cancelled() -> Over {
    let mut rung = Rung::of(&["bob"]).await;
    let outgoing = idle(&rung.clients[0]).ring(Ring::to(["bob"]));
    let incoming = next(&mut rung.rings[0]).await;
    let told = Told::of(&incoming);
    drop(soon("the cancel", outgoing.cancel()).await);
    let mut states = incoming.states();
    soon("the end", async { while states.next().await.is_some() {} }).await;
    let left = soon("the handle", incoming.leave()).await;
    rung.over(told, left)
}

pub(super) async fn answered_elsewhere() -> Over {
    let mut rung = Rung::of(&["bob", "bob"]).await;
    let outgoing = idle(&rung.clients[0]).ring(Ring::to(["bob"])).answered();
    let (here, there) = (next(&mut rung.rings[0]).await, next(&mut rung.rings[1]).await);
    let told = Told::of(&here);
    let taken = soon("the accept", there.accept(Join::new())).await.expect("it is the first");
    let mut states = here.states();
    soon("the end", async { while states.next().await.is_some() {} }).await;
    let left = soon("the handle", here.leave()).await;
    let caller = soon("the answer", outgoing).await.expect("it was taken");
    drop((taken, caller));
    rung.over(told, left)
}

pub(super) async fn joined_with_what_is_refused() -> Over {
    let mut rung = Rung::of(&["bob"]).await;
    let outgoing = idle(&rung.clients[0]).ring(Ring::to(["bob"])).answered();
    let incoming = next(&mut rung.rings[0]).await;
    let told = Told::of(&incoming);
    let failed =
        soon("the refusal", incoming.accept(Join::new().prompt("xyzzy"))).await.expect_err("no such");
    let RingBack::Left(left) = *failed.back else { panic!("it was confirmed: {:?}", failed.kind) };
    assert!(matches!(left.reason(), EndReason::JoinFailed(JoinErrorKind::InitialStateRefused { .. })));
    drop(soon("the answer", outgoing).await.expect("it was taken"));
    rung.over(told, left)
}

/// As the one sees it whose ring did not survive.
pub(super) async fn glare() -> Over {
    let mut rung = Rung::of(&["bob"]).await;
    let adas = rung.clients[0].incoming();
    soon("presence", rung.clients[0].present()).await.expect("the server lets this user in");
    let ada = rung.clients[0].session("studio", "a");
    let bob = rung.clients[1].session("studio", "b");
    let (of_ada, of_bob) = (Told::of(&ada), Told::of(&bob));
    let ring_of_ada = ada.ring(Ring::to(["bob"])).answered();
    let ring_of_bob = bob.ring(Ring::to(["ada"])).answered();
    rung.rings.push(adas);
    tokio::select! {
        lost = ring_of_ada => {
            let (left, _) = lost.expect_err("nobody accepts").into_parts();
            rung.over(of_ada, left)
        }
        lost = ring_of_bob => {
            let (left, _) = lost.expect_err("nobody accepts").into_parts();
            rung.over(of_bob, left)
        }
    }
}
