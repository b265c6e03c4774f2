//! The echo persona: it hears somebody out, and then says what it heard; it answers text with
//! text, and takes a goodbye for one. Its voice is never silent on the wire; what it sounds like is
//! what it was told, packet by packet, and nothing is decoded.

#[cfg(test)]
mod tests;

use bytes::Bytes;
use offhook_media::{Player, Pump, Sound, voice};
use offhook_signaling::Mood;
use offhook_transport::media::{Codec, EncodedFrame, LocalTrack, TrackSpec, local};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

/// Somebody who says nothing for this long has said it.
const HEARD_OUT: Duration = Duration::from_millis(500);

/// An echo has not much to think about; but a far side that answers at once is like none.
const THINKS: Duration = Duration::from_millis(200);

/// And of whoever goes on and on it remembers so much.
const LONGEST: Duration = Duration::from_secs(15);

/// A packet of at most so many bytes is silence: digital silence is three, and what a sender in
/// discontinuous transmission says now and then is not much more (RFC 6716 section 2.1.9).
const SILENT: usize = 8;

/// Packets that wait to be heard; more are lost, which nothing but a stopped machine brings about.
const EARS: usize = 64;

/// Texts that wait to be answered; one more is refused, and whoever said it is told.
const TEXTS: usize = 64;

/// What it says that nobody hears: more than anybody says in the time it takes to hear it.
const WORDS: usize = 16;

/// The end of a conversation, for the persona.
const GOODBYE: &str = "goodbye";

/// What a persona does that others hear of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Does {
    /// It is doing something else.
    Mood(Mood),
    /// It says something, as text, in answer to the one of this number.
    Says { answers: u64, words: String },
    /// It ends the conversation.
    Ends,
}

/// Why something was not said to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotTold {
    /// There is nobody to be told.
    Nobody,
    /// As much waits as may.
    Full,
}

/// What it hears.
enum Heard {
    /// A packet of sound.
    Sound(Bytes),
    /// Text.
    Text(Text),
}

/// What somebody said as text, by their own number for it.
struct Text {
    number: u64,
    words: String,
}

/// One member's persona.
pub(crate) struct Persona {
    ears: mpsc::Sender<Bytes>,
    /// Apart from its ears: however much sound there is, no text is lost to it.
    texts: mpsc::Sender<Text>,
    /// Does it hear nothing, because a moderator muted whom it listens to?
    deaf: Arc<AtomicBool>,
    /// Its voice, to be sent to the member.
    pub(crate) track: LocalTrack,
    mood: watch::Receiver<Mood>,
    words: mpsc::Receiver<Does>,
    tasks: [JoinHandle<()>; 2],
}

impl Persona {
    /// Begins to listen, on tasks of its own.
    pub(crate) fn start() -> Self {
        let (sender, track) = local(TrackSpec { codec: Codec::Opus, label: "persona".into() });
        let (source, player) = voice();
        let speaking = tokio::spawn(async move {
            Pump::new(source, sender).run().await;
        });
        let (ears, heard) = mpsc::channel(EARS);
        let (texts, told_so) = mpsc::channel(TEXTS);
        let (told, mood) = watch::channel(Mood::Idle);
        let (says, words) = mpsc::channel(WORDS);
        let listening =
            tokio::spawn(Mind { heard, texts: told_so, player, told, says, later: None }.listen());
        let deaf = Arc::default();
        Self { ears, texts, deaf, track, mood, words, tasks: [speaking, listening] }
    }

    /// What hears for it, with the section that a packet came in; for the place where packets come in. Of
    /// several who speak at once it hears out the first.
    pub(crate) fn ears(&self) -> impl Fn(&str, &EncodedFrame) + Send + Sync + 'static {
        let (ears, deaf) = (self.ears.clone(), self.deaf.clone());
        let speaker = Mutex::new(None::<Speaker>);
        move |mid, frame| {
            let is_heard = || {
                let mut speaker = speaker.lock().unwrap_or_else(PoisonError::into_inner);
                Speaker::is_heard(&mut speaker, mid, frame.data.len() > SILENT)
            };
            if frame.codec == Codec::Opus && !deaf.load(Ordering::Relaxed) && is_heard() {
                // Full ears hear nothing; see `EARS`.
                let _ = ears.try_send(frame.data.clone());
            }
        }
    }

    /// From here on it hears no sound, or hears again; text it hears all the same.
    pub(crate) fn deafen(&self, deaf: bool) {
        self.deaf.store(deaf, Ordering::Relaxed);
    }

    /// Says something to it, as text. What is taken is answered, in its order.
    pub(crate) fn tell(&self, number: u64, words: String) -> Result<(), NotTold> {
        self.texts.try_send(Text { number, words }).map_err(|error| match error {
            TrySendError::Full(_) => NotTold::Full,
            TrySendError::Closed(_) => NotTold::Nobody,
        })
    }

    /// What it is doing.
    pub(crate) fn mood(&self) -> Mood {
        self.mood.borrow().clone()
    }

    /// What it does next; pending for ever once it has ended.
    ///
    /// # Cancel safety
    /// Nothing is lost but moods that are over.
    pub(crate) async fn next(&mut self) -> Does {
        tokio::select! {
            biased;
            // What it says comes before the mood that it is in afterwards.
            Some(does) = self.words.recv() => does,
            Ok(()) = self.mood.changed() => Does::Mood(self.mood.borrow_and_update().clone()),
            else => std::future::pending().await,
        }
    }

    /// Ends it and waits for its tasks.
    pub(crate) async fn end(mut self) {
        for task in &mut self.tasks {
            task.abort();
            let _ = task.await;
        }
    }
}

impl Drop for Persona {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// Whoever speaks, by the section, and when a packet of theirs was no silence last.
struct Speaker {
    mid: String,
    spoke: Instant,
}

impl Speaker {
    /// Is this packet one of whoever speaks? The first that is no silence makes somebody the speaker, until
    /// they are heard out.
    fn is_heard(speaker: &mut Option<Self>, mid: &str, loud: bool) -> bool {
        let now = Instant::now();
        let spoke = match speaker {
            Some(of_now) if of_now.mid == mid || now - of_now.spoke <= HEARD_OUT => {
                if of_now.mid != mid {
                    return false;
                }
                of_now
            }
            Some(_) | None if loud => speaker.insert(Self { mid: mid.to_owned(), spoke: now }),
            Some(_) | None => return false,
        };
        if loud {
            spoke.spoke = now;
        }
        true
    }
}

struct Mind {
    heard: mpsc::Receiver<Bytes>,
    texts: mpsc::Receiver<Text>,
    player: Player,
    told: watch::Sender<Mood>,
    says: mpsc::Sender<Does>,
    /// Text that came while somebody was heard out.
    later: Option<Text>,
}

impl Mind {
    async fn listen(mut self) {
        while let Some(heard) = self.next_word().await {
            // Whoever speaks is listened to, and not talked over.
            self.player.stop();
            let first = match heard {
                Heard::Sound(packet) => packet,
                Heard::Text(text) => {
                    self.reply(text).await;
                    continue;
                }
            };
            self.told.send_replace(Mood::UserSpeaking);
            let words = self.hear_out(first).await;
            self.told.send_replace(Mood::Processing);
            let Ok(answer) = Sound::from_packets(words) else {
                tracing::debug!("what was heard is not Opus");
                self.told.send_replace(Mood::Idle);
                continue;
            };
            sleep(THINKS).await;
            // It waits in `next_word`, so that it can be interrupted.
            self.answer(answer);
        }
    }

    async fn reply(&self, Text { number, words }: Text) {
        self.told.send_replace(Mood::Processing);
        sleep(THINKS).await;
        let does = match words.trim().eq_ignore_ascii_case(GOODBYE) {
            true => Does::Ends,
            false => Does::Says { answers: number, words },
        };
        // Its member is gone where nobody hears it.
        let _ = self.says.send(does).await;
        self.told.send_replace(Mood::Idle);
    }

    fn answer(&self, answer: Sound) {
        let (playing, told) = (self.player.play(answer), self.told.clone());
        self.told.send_replace(Mood::Speaking);
        // Ends with the player, and the player with its voice.
        tokio::spawn(async move {
            if playing.await == offhook_media::Played::Whole {
                told.send_if_modified(|mood| {
                    let was = *mood == Mood::Speaking;
                    if was {
                        *mood = Mood::Idle;
                    }
                    was
                });
            }
        });
    }

    async fn next_word(&mut self) -> Option<Heard> {
        if let Some(text) = self.later.take() {
            return Some(Heard::Text(text));
        }
        loop {
            tokio::select! {
                biased;
                Some(text) = self.texts.recv() => return Some(Heard::Text(text)),
                Some(packet) = self.heard.recv() => {
                    if packet.len() > SILENT {
                        return Some(Heard::Sound(packet));
                    }
                }
                else => return None,
            }
        }
    }

    /// Everything from the first word to the silence after the last, which is left out.
    /// Text in between ends it as silence does, and is next.
    async fn hear_out(&mut self, first: Bytes) -> Vec<Bytes> {
        let mut words = vec![first];
        let (mut lasts, mut quiet) = (0, 0);
        let mut spoken = words.len();
        while quiet < HEARD_OUT.as_millis() {
            let packet = tokio::select! {
                biased;
                Some(text) = self.texts.recv() => {
                    self.later = Some(text);
                    break;
                }
                packet = timeout(HEARD_OUT, self.heard.recv()) => match packet {
                    Ok(Some(packet)) => packet,
                    Ok(None) | Err(_) => break,
                },
            };
            let length = Sound::from_packets([packet.clone()]).map_or(20, |sound| sound.lasts().as_millis());
            lasts += length;
            let silent = packet.len() <= SILENT;
            quiet = if silent { quiet + length } else { 0 };
            if lasts > LONGEST.as_millis() {
                continue;
            }
            words.push(packet);
            if !silent {
                spoken = words.len();
            }
        }
        words.truncate(spoken);
        words
    }
}
