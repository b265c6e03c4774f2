//! Carries a plan out, and writes down what is seen. Nothing is judged here, and a step that
//! fails does not keep the session from being left.

mod camera;

use super::plan::{BACK, LOOKS, Plan, Wish};
use super::record::{Answer, Asked, Muting, Record, Returned, Shown, Trouble};
use crate::trial::log::Log;
use crate::trial::screen::Screen;
use crate::trial::stage::{SESSION, Stage};
use crate::trial::watch;
use crate::trial::witness::Witness;
use camera::Camera;
use futures_util::StreamExt;
use offhook::{
    CallingState, Client, Clip, Event, Join, Joined, Kind, RemoteVideo, Session, Setting, SourceTrack,
    StateSeen, States, Watch,
};
use offhook_media::PumpStop;
use offhook_netrig::{Applied, Change, Conditions, Direction, Fault};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch as cell;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep_until, timeout};

/// Longest any one thing may take before it counts as not happening.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often the server and the relays are looked at.
const LOOK: Duration = Duration::from_millis(50);
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
type Looks = cell::Receiver<(Option<usize>, u32)>;

/// Everything the plan is carried out with.
pub(crate) struct Play<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) clip: Clip,
    pub(crate) log: Arc<Log>,
    pub(crate) screen: &'a Screen,
    pub(crate) stage: &'a Stage,
    pub(crate) witness: Arc<Witness>,
    pub(crate) record: Arc<Record>,
}

impl Play<'_> {
    /// From the join to the last stream's end.
    pub(crate) async fn play(self) {
        self.stage.rig().set(Direction::Both, Conditions::clear().queue(QUEUE));
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
        let client = Client::new(self.stage.transport()).credential(self.stage.credential());
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
        watchers.spawn(states(idle.states(), self.log.clone(), self.record.clone()));
        watchers.spawn(views(idle.watch(), self.log.clone(), self.record.clone()));
        self.screen.step("joining over WebRTC");
        match timeout(PATIENCE, idle.join(Join::new().publish(track))).await {
            Ok(Ok(session)) => {
                let now = self.log.now();
                self.record.note(|seen| seen.joined = Some(now));
                self.joined(session, &mut watchers).await;
            }
            Ok(Err(error)) => self.record.note(|seen| seen.not_joined = Some(error.to_string())),
            Err(_) => self.record.note(|seen| seen.not_joined = Some("it took longer than 30 s".into())),
        }
        client.shutdown().await;
        // A stream that does not end shows in what was not seen, and in what is left.
        let _ = timeout(PATIENCE, async { while watchers.join_next().await.is_some() {} }).await;
    }

    async fn joined(&self, session: Session<Joined>, watchers: &mut JoinSet<()>) {
        let (looks_in, mut looks) = cell::channel((None, 0));
        if let Ok(video) = session.remote_video().await {
            let (witness, log) = (self.witness.clone(), self.log.clone());
            watchers.spawn(pictures(video, witness, log, self.record.clone(), looks_in));
        }
        self.screen.step("waiting for the first picture");
        self.shows(&mut looks, 0).await;
        let first = self.record.note(|seen| seen.returned.first().map(|picture| picture.at));
        self.record.note(|seen| seen.first_picture = first);
        let mut answers = JoinSet::new();
        self.storm(&session, &mut answers).await;
        self.calm(&session, &mut answers, &mut looks).await;
        self.leave(session).await;
        // What was not answered ends with the session.
        let all = timeout(PATIENCE, async { while answers.join_next().await.is_some() {} }).await;
        let left = if all.is_ok() { 0 } else { answers.len() };
        self.record.note(|seen| seen.unanswered = left);
    }

    /// Faults and wishes, side by side, until the schedule is over.
    async fn storm(&self, session: &Session<Joined>, answers: &mut JoinSet<()>) {
        let faults = async {
            let ran = self.plan.faults.run(self.stage.rig(), |applied| self.applied(applied)).await;
            if let Err(error) = ran {
                self.record.note(|seen| seen.rig = Some(error.to_string()));
            }
        };
        let wishes = self.wishes(session, answers);
        let looking = self.looking();
        tokio::select! {
            ((), ()) = async { tokio::join!(faults, wishes) } => {}
            () = looking => {}
        }
        let now = self.log.now();
        self.record.note(|seen| seen.calm = Some(now));
    }

    fn applied(&self, applied: &Applied) {
        let name = applied.change.fault().to_string();
        match applied.change {
            Change::Began { fault, .. } => {
                self.screen.step(&name);
                let moment = fault.is_momentary();
                let at = self.log.say("fault", json!({ "fault": name, "on": true, "moment": moment }));
                let to = moment.then_some(at);
                let swallows = matches!(fault, Fault::CutUdp | Fault::Cut | Fault::BlackHole(_));
                self.record.note(|seen| seen.troubles.push(Trouble { name, from: at, to, swallows }));
            }
            Change::Ended { .. } => {
                self.screen.news("the path is back");
                let at = self.log.say("fault", json!({ "fault": name, "on": false }));
                self.record.note(|seen| {
                    if let Some(last) = seen.troubles.last_mut() {
                        last.to = Some(at);
                    }
                });
            }
        }
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

    /// Looks at the server and the relays, for ever.
    async fn looking(&self) {
        let mut tick = interval(LOOK);
        let (mut next, mut told) = (Instant::now(), 0);
        loop {
            tick.tick().await;
            let (members, datagrams) = (self.stage.census().members, self.stage.datagrams_up());
            let now = self.log.now();
            self.record.note(|seen| {
                seen.most_members = seen.most_members.max(members);
                seen.datagrams.push((now, datagrams));
            });
            if Instant::now() >= next {
                next += Duration::from_secs(1);
                self.log.say("traffic", json!({ "datagrams_up": datagrams - told }));
                told = datagrams;
            }
        }
    }

    /// The faults are over: one more prompt, which has to come through.
    async fn calm(&self, session: &Session<Joined>, answers: &mut JoinSet<()>, looks: &mut Looks) {
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
        let _ = timeout(BACK, back).await;
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
    async fn shows(&self, looks: &mut Looks, look: usize) -> bool {
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

async fn states(mut states: States, log: Arc<Log>, record: Arc<Record>) {
    while let Some(state) = states.next().await {
        let now = log.now();
        record.note(|seen| {
            if let StateSeen::Missed { count, .. } = state {
                seen.states_missed += count;
            }
            seen.states.push((now, state.state()));
        });
    }
}

async fn views(mut views: Watch, log: Arc<Log>, record: Arc<Record>) {
    while let Some(view) = views.next().await {
        let shown = Shown {
            calling: view.state(),
            connection: view.connection_state(),
            percent: view.progress().percent(),
        };
        let now = log.now();
        record.note(|seen| {
            if seen.shown.last().is_none_or(|(_, last)| *last != shown) {
                seen.shown.push((now, shown));
            }
        });
    }
}

/// Judges every picture until the session is over.
async fn pictures(
    video: RemoteVideo,
    witness: Arc<Witness>,
    log: Arc<Log>,
    record: Arc<Record>,
    looks: cell::Sender<(Option<usize>, u32)>,
) {
    let mut frames = video.decoded();
    let mut told = None;
    while let Some(frame) = frames.next().await {
        let at = log.now();
        let Ok(verdict) = tokio::task::block_in_place(|| witness.judge(&frame.picture)) else { continue };
        let look = verdict.certain();
        let near = if verdict.prompt.is_some() { verdict.near } else { Vec::new() };
        record.note(|seen| seen.returned.push(Returned { at, look, near }));
        looks.send_modify(|(now, row)| {
            *row = if *now == look { *row + 1 } else { 1 };
            *now = look;
        });
        if look.is_some() && look != told {
            told = look;
            log.say("picture", json!({ "shows": look.map_or("?", |look| LOOKS[look]) }));
        }
    }
}
