//! What happens on the stage, and the checks made on the way. A step that fails is noted and
//! the session left all the same, so that the report is whole.

use super::PROMPTS;
use super::report::{PromptRow, Report};
use crate::args::Demo;
use crate::trial::log::Log;
use crate::trial::screen::Screen;
use crate::trial::stage::{SESSION, Stage};
use crate::trial::watch::{self, Kept, Seen, millis};
use crate::trial::witness::Witness;
use futures_util::StreamExt;
use offhook::{CallingState, Client, Clip, Join, Joined, Session, SourceTrack};
use offhook_media::PumpStop;
use serde_json::json;
use std::future::pending;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::sync::watch as cell;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

/// Longest any one thing may take before it counts as not happening.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long each prompt is shown.
const LINGER: Duration = Duration::from_millis(1500);

/// Stops the camera with the script, also one that is broken off.
struct Playing(PumpStop);

impl Drop for Playing {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// Everything the script plays with.
pub(crate) struct Script<'a> {
    pub(crate) args: &'a Demo,
    pub(crate) clip: Clip,
    pub(crate) log: Arc<Log>,
    pub(crate) screen: &'a Screen,
    pub(crate) stage: &'a Stage,
    pub(crate) witness: Arc<Witness>,
}

impl Script<'_> {
    /// Plays it to its end.
    pub(crate) async fn play(self, report: &mut Report) {
        let (track, mut pump) = SourceTrack::new("camera", self.clip.clone());
        let playing = Playing(pump.stopper());
        let sent = tokio::spawn(async move {
            pump.run().await;
            pump.sender().sent()
        });
        self.session(&track, report).await;
        drop(playing);
        drop(track);
        report.frames_sent = sent.await.unwrap_or_default();
        report.check("frames were sent", report.frames_sent > 0);
    }

    async fn session(&self, track: &SourceTrack, report: &mut Report) {
        let client = Client::new(self.stage.transport()).credential(self.stage.credential());
        let idle = client.session(SESSION.0, SESSION.1);
        let mut watchers = JoinSet::new();
        watchers.spawn(watch::events(idle.events(), self.log.clone(), self.screen.clone(), |_, _| {}));
        self.screen.step("joining over WebRTC");
        let began = Instant::now();
        let began_at = self.log.now();
        let joining = idle.join(Join::new().publish(track));
        let session = match timeout(PATIENCE, joining).await {
            Ok(Ok(session)) => session,
            Ok(Err(error)) => return report.fail("joined over WebRTC", &error.to_string()),
            Err(_) => return report.fail("joined over WebRTC", "it took longer than 20 s"),
        };
        report.joined_ms = Some(millis(began.elapsed()));
        report.check("joined over WebRTC", true);
        let (seen_in, mut seen) = cell::channel(Seen::default());
        let kept = Kept::default();
        match session.remote_video().await {
            Ok(video) => {
                let (witness, log) = (self.witness.clone(), self.log.clone());
                watchers.spawn(watch::pictures(video, witness, log, seen_in, kept.clone()));
            }
            Err(error) => report.fail("pictures come back", &error.to_string()),
        }
        self.screen.step("waiting for the first picture");
        let plain = self.shows(&mut seen, 0).await;
        report.check("the picture comes back as it was sent before any prompt", plain.is_some());
        report.first_frame_ms = seen.borrow().first.map(|at| (at - began_at) * 1000.0);
        self.linger().await;
        self.prompts(&session, &mut seen, report).await;
        self.outage(&session, &mut seen, report).await;
        self.leave(session, report).await;
        client.shutdown().await;
        let over = timeout(PATIENCE, async { while watchers.join_next().await.is_some() {} }).await;
        report.check("every stream of the session ended with it", over.is_ok());
        report.frames_received = seen.borrow().pictures;
        report.keep(&self.witness, &kept.lock().unwrap_or_else(PoisonError::into_inner));
        report.take_states(&self.log);
    }

    async fn prompts(&self, session: &Session<Joined>, seen: &mut cell::Receiver<Seen>, report: &mut Report) {
        for (index, prompt) in PROMPTS[..3].iter().enumerate() {
            self.screen.step(&format!("painting: {prompt}"));
            self.log.say("prompt", json!({ "text": prompt }));
            let asked = Instant::now();
            let acked = timeout(PATIENCE, session.set_prompt(*prompt)).await;
            let ack_ms = matches!(acked, Ok(Ok(_))).then(|| millis(asked.elapsed()));
            let visible = self.shows(seen, index + 1).await;
            let visible_ms = visible.map(|_| millis(asked.elapsed()));
            report.check(&format!("`{prompt}` was acknowledged"), ack_ms.is_some());
            report.check(&format!("`{prompt}` is what comes back"), visible_ms.is_some());
            report.prompts.push(PromptRow { text: (*prompt).into(), ack_ms, visible_ms });
            self.linger().await;
        }
    }

    async fn outage(&self, session: &Session<Joined>, seen: &mut cell::Receiver<Seen>, report: &mut Report) {
        let prompt = PROMPTS[3];
        self.screen.step(&format!("the network is gone for {} s", self.args.outage));
        let mut watch = session.watch();
        self.stage.cut();
        let cut = Instant::now();
        self.log.say("network", json!({ "up": false }));
        self.log.say("prompt", json!({ "text": prompt }));
        let asked = Instant::now();
        let setting = session.set_prompt(prompt);
        let away = async {
            while let Some(view) = watch.next().await {
                if matches!(view.state(), CallingState::Reconnecting | CallingState::Offline) {
                    return;
                }
            }
            pending::<()>().await;
        };
        let noticed = timeout(Duration::from_secs_f64(self.args.outage), away).await.is_ok();
        report.check("the loss was noticed: Reconnecting or Offline was seen", noticed);
        sleep(Duration::from_secs_f64(self.args.outage).saturating_sub(cut.elapsed())).await;
        if let Err(error) = self.stage.restore() {
            report.fail("the network came back", &error.to_string());
        }
        let restored = Instant::now();
        self.log.say("network", json!({ "up": true }));
        self.screen.step("recovering");
        let mut watch = session.watch();
        let back = async {
            while let Some(view) = watch.next().await {
                if view.state() == CallingState::Joined {
                    return;
                }
            }
            pending::<()>().await;
        };
        report.recovered_ms = timeout(PATIENCE, back).await.ok().map(|()| millis(restored.elapsed()));
        report.check("the session recovered", report.recovered_ms.is_some());
        let acked = timeout(PATIENCE, setting).await;
        let ack_ms = matches!(acked, Ok(Ok(_))).then(|| millis(asked.elapsed()));
        let visible_ms = self.shows(seen, 4).await.map(|_| millis(asked.elapsed()));
        report.check(
            &format!("`{prompt}`, set while the network was gone, was acknowledged"),
            ack_ms.is_some(),
        );
        report.check(&format!("`{prompt}` is what comes back after the recovery"), visible_ms.is_some());
        report.prompts.push(PromptRow { text: prompt.into(), ack_ms, visible_ms });
        self.linger().await;
        report.check("and still is before leaving", seen.borrow().shows(4));
    }

    async fn leave(&self, session: Session<Joined>, report: &mut Report) {
        self.screen.step("leaving");
        let began = Instant::now();
        let leaving = session.leave();
        let took = began.elapsed();
        let mut left = leaving.await;
        report.ended = Some(left.reason().code().to_owned());
        report.check("it ended because the user left", left.reason() == offhook::EndReason::LeftByUser);
        let released = timeout(PATIENCE, left.released()).await.is_ok();
        report.check(
            "everything was released within 1.2 s",
            released && began.elapsed() <= Duration::from_millis(1200),
        );
        self.log.say("left", json!({ "returned_ms": millis(took), "released_ms": millis(began.elapsed()) }));
    }

    /// Waits until the pictures show this prompt.
    async fn shows(&self, seen: &mut cell::Receiver<Seen>, prompt: usize) -> Option<()> {
        let shown = timeout(PATIENCE, seen.wait_for(|seen| seen.shows(prompt))).await;
        matches!(shown, Ok(Ok(_))).then_some(())
    }

    async fn linger(&self) {
        if !self.args.short {
            sleep(LINGER).await;
        }
    }
}
