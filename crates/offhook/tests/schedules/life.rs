//! One session, lived through one schedule: joined, troubled, mended, looked at, ended.

use crate::grammar;
use crate::oracle::Oracle;
use crate::plan::{BAD, Finish, Op, Schedule};
use crate::reached::Reached;
use futures_util::StreamExt;
use offhook::mock::{Faults, MockDial, Remote, pair, repainted_with};
use offhook::transport::media::{Codec, EncodedFrame, Kind, TrackSender, TrackSpec, local};
use offhook::transport::{CredentialWhy, Event as Report, GoAwayHint, Plane, Secret};
use offhook::{
    CallingState, Client, Controls, EndReason, Event, Join, Joined, Network, Policy, Session, Who,
};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::task::JoinSet;

const SECOND: Duration = Duration::from_secs(1);

/// What the tasks of one life share.
#[derive(Debug, Default)]
struct Notes {
    oracle: Oracle,
    events: Vec<Event>,
    wrong: Option<String>,
    returned: Option<(u64, u64)>,
}

type Shared = Arc<Mutex<Notes>>;

fn notes(shared: &Shared) -> MutexGuard<'_, Notes> {
    shared.lock().expect("nobody panics with it")
}

struct Life {
    schedule: Schedule,
    remote: Remote,
    client: Client,
    session: Session<Joined>,
    controls: Controls,
    shared: Shared,
    sender: Arc<TrackSender>,
    tasks: JoinSet<()>,
    reached: Reached,
    ended_by_far_side: bool,
    expired: bool,
}

pub async fn live(seed: u64) -> Result<Reached, String> {
    let schedule = Schedule::of(seed);
    let (transport, remote) = pair();
    remote.auto(schedule.studio.clone());
    let policy = policy(seed);
    let provider = schedule.provider;
    let client = Client::new(transport).seed(seed).policy(policy).provider(move |_| async move {
        tokio::time::sleep(provider).await;
        Ok("fresh".into())
    });
    let (sender, track) = local(TrackSpec { codec: Codec::H264, label: "camera".into() });
    let mut join = Join::new().prompt("0").publish(&track);
    let shared = Shared::default();
    if schedule.muted {
        join = join.muted(Kind::Video);
        notes(&shared).oracle.muted(Duration::ZERO, true);
    }
    let mut reached = Reached::default();
    if schedule.join_in_trouble {
        remote.faults(schedule.faults.clone());
    }
    let mut idle = client.session("studio", "7");
    let mut tasks = JoinSet::new();
    let mut events = idle.events();
    let told = shared.clone();
    tasks.spawn(async move {
        while let Some(event) = events.next().await {
            if std::env::var_os("OFFHOOK_SCHEDULE").is_some() {
                eprintln!("    {event:?}");
            }
            notes(&told).events.push(event);
        }
    });
    let mut tries = 0;
    let session = loop {
        match idle.join(join).await {
            Ok(session) => break session,
            Err(error) => {
                reached.note("a join that failed");
                tries += 1;
                if tries > 3 {
                    remote.faults(Faults::default());
                }
                if tries > 5 {
                    return Err(format!("a good network, and no join: {error}"));
                }
                let (back, again) = error.into_parts();
                idle = back.idle().ok_or("a join from idle gives the session back")?;
                join = again;
            }
        }
    };
    remote.faults(schedule.faults.clone());
    let controls = session.controls();
    let sender = Arc::new(sender);
    let mut life = Life {
        schedule,
        remote,
        client,
        session,
        controls,
        shared,
        sender,
        tasks,
        reached,
        ended_by_far_side: false,
        expired: false,
    };
    life.watch_what_returns().await?;
    life.film();
    life.trouble().await;
    if life.schedule.finish.heals() {
        life.look_until_settled().await?;
    }
    life.finish().await
}

fn policy(seed: u64) -> Policy {
    let mut policy = Policy::default();
    match seed % 5 {
        0 => policy.failed = Some(15 * SECOND),
        1 => (policy.away, policy.offline) = (15 * SECOND, Some(20 * SECOND)),
        _ => {}
    }
    policy
}

impl Life {
    /// The viewer: every frame that comes back is held against what the user was told.
    async fn watch_what_returns(&mut self) -> Result<(), String> {
        let mut video = self.session.remote_video().await.map_err(|error| error.to_string())?;
        let shared = self.shared.clone();
        self.tasks.spawn(async move {
            while let Some(frame) = video.next().await {
                let mut notes = notes(&shared);
                let (prompt, number) = match repainted_with(&frame) {
                    Some((prompt, frame)) => (Some(prompt), number(&frame)),
                    None => (None, number(&frame)),
                };
                if let Err(why) = notes.oracle.returned(number, prompt.as_deref()) {
                    notes.wrong.get_or_insert(why);
                }
                let prompt = prompt.and_then(|prompt| prompt.parse().ok()).unwrap_or_default();
                notes.returned = Some((number, prompt));
            }
        });
        Ok(())
    }

    /// The camera: about one frame a second, as long as the session lives.
    fn film(&mut self) {
        let (shared, remote, sender) = (self.shared.clone(), self.remote.clone(), self.sender.clone());
        let controls = self.controls.clone();
        self.tasks.spawn(async move {
            while controls.state() != CallingState::Left {
                push(&shared, &remote, &sender);
                tokio::time::sleep(Duration::from_millis(797)).await;
            }
        });
    }

    fn is_over(&self) -> bool {
        self.session.state() == CallingState::Left
    }

    async fn trouble(&mut self) {
        for (after, op) in std::mem::take(&mut self.schedule.steps) {
            tokio::time::sleep(after).await;
            if self.is_over() {
                return;
            }
            self.reached.note(format!("op {}", op.class()));
            if std::env::var_os("OFFHOOK_SCHEDULE").is_some() {
                eprintln!("{:?} {}: {op:?}", self.remote.now(), self.session.state());
            }
            self.happens(op);
        }
    }

    fn happens(&mut self, op: Op) {
        let newest = self.remote.newest();
        let on_link = |f: &dyn Fn(&MockDial)| newest.iter().for_each(f);
        match op {
            Op::Prompt => self.prompt(),
            Op::BadPrompt => {
                let setting = self.session.set_prompt(BAD);
                let shared = self.shared.clone();
                self.tasks.spawn(async move {
                    if setting.await.is_ok() {
                        notes(&shared).wrong.get_or_insert("an unknown prompt was applied".into());
                    }
                });
            }
            Op::Mute => self.mute(true),
            Op::Unmute => self.mute(false),
            Op::Message => {
                let sending = self.session.send("chat", "hello");
                self.tasks.spawn(async move { drop(sending.await) });
            }
            Op::Retry => self.controls.retry(),
            Op::NetworkDown => self.controls.network(Network::Down),
            Op::NetworkUp => self.controls.network(Network::Up),
            Op::SystemSays(fact) => self.remote.network(fact),
            Op::Suspend => self.controls.suspended(),
            Op::Wake => self.controls.woken(),
            Op::Cut => self.remote.cut(),
            Op::Restore => self.remote.restore(),
            Op::Lose(plane, kind) => on_link(&|dial| dial.lose(plane, kind)),
            Op::Silence(plane) => on_link(&|dial| dial.silence(plane)),
            Op::Speak => on_link(&speak),
            Op::Stall => on_link(&MockDial::stall),
            Op::Unstall => on_link(&MockDial::unstall),
            Op::Garble => on_link(&MockDial::garble),
            Op::Unreachable => self.remote.faults(self.schedule.faults.clone().unreachable(0.7)),
            Op::GoAway(reason, named) => on_link(&|dial| {
                let url = named.then(|| "wss://other.example".to_owned());
                let ticket = named.then(|| Secret::new("one-use"));
                dial.go_away(GoAwayHint { url, ticket, deadline: Some(30 * SECOND), reason });
            }),
            Op::Advise(plan) => on_link(&|dial| dial.report(Report::Advised(plan))),
            Op::Refuse(code, retry_after) => {
                self.expired |= code == offhook::transport::RefusedCode::Expired;
                self.remote.faults(self.schedule.faults.clone().refuse(2, code, retry_after));
            }
            Op::Restart => self.remote.restart(),
            Op::Refresh => on_link(&|dial| dial.need_credential(CredentialWhy::Refresh)),
            Op::CloseLink => on_link(&|dial| dial.report(Report::Closed)),
        }
    }

    fn prompt(&mut self) {
        let number = {
            let oracle = &mut notes(&self.shared).oracle;
            oracle.asked += 1;
            oracle.asked
        };
        let setting = self.session.set_prompt(number.to_string());
        let (shared, remote) = (self.shared.clone(), self.remote.clone());
        self.tasks.spawn(async move {
            if setting.await.is_ok() {
                notes(&shared).oracle.acked(remote.now(), number);
            }
        });
    }

    fn mute(&mut self, muted: bool) {
        let setting = self.session.set(offhook::Change::new().muted(Kind::Video, muted));
        notes(&self.shared).oracle.muted(self.remote.now(), muted);
        self.tasks.spawn(async move { drop(setting.await) });
    }

    /// The network is a good one from here on, and the session must find its way back.
    async fn heal(&mut self) -> Result<(), String> {
        self.remote.faults(Faults::default());
        self.remote.restore();
        self.controls.woken();
        self.controls.network(Network::Up);
        let (mut joined_for, mut waited) = (0, 0);
        while joined_for < 8 {
            if self.is_over() {
                return Ok(());
            }
            if let Some(dial) = self.remote.newest() {
                dial.unstall();
                speak(&dial);
            }
            match self.session.state() {
                CallingState::Joined => joined_for += 1,
                CallingState::ReconnectingFailed => {
                    self.reached.note("healed by retry");
                    self.controls.retry();
                    joined_for = 0;
                }
                _ => joined_for = 0,
            }
            tokio::time::sleep(SECOND).await;
            waited += 1;
            if waited > 400 {
                return Err(format!("a good network for {waited} s, and it is {}", self.session.state()));
            }
        }
        Ok(())
    }

    /// A loss that the schedule still had in store may come in the midst of the last look.
    async fn look_until_settled(&mut self) -> Result<(), String> {
        for _ in 0..10 {
            self.heal().await?;
            if self.is_over() {
                return Ok(());
            }
            let losses = |life: &Self| {
                let events = &notes(&life.shared).events;
                events.iter().filter(|event| matches!(event, Event::LinkLost { .. })).count()
            };
            let before = losses(self);
            let settled = self.settled().await;
            if losses(self) == before && self.session.state() == CallingState::Joined {
                return settled;
            }
        }
        Err("a good network, and no quiet on it".into())
    }

    /// Joined for a good while: what was asked for last is what there is.
    async fn settled(&mut self) -> Result<(), String> {
        let number = push(&self.shared, &self.remote, &self.sender);
        tokio::time::sleep(3 * SECOND).await;
        let notes = notes(&self.shared);
        let muted = notes.oracle.is_muted(self.remote.now());
        match notes.returned.filter(|(returned, _)| *returned >= number) {
            Some(_) if muted => Err("muted, and a frame came back".into()),
            None if muted => {
                self.reached.note("frame kept back by mute");
                Ok(())
            }
            None => Err("joined, and no frame comes back".into()),
            Some((_, prompt)) if prompt != notes.oracle.asked => {
                Err(format!("prompt {} was asked for last, and {prompt} is in force", notes.oracle.asked))
            }
            Some(_) => {
                self.reached.note("frame returned");
                Ok(())
            }
        }
    }

    async fn finish(mut self) -> Result<Reached, String> {
        let finish = self.schedule.finish;
        if let Finish::End(code) | Finish::EndInTrouble(code) = finish
            && !self.is_over()
        {
            self.ended_by_far_side = true;
            self.remote.end(code);
            for _ in 0..30 {
                if self.is_over() {
                    break;
                }
                tokio::time::sleep(SECOND).await;
            }
        }
        let over_before = self.is_over();
        // From here on nothing of the user's may be heard.
        notes(&self.shared).oracle.muted(self.remote.now(), true);
        let ending = match finish {
            Finish::Drop => {
                drop(self.session);
                None
            }
            Finish::Shutdown => {
                self.client.shutdown().await;
                let left = self.session.leave().await;
                Some((left.reason(), left.who()))
            }
            _ => {
                let mut left = self.session.leave().await;
                let ending = (left.reason(), left.who());
                left.released().await;
                Some(ending)
            }
        };
        if let Some((reason, who)) = ending {
            let by_user = who == Who::User && matches!(reason, EndReason::LeftByUser | EndReason::Dropped);
            // A recovery that was given up, by policy or left from there (R1).
            let given_up = matches!(reason, EndReason::NetworkLost | EndReason::MediaLost);
            let denied = self.expired && reason == EndReason::Unauthorized;
            let expected = by_user || given_up || denied || self.ended_by_far_side;
            if !expected || (who == Who::User && over_before && reason == EndReason::LeftByUser) {
                return Err(format!("nobody ended it, and it ended: {reason:?} by {who:?}"));
            }
        }
        // Everything that was begun comes to an end, and nothing is left over there.
        let all = async { while self.tasks.join_next().await.is_some() {} };
        let all = tokio::time::timeout(60 * SECOND, all);
        all.await.map_err(|_| "somebody waits for ever")?;
        let none = self.remote.until(|census| census.connections == 0 && census.taps == 0);
        let census = tokio::time::timeout(10 * SECOND, none).await;
        census.map_err(|_| format!("left, and {:?} are open", self.remote.census()))?;
        judge(&self.shared, &self.remote, self.reached)
    }
}

fn judge(shared: &Shared, remote: &Remote, mut reached: Reached) -> Result<Reached, String> {
    let notes = notes(shared);
    if let Some(why) = &notes.wrong {
        return Err(why.clone());
    }
    for published in remote.frames() {
        notes.oracle.left(&published, number(&published.frame))?;
    }
    grammar::check(&notes.events, true)?;
    notes.events.iter().for_each(|event| reached.event(event));
    remote.log().iter().for_each(|seen| reached.seen(&seen.what));
    Ok(reached)
}

fn speak(dial: &MockDial) {
    dial.speak(Plane::Signaling);
    dial.speak(Plane::Media);
}

fn push(shared: &Shared, remote: &Remote, sender: &TrackSender) -> u64 {
    let number = notes(shared).oracle.push(remote.now());
    sender.try_send(EncodedFrame {
        codec: Codec::H264,
        data: number.to_be_bytes().to_vec().into(),
        pts: remote.now(),
        key: true,
    });
    number
}

fn number(frame: &EncodedFrame) -> u64 {
    frame.data.get(..8).and_then(|bytes| bytes.try_into().ok()).map_or(u64::MAX, u64::from_be_bytes)
}
