//! Carries a plan out: the session, from its join to its end, and the user's wishes. What goes
//! wrong meanwhile is in `trouble.rs`, what is seen of it in `watching.rs`. Nothing is judged here,
//! and a step that fails does not keep the session from being left.

mod camera;
mod trouble;
mod watching;

use super::houses::Houses;
use super::plan::{BACK, LOOKS, Plan, SPREAD, Wish};
use super::record::{Answer, Asked, Muting, Record};
use crate::trial::log::Log;
use crate::trial::screen::Screen;
use crate::trial::stage::SESSION;
use crate::trial::watch;
use crate::trial::witness::Witness;
use camera::Camera;
use futures_util::StreamExt;
use offhook::{CallingState, Client, Clip, Event, Join, Joined, Kind, Session, Setting, SourceTrack};
use offhook_media::PumpStop;
use offhook_netrig::{Conditions, Direction};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch as cell;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

/// Longest any one thing may take before it counts as not happening.
const PATIENCE: Duration = Duration::from_secs(30);
/// So many pictures in a row make a prompt seen.
const IN_A_ROW: u32 = 3;
/// Bytes that a line holds in each way: as much as a modest router, not seconds of video.
const QUEUE: usize = 64 << 10;

/// Stops the camera with the play, also one that is broken off.
struct Playing(PumpStop);

impl Drop for Playing {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// The look that the newest pictures have, and how many in a row.
type Looks = (Option<usize>, u32);

/// Everything the plan is carried out with.
pub(crate) struct Play<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) clip: Clip,
    pub(crate) log: Arc<Log>,
    pub(crate) screen: &'a Screen,
    pub(crate) houses: &'a Houses,
    pub(crate) witness: Arc<Witness>,
    pub(crate) record: Arc<Record>,
}

impl Play<'_> {
    /// From the join to the last stream's end.
    pub(crate) async fn play(self) {
        self.houses.network().rig().set(Direction::Both, Conditions::clear().queue(QUEUE));
        let camera = Camera::new(self.clip.clone(), self.log.clone(), self.record.clone());
        let (track, mut pump) = SourceTrack::new("camera", camera);
        let playing = Playing(pump.stopper());
        let pumping = tokio::spawn(async move { pump.run().await });
        self.session(&track).await;
        self.record.note(|seen| seen.camera_runs = Some(!pumping.is_finished()));
        drop(playing);
        drop(track);
        // It was just told to stop.
        let _ = pumping.await;
    }

    async fn session(&self, track: &SourceTrack) {
        let client = Client::new(self.houses.transport()).credential(self.houses.credential());
        let idle = client.session(SESSION.0, SESSION.1);
        let mut watchers = JoinSet::new();
        let record = self.record.clone();
        let events = watch::events(idle.events(), self.log.clone(), self.screen.clone(), move |at, event| {
            if !matches!(event, Event::Stats(_) | Event::GenerationTick { .. }) {
                record.note(|seen| seen.events.push((at, event)));
            }
        });
        let record = self.record.clone();
        watchers.spawn(async move {
            events.await;
            record.note(|seen| seen.events_ended = true);
        });
        watchers.spawn(watching::states(idle.states(), self.log.clone(), self.record.clone()));
        watchers.spawn(watching::views(idle.watch(), self.log.clone(), self.record.clone()));
        self.screen.step("joining over WebRTC");
        match timeout(PATIENCE, idle.join(Join::new().publish(track))).await {
            Ok(Ok(session)) => {
                let now = self.log.now();
                self.record.note(|seen| seen.joined = Some(now));
                self.joined(&client, session, &mut watchers).await;
            }
            Ok(Err(error)) => self.record.note(|seen| seen.not_joined = Some(error.to_string())),
            Err(_) => self.record.note(|seen| seen.not_joined = Some("it took longer than 30 s".into())),
        }
        client.shutdown().await;
        // A stream that does not end shows in what was not seen, and in what is left.
        let _ = timeout(PATIENCE, async { while watchers.join_next().await.is_some() {} }).await;
    }

    async fn joined(&self, client: &Client, session: Session<Joined>, watchers: &mut JoinSet<()>) {
        let (looks_in, mut looks) = cell::channel((None, 0));
        if let Ok(video) = session.remote_video().await {
            let (witness, log) = (self.witness.clone(), self.log.clone());
            watchers.spawn(watching::pictures(video, witness, log, self.record.clone(), looks_in));
        }
        if let Ok(video) = session.remote_video().await {
            watchers.spawn(watching::frames(video, self.log.clone(), self.record.clone()));
        }
        self.screen.step("waiting for the first picture");
        self.shows(&mut looks, 0).await;
        let first = self.record.note(|seen| seen.returned.first().map(|picture| picture.at));
        self.record.note(|seen| seen.first_picture = first);
        let mut answers = JoinSet::new();
        self.storm(client, &session, &mut answers).await;
        self.calm(&session, &mut answers, &mut looks).await;
        self.leave(session).await;
        // What was not answered ends with the session.
        let all = timeout(PATIENCE, async { while answers.join_next().await.is_some() {} }).await;
        let left = if all.is_ok() { 0 } else { answers.len() };
        self.record.note(|seen| seen.unanswered = left);
    }

    /// Everything that goes wrong, and the wishes, side by side, until the schedule is over.
    async fn storm(&self, client: &Client, session: &Session<Joined>, answers: &mut JoinSet<()>) {
        let wishes = self.wishes(session, answers);
        let all = async { tokio::join!(self.faults(), self.hints(client), self.turns(), wishes) };
        tokio::select! {
            _ = all => {}
            () = self.looking() => {}
        }
        let now = self.log.now();
        self.record.note(|seen| seen.calm = Some(now));
    }

    async fn wishes(&self, session: &Session<Joined>, answers: &mut JoinSet<()>) {
        let began = Instant::now();
        for (at, wish) in &self.plan.wishes {
            sleep_until(began + *at).await;
            match wish {
                Wish::Prompt(look) => self.ask(session, *look, answers),
                Wish::Muted(muted) => {
                    let called = self.log.now();
                    let setting =
                        if *muted { session.mute(Kind::Video) } else { session.unmute(Kind::Video) };
                    let returned = self.log.say("mute", json!({ "muted": muted }));
                    self.record.note(|seen| {
                        seen.mutings.push(Muting { muted: *muted, called, returned });
                    });
                    answers.spawn(async move {
                        // What came of it is in the events.
                        let _ = setting.await;
                    });
                }
            }
        }
    }

    /// Asks for a look; the answer is written down when it comes.
    fn ask(&self, session: &Session<Joined>, look: usize, answers: &mut JoinSet<()>) {
        let text = LOOKS[look];
        let at = self.log.say("prompt", json!({ "text": text }));
        let place = self.record.note(|seen| {
            seen.prompts.push(Asked { look, at, answered: None });
            seen.prompts.len() - 1
        });
        let setting = session.set_prompt(text);
        answers.spawn(answer(setting, place, self.log.clone(), self.record.clone()));
    }

    /// The faults are over: one more prompt, which has to come through.
    async fn calm(
        &self,
        session: &Session<Joined>,
        answers: &mut JoinSet<()>,
        looks: &mut cell::Receiver<Looks>,
    ) {
        self.screen.step("the faults are over: one more prompt");
        let mut watch = session.watch();
        let back = async {
            while let Some(view) = watch.next().await {
                if view.state() == CallingState::Joined {
                    return;
                }
            }
        };
        // Whether it came back in time is a rule's affair.
        let _ = timeout(BACK + SPREAD, back).await;
        let place = self.record.note(|seen| seen.prompts.len());
        self.ask(session, self.plan.last, answers);
        let seen = self.shows(looks, self.plan.last).await;
        let answered = self.record.note(|seen| {
            seen.prompts.get(place).is_some_and(|asked| matches!(&asked.answered, Some((_, Answer::Applied))))
        });
        self.record.note(|record| record.last_prompt = Some((answered, seen)));
    }

    async fn leave(&self, session: Session<Joined>) {
        self.screen.step("leaving");
        let called = self.log.now();
        let leaving = session.leave();
        let returned = self.log.now();
        self.record.note(|seen| seen.leaving = Some((called, returned)));
        let mut left = leaving.await;
        if timeout(PATIENCE, left.released()).await.is_ok() {
            let now = self.log.say("released", json!({ "after_ms": (self.log.now() - called) * 1000.0 }));
            self.record.note(|seen| seen.released = Some(now));
        }
    }

    /// Waits until the pictures show this look.
    async fn shows(&self, looks: &mut cell::Receiver<Looks>, look: usize) -> bool {
        let shown = looks.wait_for(|(now, row)| *now == Some(look) && *row >= IN_A_ROW);
        matches!(timeout(PATIENCE, shown).await, Ok(Ok(_)))
    }
}

async fn answer(setting: Setting, place: usize, log: Arc<Log>, record: Arc<Record>) {
    let answer = match setting.await {
        Ok(_) => Answer::Applied,
        Err(error) => Answer::Other(error.code().to_owned()),
    };
    let name = match &answer {
        Answer::Applied => "applied",
        Answer::Other(code) => code,
    };
    let text = record.note(|seen| seen.prompts.get(place).map_or("?", |asked| LOOKS[asked.look]));
    let now = log.say("answer", json!({ "text": text, "answer": name }));
    record.note(|seen| {
        if let Some(asked) = seen.prompts.get_mut(place) {
            asked.answered = Some((now, answer));
        }
    });
}
