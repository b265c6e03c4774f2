//! The echo persona: it hears somebody out, and then says what it heard. Its voice is never
//! silent on the wire; what it sounds like is what it was told, packet by packet, and nothing is
//! decoded.

#[cfg(test)]
mod tests;

use bytes::Bytes;
use offhook_media::{Player, Pump, Sound, voice};
use offhook_transport::media::{Codec, EncodedFrame, LocalTrack, TrackSpec, local};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// Somebody who says nothing for this long has said it.
const HEARD_OUT: Duration = Duration::from_millis(500);

/// An echo has not much to think about; but a far side that answers at once is like none.
const THINKS: Duration = Duration::from_millis(200);

/// And whoever goes on and on is answered after this.
const LONGEST: Duration = Duration::from_secs(15);

/// A packet of at most so many bytes is silence: digital silence is three, and what a sender in
/// discontinuous transmission says now and then is not much more (RFC 6716 section 2.1.9).
const SILENT: usize = 8;

/// Packets that wait to be heard; more are lost, which nothing but a stopped machine brings about.
const EARS: usize = 64;

/// What a persona is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Mood {
    /// Nothing.
    #[default]
    Idle,
    /// It listens to somebody who speaks.
    Listening,
    /// It thinks about what to say.
    Thinking,
    /// It speaks.
    Speaking,
}

/// One member's persona.
pub(crate) struct Persona {
    ears: mpsc::Sender<Bytes>,
    /// Its voice, to be sent to the member.
    pub(crate) track: LocalTrack,
    mood: watch::Receiver<Mood>,
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
        let (told, mood) = watch::channel(Mood::Idle);
        let listening = tokio::spawn(Mind { heard, player, told }.listen());
        Self { ears, track, mood, tasks: [speaking, listening] }
    }

    /// What hears for it; for the place where packets come in.
    pub(crate) fn ears(&self) -> impl Fn(&EncodedFrame) + Send + Sync + 'static {
        let ears = self.ears.clone();
        move |frame| {
            if frame.codec == Codec::Opus {
                // Full ears hear nothing; see `EARS`.
                let _ = ears.try_send(frame.data.clone());
            }
        }
    }

    /// What it is doing from now on; pending for ever once it has ended.
    ///
    /// # Cancel safety
    /// Nothing is lost but moods that are over.
    pub(crate) async fn mood(&mut self) -> Mood {
        match self.mood.changed().await {
            Ok(()) => *self.mood.borrow_and_update(),
            Err(_) => std::future::pending().await,
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

struct Mind {
    heard: mpsc::Receiver<Bytes>,
    player: Player,
    told: watch::Sender<Mood>,
}

impl Mind {
    async fn listen(mut self) {
        while let Some(first) = self.next_word().await {
            // Whoever speaks is listened to, and not talked over.
            self.player.stop();
            self.told.send_replace(Mood::Listening);
            let words = self.hear_out(first).await;
            self.told.send_replace(Mood::Thinking);
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

    async fn next_word(&mut self) -> Option<Bytes> {
        loop {
            let packet = self.heard.recv().await?;
            if packet.len() > SILENT {
                return Some(packet);
            }
        }
    }

    /// Everything from the first word to the silence after the last, which is left out.
    async fn hear_out(&mut self, first: Bytes) -> Vec<Bytes> {
        let mut words = vec![first];
        let (mut lasts, mut quiet) = (0, 0);
        let mut spoken = words.len();
        while lasts < LONGEST.as_millis() && quiet < HEARD_OUT.as_millis() {
            let Ok(Some(packet)) = timeout(HEARD_OUT, self.heard.recv()).await else { break };
            let length = Sound::from_packets([packet.clone()]).map_or(20, |sound| sound.lasts().as_millis());
            lasts += length;
            let silent = packet.len() <= SILENT;
            quiet = if silent { quiet + length } else { 0 };
            words.push(packet);
            if !silent {
                spoken = words.len();
            }
        }
        words.truncate(spoken);
        words
    }
}
