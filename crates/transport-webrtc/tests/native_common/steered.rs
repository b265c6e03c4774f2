//! A far side whose media is real and whose every word is the test's: it lets a client in, lets
//! it resume, and otherwise does as it is told. It outlives its sockets, as a session does.

use super::PATIENCE;
use super::hostile::{Guest, Hostile};
use super::mirror::{Media, answer};
use offhook_signaling::{
    Acked, Answer, Capabilities, EndCode, Ended, Feature, FromClient, FromServer, Joined, Liveness, NotKnown,
    Offer, Party, Ping, Reliability, Resume, Resumed, Sdp, Secret, SessionSnapshot, decode_from_client,
};
use offhook_transport::media::{Codec, EncodedFrame, Kind, TrackSpec, local};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, broadcast};

/// What it is told to do on the socket of the moment.
#[derive(Clone)]
pub enum Order {
    /// Says this, numbered as it must be.
    Say(Box<FromServer>),
    /// Says this in these very words, whatever it has heard.
    Verbatim(String),
    /// Closes the media's transport, and goes on talking.
    HangUp,
    /// Closes the socket without a word.
    Close,
}

/// How it answers a resume.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Manner {
    #[default]
    Honest,
    /// Resumes another dial than the one that asked.
    OfAnotherDial,
    /// Has seen more than was ever sent.
    SeenTheFuture,
    /// Talks of something else first.
    BesideThePoint,
    /// Takes the socket and says nothing.
    Silent,
    /// Says everything again that was said before.
    Replaying,
    /// Takes the offer of the resume and gives no answer to it.
    WithoutAnswer,
    /// Takes the offer of the resume, and what it says to it is lost on the way.
    Unheard,
    /// Does not answer a goodbye.
    Lingering,
}

/// What media it takes.
#[derive(Clone, Debug, Default)]
pub struct Takes {
    /// In these codecs, or in all there are.
    pub codecs: Option<Vec<Codec>>,
    /// Nothing of this kind: its sections are answered with port zero.
    pub refused: Option<Kind>,
}

#[derive(Default)]
struct Inside {
    manner: Manner,
    said: Vec<String>,
    heard: Vec<(Option<u64>, FromClient)>,
    /// The newest offer it answered.
    settled: Option<u64>,
}

pub struct Steered {
    pub hostile: Hostile,
    orders: broadcast::Sender<Order>,
    inside: Arc<Mutex<Inside>>,
    came: Arc<Notify>,
    seen: Arc<Mutex<Vec<EncodedFrame>>>,
}

/// What outlives a socket.
struct Far {
    frames: Reliability<FromServer>,
    media: Option<Media>,
    secrets: u32,
    inside: Arc<Mutex<Inside>>,
    takes: Takes,
    seen: Arc<Mutex<Vec<EncodedFrame>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Steered {
    pub async fn start() -> Self {
        Self::taking(Takes::default()).await
    }

    pub async fn taking(takes: Takes) -> Self {
        let (orders, _) = broadcast::channel(64);
        let inside = Arc::<Mutex<Inside>>::default();
        let seen = Arc::<Mutex<Vec<EncodedFrame>>>::default();
        let (frames, kept) = (Reliability::new(), inside.clone());
        let far = Far { frames, media: None, secrets: 0, inside: kept, takes, seen: seen.clone() };
        let far = Arc::new(tokio::sync::Mutex::new(far));
        let came = Arc::<Notify>::default();
        let (give, see) = (orders.clone(), (inside.clone(), came.clone()));
        let hostile =
            Hostile::serve(move |guest| serve(guest, give.subscribe(), see.clone(), far.clone())).await;
        Self { hostile, orders, inside, came, seen }
    }

    /// The frames that came in since this was asked last.
    pub fn take_seen(&self) -> Vec<EncodedFrame> {
        std::mem::take(&mut *lock(&self.seen))
    }

    /// Does this on every open socket.
    pub fn order(&self, order: Order) {
        let _ = self.orders.send(order);
    }

    pub fn say(&self, message: FromServer) {
        self.order(Order::Say(Box::new(message)));
    }

    pub fn behave(&self, manner: Manner) {
        lock(&self.inside).manner = manner;
    }

    /// What it said until now, as it was on the wire.
    pub fn said(&self) -> Vec<String> {
        lock(&self.inside).said.clone()
    }

    /// Waits until it has heard this.
    pub async fn hears(&self, what: &str, fits: impl Fn(&FromClient) -> bool) {
        let heard = async {
            loop {
                let came = self.came.notified();
                if lock(&self.inside).heard.iter().any(|(_, message)| fits(message)) {
                    return;
                }
                came.await;
            }
        };
        tokio::time::timeout(PATIENCE, heard).await.unwrap_or_else(|_| panic!("never heard: {what}"));
    }

    /// The newest offer it answered.
    pub fn settled(&self) -> Option<u64> {
        lock(&self.inside).settled
    }

    /// What it heard until now, with its number where it has one.
    pub fn heard(&self) -> Vec<(Option<u64>, FromClient)> {
        lock(&self.inside).heard.clone()
    }
}

async fn serve(
    mut guest: Guest,
    mut orders: broadcast::Receiver<Order>,
    (inside, came): (Arc<Mutex<Inside>>, Arc<Notify>),
    far: Arc<tokio::sync::Mutex<Far>>,
) {
    loop {
        tokio::select! {
            text = guest.hear() => {
                let Some(text) = text else { return };
                let Ok(frame) = decode_from_client(text) else { return };
                let mut far = far.lock().await;
                // A fresh session counts from the beginning.
                if matches!(frame.message, FromClient::Join(_) | FromClient::Migrate(_)) {
                    far.frames = Reliability::new();
                }
                if far.frames.receive(&frame).is_err() {
                    return;
                }
                let manner = {
                    let mut inside = lock(&inside);
                    inside.heard.push((frame.seq, frame.message.clone()));
                    inside.manner
                };
                came.notify_waiters();
                for message in far.answers(frame.message, manner).await {
                    let text = far.frames.frame(&message).expect("a good message");
                    lock(&inside).said.push(text.clone());
                    let replay = matches!(message, FromServer::Resumed(_)) && manner == Manner::Replaying;
                    guest.say(text).await;
                    if replay {
                        let again = lock(&inside).said.clone();
                        for text in again.into_iter().filter(|text| text.contains(r#""seq":"#)) {
                            guest.say(text).await;
                        }
                    }
                }
            }
            order = orders.recv() => match order {
                Ok(Order::Say(message)) => {
                    let text = far.lock().await.frames.frame(&message).expect("a good message");
                    lock(&inside).said.push(text.clone());
                    guest.say(text).await;
                }
                Ok(Order::Verbatim(text)) => guest.say(text).await,
                Ok(Order::HangUp) => if let Some(media) = far.lock().await.media.take() {
                    media.peer.close().await;
                },
                Ok(Order::Close) => {
                    guest.close().await;
                    return;
                }
                Err(_) => return,
            },
        }
    }
}

impl Far {
    async fn answers(&mut self, message: FromClient, manner: Manner) -> Vec<FromServer> {
        match message {
            FromClient::Join(join) => self.let_in(join.offer, join.desired.revision).await,
            FromClient::Migrate(migrate) => self.let_in(migrate.offer, migrate.desired.revision).await,
            FromClient::Resume(resume) => self.resumed(resume, manner).await,
            FromClient::Offer(offer) => match self.answer(&offer).await {
                Some(answer) => vec![FromServer::Answer(answer)],
                None => Vec::new(),
            },
            // It holds no conversations.
            FromClient::Say(say) => {
                vec![FromServer::Unsupported(NotKnown { id: say.id, what: "say".to_owned() })]
            }
            FromClient::Ping(Ping { id }) => vec![FromServer::Pong(Ping { id })],
            FromClient::Apply(apply) => {
                vec![FromServer::Acked(Acked { revision: apply.desired.revision, id: Some(apply.id) })]
            }
            FromClient::Goodbye(_) if manner == Manner::Lingering => Vec::new(),
            FromClient::Goodbye(_) => vec![FromServer::Ended(Ended {
                reason: EndCode::LeftByUser,
                by: Party::User,
                text: String::new(),
                may_retry: true,
            })],
            _ => Vec::new(),
        }
    }

    async fn let_in(&mut self, offer: Option<Offer>, revision: u64) -> Vec<FromServer> {
        let offer = offer.expect("a join on loopback carries its offer");
        let (_, track) = local(TrackSpec { codec: Codec::H264, label: "steered".into() });
        let (mut answer, media) = answer(&offer, &self.seen, &track, self.takes.codecs.clone()).await;
        answer.sdp = self.as_taken(answer.sdp.as_str());
        self.media = Some(media);
        lock(&self.inside).settled = Some(offer.negotiation_id);
        vec![self.joined(answer), FromServer::Acked(Acked { revision, id: None })]
    }

    async fn answer(&mut self, offer: &Offer) -> Option<Answer> {
        let media = self.media.as_ref()?;
        let sdp = media.peer.answer(offer.sdp.as_str()).await.expect("a good offer");
        lock(&self.inside).settled = Some(offer.negotiation_id);
        Some(Answer { negotiation_id: offer.negotiation_id, sdp: self.as_taken(&sdp), mids: Vec::new() })
    }

    /// An answer in which the sections of what it refuses have port zero (RFC 3264 section 6).
    fn as_taken(&self, answer: &str) -> Sdp {
        let media = match self.takes.refused {
            Some(Kind::Audio) => "m=audio ",
            Some(Kind::Video) => "m=video ",
            None => return Sdp::new(answer),
        };
        let refused = |line: &str| match line.strip_prefix(media).and_then(|rest| rest.split_once(' ')) {
            Some((_, rest)) => format!("{media}0 {rest}\r\n"),
            None => format!("{line}\r\n"),
        };
        Sdp::new(answer.lines().map(refused).collect::<String>())
    }

    async fn resumed(&mut self, resume: Resume, manner: Manner) -> Vec<FromServer> {
        let mut resumed = Resumed {
            last_seen: self.frames.last_seen(),
            epoch: resume.epoch,
            secret: self.secret(),
            snapshot: SessionSnapshot::default(),
            answer: None,
            node: None,
        };
        match manner {
            Manner::Unheard => {
                if let Some(offer) = &resume.offer {
                    self.answer(offer).await;
                }
                return Vec::new();
            }
            Manner::Silent => return Vec::new(),
            Manner::OfAnotherDial => resumed.epoch += 1,
            Manner::SeenTheFuture => resumed.last_seen += 1_000,
            Manner::BesideThePoint => return vec![FromServer::Pong(Ping { id: 1 })],
            Manner::WithoutAnswer => return vec![FromServer::Resumed(resumed)],
            Manner::Honest | Manner::Lingering | Manner::Replaying => {}
        }
        let settled = lock(&self.inside).settled;
        let spare = resume.path.is_some_and(|path| path.answers && Some(path.negotiation_id) == settled);
        if let Some(offer) = resume.offer.as_ref().filter(|_| !spare) {
            resumed.answer = self.answer(offer).await;
        }
        // What the client has not seen comes after it.
        let _ = self.frames.replay(resume.last_seen);
        vec![FromServer::Resumed(resumed)]
    }

    fn secret(&mut self) -> Secret {
        self.secrets += 1;
        Secret::new(format!("{:04}", self.secrets))
    }

    fn joined(&mut self, answer: Answer) -> FromServer {
        FromServer::Joined(Joined {
            version: 1,
            session_id: "steered".into(),
            resumed: false,
            resume_secret: self.secret(),
            resume_window_ms: 25_000,
            liveness: Liveness { ping_ms: 2000, silence_ms: 6000 },
            ice_servers: Vec::new(),
            answer: Some(answer),
            capabilities: Capabilities {
                features: vec![Feature::Prompt, Feature::Resume, Feature::IceRestart, Feature::Messages],
                publish: true,
                ..Capabilities::default()
            },
            expires_in_ms: None,
            snapshot: SessionSnapshot::default(),
            node: None,
        })
    }
}
