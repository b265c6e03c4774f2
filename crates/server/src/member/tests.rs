//! What time does to a member, in virtual time: no socket, a link is two queues.

use super::*;
use crate::config::REAP_AFTER_WINDOW;
use crate::door;
use crate::rooms::Newcomer;
use crate::token::Mint;
use offhook_signaling::{EndCode, Frame, Party, Ping, Secret, SessionRef, Versions, decode_from_server};

/// The other end of a link.
struct Line {
    mail: Mailbox,
    number: u64,
    out: mpsc::Receiver<ToSocket>,
    frames: Reliability<FromClient>,
}

fn join(user: &str, credential: &str) -> Join {
    Join {
        versions: Versions::OURS,
        features: Vec::new(),
        requires: Vec::new(),
        session: SessionRef { kind: "studio".into(), id: "1".into() },
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
        let credential = shared.signer.mint(&Mint::user(user).life(life)).expect("a key");
        let join = join(user, credential.expose());
        let admission = door::join(shared, &join).unwrap_or_else(|refusal| panic!("{refusal:?}"));
        let mail = shared
            .rooms
            .enter(
                shared,
                &Newcomer { session: &join.session, instance: join.instance, user, returning_to: None },
                None,
            )
            .unwrap_or_else(|no_place| panic!("{no_place:?}"));
        let number = join.instance.0 as u64;
        let (out, outbox) = mpsc::channel(1024);
        let hello = Hello::Join(Box::new(join), admission);
        let attach = Attach { hello, link: Link { number, out } };
        let (taken, is_taken) = oneshot::channel();
        assert!(mail.send(Mail::Attach(Box::new(attach), taken)).await.is_ok());
        assert!(is_taken.await.expect("an answer").is_ok());
        let mut line = Self { mail, number, out: outbox, frames: Reliability::new() };
        line.until(|message| matches!(message, FromServer::Joined(_))).await;
        line
    }

    async fn say(&mut self, message: FromClient) {
        let frame = Frame { seq: None, ack: self.frames.last_seen(), message, unknown: Default::default() };
        let letter = Mail::Frame { link: self.number, frame: Box::new(frame) };
        assert!(self.mail.send(letter).await.is_ok());
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
