//! What time does to a member, in virtual time: no socket, a link is two queues. What counts as doing
//! something, what directors do and what comes of a full mailbox are in files of their own.

mod behind;
mod interaction;
mod steering;

use super::*;
use crate::config::REAP_AFTER_WINDOW;
use crate::door;
use crate::rooms::{Asked as HowAsked, Newcomer};
use crate::token::Mint;
use offhook_signaling::{
    EndCode, Joined, Party, Ping, Profile, ResumeRefusal, Secret, SessionRef, Versions, decode_from_client,
    decode_from_server,
};
use std::sync::atomic::AtomicU64;

static LINKS: AtomicU64 = AtomicU64::new(1);

/// The other end of a link.
struct Line {
    mail: Mailbox,
    number: u64,
    out: mpsc::Receiver<ToSocket>,
    frames: Reliability<FromClient>,
    joined: Joined,
}

fn studio() -> SessionRef {
    SessionRef { kind: "studio".into(), id: "1".into() }
}

fn join(user: &str, credential: &str) -> Join {
    Join {
        versions: Versions::OURS,
        features: Vec::new(),
        requires: Vec::new(),
        session: studio(),
        instance: Instance(user.len() as u128),
        epoch: 1,
        credential: Some(Secret::new(credential)),
        join_ticket: None,
        rejoin: None,
        desired: Desired::default(),
        tracks: Vec::new(),
        offer: None,
        model: None,
        wait_in_queue: false,
        viewer: false,
        name: None,
        avoid: Vec::new(),
    }
}

impl Line {
    async fn enter(shared: &Arc<Shared>, user: &str, life: Duration) -> Self {
        Self::enter_as(shared, user, life, 1).await
    }

    async fn enter_again(shared: &Arc<Shared>, user: &str, epoch: u64) -> Self {
        Self::enter_as(shared, user, Duration::from_secs(600), epoch).await
    }

    async fn enter_as(shared: &Arc<Shared>, user: &str, life: Duration, epoch: u64) -> Self {
        let credential = shared.signer.mint(&Mint::user(user).life(life)).expect("a key");
        let join = Join { epoch, ..join(user, credential.expose()) };
        let admission = door::join(shared, &join).unwrap_or_else(|refusal| panic!("{refusal:?}"));
        let mail = shared
            .rooms
            .enter(
                shared,
                &Newcomer { session: &join.session, instance: join.instance, user, returning_to: None },
                None,
            )
            .unwrap_or_else(|no_place| panic!("{no_place:?}"));
        let (number, mut out) = dial(&mail, Hello::Join(Box::new(join), admission)).await;
        let mut frames = Reliability::new();
        let joined = loop {
            let Some(ToSocket::Frame(text)) = out.recv().await else { panic!("`joined` was due") };
            let frame = decode_from_server(text.as_bytes()).expect("a frame");
            frames.receive(&frame).expect("in order");
            if let FromServer::Joined(joined) = frame.message {
                break joined;
            }
        };
        Self { mail, number, out, frames, joined }
    }

    /// Comes back on a new link, and says the first thing that it hears there.
    async fn resumes(&mut self, epoch: u64) -> FromServer {
        let resume = Resume {
            session: studio(),
            session_id: self.joined.session_id.clone(),
            instance: self.joined.snapshot.roster[0].instance,
            epoch,
            secret: self.joined.resume_secret.clone(),
            last_seen: self.frames.last_seen(),
            offer: None,
            path: None,
        };
        (self.number, self.out) = dial(&self.mail, Hello::Resume(Box::new(resume))).await;
        let Some(ToSocket::Frame(text)) = self.out.recv().await else { panic!("a word was due") };
        let frame = decode_from_server(text.as_bytes()).expect("a frame");
        self.frames.receive(&frame).expect("in order");
        frame.message
    }

    async fn say(&mut self, message: FromClient) {
        assert!(self.says(message).await, "the member is there");
    }

    /// False where the member is gone.
    async fn says(&mut self, message: FromClient) -> bool {
        let text = self.frames.frame(&message).expect("within the limits");
        let frame = Box::new(decode_from_client(text.as_bytes()).expect("a frame"));
        self.mail.send(Mail::Frame { link: self.number, frame }).await.is_ok()
    }

    /// The first message that fits, and when it came.
    async fn until(&mut self, fits: impl Fn(&FromServer) -> bool) -> (FromServer, Instant) {
        loop {
            match self.out.recv().await {
                Some(ToSocket::Frame(text)) => {
                    let frame = decode_from_server(text.as_bytes()).expect("a frame");
                    self.frames.receive(&frame).expect("in order");
                    if fits(&frame.message) {
                        return (frame.message, Instant::now());
                    }
                }
                Some(ToSocket::Close(_) | ToSocket::Farewell(_)) => {}
                None => panic!("the link is over"),
            }
        }
    }

    /// Lives until it is ended.
    async fn live_to_the_end(&mut self) {
        let mut second = tokio::time::interval(Duration::from_secs(1));
        loop {
            tokio::select! {
                _ = second.tick() => {
                    if !self.says(FromClient::Ping(Ping { id: 1 })).await {
                        return;
                    }
                }
                said = self.out.recv() => match said {
                    Some(ToSocket::Frame(text)) => {
                        let frame = decode_from_server(text.as_bytes()).expect("a frame");
                        self.frames.receive(&frame).expect("in order");
                    }
                    Some(ToSocket::Farewell(_)) => {}
                    Some(ToSocket::Close(_)) | None => return,
                },
            }
        }
    }

    /// Lives for a while: answers every second.
    async fn live(&mut self, time: Duration) {
        let end = Instant::now() + time;
        let mut second = tokio::time::interval(Duration::from_secs(1));
        while Instant::now() < end {
            second.tick().await;
            self.say(FromClient::Ping(Ping { id: 1 })).await;
        }
    }
}

/// A link to a member, by its number and the other end of it.
async fn dial(mail: &Mailbox, hello: Hello) -> (u64, mpsc::Receiver<ToSocket>) {
    let number = LINKS.fetch_add(1, Ordering::Relaxed);
    let (out, outbox) = mpsc::channel(4096);
    let (taken, is_taken) = oneshot::channel();
    let attach = Box::new(Attach { hello, link: Link { number, out } });
    assert!(mail.send(Mail::Attach(attach, taken)).await.is_ok());
    assert!(is_taken.await.expect("an answer").is_ok());
    (number, outbox)
}

/// Where somebody would be who does not look at anything by itself.
fn place_of(shared: &Arc<Shared>, user: &str) -> Place {
    let made = shared.rooms.make(shared, &studio(), Profile::default(), HowAsked::GetOrCreate);
    let session_id = made.expect("there is room").session_id;
    let instance = join(user, "").instance;
    Place { key: door::key(&studio()), session_id, instance, actor: u64::MAX, anew: false }
}

/// A member that runs in no task but the test's own.
async fn apart(
    server: &crate::Server,
    user: &str,
    changes: impl FnOnce(&mut Join),
) -> (Actor, mpsc::Receiver<ToSocket>) {
    let place = place_of(server.shared(), user);
    let mut actor = Actor::new(server.shared().clone(), place, Notices::pair().1);
    let out = again(&mut actor, server, user, 1, changes).await;
    (actor, out)
}

/// Its client joins with it, for the first time or again.
async fn again(
    actor: &mut Actor,
    server: &crate::Server,
    user: &str,
    epoch: u64,
    changes: impl FnOnce(&mut Join),
) -> mpsc::Receiver<ToSocket> {
    let (out, outbox) = mpsc::channel(4096);
    assert_eq!(dials(actor, server, join_of(server, user, epoch, changes), out).await, Flow::On);
    outbox
}

/// What its client joins with.
fn join_of(server: &crate::Server, user: &str, epoch: u64, changes: impl FnOnce(&mut Join)) -> Join {
    let credential = server.shared().signer.mint(&Mint::user(user)).expect("a key");
    let mut join = Join { epoch, ..join(user, credential.expose()) };
    changes(&mut join);
    join
}

async fn dials(actor: &mut Actor, server: &crate::Server, join: Join, out: mpsc::Sender<ToSocket>) -> Flow {
    let admission = door::join(server.shared(), &join).unwrap_or_else(|refusal| panic!("{refusal:?}"));
    let link = Link { number: LINKS.fetch_add(1, Ordering::Relaxed), out };
    let hello = Hello::Join(Box::new(join), admission);
    actor.attach(Attach { hello, link }).await
}

async fn server(window: Duration) -> crate::Server {
    crate::Server::builder().resume_window(window).start().await.expect("a port")
}

fn attendance(shared: &Shared, user: &str) -> Option<Attendance> {
    let roster = shared.rooms.roster("studio/1");
    roster.into_iter().find(|member| member.user == user).map(|member| member.attendance)
}

/// When a level that nobody announces first held, to a tenth of a second.
async fn when(holds: impl Fn() -> bool) -> Instant {
    let mut look = tokio::time::interval(Duration::from_millis(100));
    while !holds() {
        look.tick().await;
    }
    Instant::now()
}

// H1: half open, so that nobody but the clock can know.
#[tokio::test(start_paused = true)]
async fn a_silent_link_is_away_within_eight_seconds_and_its_slot_is_free_after_the_window() {
    let window = Duration::from_secs(25);
    let server = server(window).await;
    let shared = server.shared();
    let mut ada = Line::enter(shared, "ada", Duration::from_secs(600)).await;
    ada.live(Duration::from_secs(30)).await;
    assert_eq!(attendance(shared, "ada"), Some(Attendance::Present), "who answers is there");
    let heard = Instant::now();
    ada.say(FromClient::Ping(Ping { id: 2 })).await;
    let away = when(|| attendance(shared, "ada") == Some(Attendance::Away)).await;
    let after = away.duration_since(heard);
    assert!(after > Duration::from_secs(5) && after <= Duration::from_secs(8), "{after:?}");
    let gone = when(|| attendance(shared, "ada").is_none()).await;
    let kept = gone.duration_since(away);
    assert!(kept >= window, "it may come back for the whole window: {kept:?}");
    assert!(kept <= window + REAP_AFTER_WINDOW + Duration::from_millis(200), "{kept:?}");
}

// H1: a socket that is gone is not asked for signs of life.
#[tokio::test(start_paused = true)]
async fn a_lost_socket_is_away_within_eight_seconds_of_its_last_word() {
    let server = server(Duration::from_secs(25)).await;
    let shared = server.shared();
    let mut ada = Line::enter(shared, "ada", Duration::from_secs(600)).await;
    ada.say(FromClient::Ping(Ping { id: 1 })).await;
    let heard = Instant::now();
    let lost = Mail::SocketGone { link: ada.number, closed: false };
    assert!(ada.mail.send(lost).await.is_ok());
    let away = when(|| attendance(shared, "ada") == Some(Attendance::Away)).await;
    assert!(away.duration_since(heard) <= Duration::from_secs(8));
    let gone = when(|| attendance(shared, "ada").is_none()).await;
    let kept = gone.duration_since(heard);
    let whole = Duration::from_secs(25) + REAP_AFTER_WINDOW;
    assert!(kept >= whole && kept <= whole + Duration::from_millis(300), "{kept:?}");
}

// F39: once, and before it ends.
#[tokio::test(start_paused = true)]
async fn a_credential_is_asked_for_at_nine_tenths_of_its_life_and_once() {
    let server = server(Duration::from_secs(25)).await;
    let mut ada = Line::enter(server.shared(), "ada", Duration::from_secs(100)).await;
    let joined = Instant::now();
    let asked = async {
        let mut live = tokio::time::interval(Duration::from_secs(1));
        let mut asked = Vec::new();
        while joined.elapsed() < Duration::from_secs(300) {
            live.tick().await;
            ada.say(FromClient::Ping(Ping { id: 1 })).await;
            let (message, at) = ada
                .until(|message| matches!(message, FromServer::Pong(_) | FromServer::NeedCredential(_)))
                .await;
            if matches!(message, FromServer::NeedCredential(_)) {
                asked.push(at.duration_since(joined));
            }
        }
        asked
    };
    let asked = asked.await;
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert!(asked[0] >= Duration::from_secs(85) && asked[0] <= Duration::from_secs(95), "{asked:?}");
}

// H8 (openai/openai-agents-js#1278): a membership has an end that no client can put off, and hears
// why; who was lost just then hears it when it comes back.
#[tokio::test(start_paused = true)]
async fn a_membership_ends_when_its_time_is_up_whatever_its_client_does() {
    let most = Duration::from_secs(60);
    let server = crate::Server::builder().max_duration(most).start().await.expect("a port");
    let shared = server.shared();
    let mut ada = Line::enter(shared, "ada", Duration::from_secs(600)).await;
    let came = Instant::now();
    ada.live(Duration::from_secs(58)).await;
    assert_eq!(attendance(shared, "ada"), Some(Attendance::Present), "not before its time");
    let (ended, at) = ada.until(|message| matches!(message, FromServer::Ended(_))).await;
    let FromServer::Ended(ended) = ended else { unreachable!() };
    assert_eq!((ended.reason, ended.by, ended.may_retry), (EndCode::MaxDuration, Party::Server, true));
    let lasted = at.duration_since(came);
    let second = Duration::from_secs(1);
    assert!(lasted + second >= most && lasted <= most + second, "{lasted:?}");
    let gone = when(|| attendance(shared, "ada").is_none()).await;
    assert!(gone.duration_since(at) < Duration::from_secs(1));
}

// H11 (livekit/livekit#2090): whoever is still there keeps the session, however long the others have
// been gone.
#[tokio::test(start_paused = true)]
async fn a_session_with_somebody_in_it_is_never_reaped() {
    let server = server(Duration::from_secs(5)).await;
    let shared = server.shared();
    let mut bob = Line::enter(shared, "bob!", Duration::from_secs(86_400)).await;
    let ada = Line::enter(shared, "ada", Duration::from_secs(86_400)).await;
    let lost = Mail::SocketGone { link: ada.number, closed: false };
    assert!(ada.mail.send(lost).await.is_ok());
    for _ in 0..60 {
        bob.live(Duration::from_secs(60)).await;
        while bob.out.try_recv().is_ok() {}
    }
    assert_eq!(attendance(shared, "ada"), None, "she never came back");
    assert_eq!(attendance(shared, "bob!"), Some(Attendance::Present));
    assert_eq!(server.census().sessions, 1);
}
