//! What goes wrong: the network's faults, what is told of them, and the turns of the servers. Each is
//! carried out at its time and written down with what came of it.

use super::Play;
use crate::chaos::houses::NAMES;
use crate::chaos::plan::{Act, Hint, Turn};
use crate::chaos::record::{AskedToGo, Trouble};
use offhook::{Client, Network};
use offhook_netrig::{Applied, Change, Fault};
use serde_json::json;
use std::time::Duration;
use tokio::time::{Instant, interval, sleep_until};

/// How often the servers and the relays are looked at.
const LOOK: Duration = Duration::from_millis(50);

impl Play<'_> {
    /// The network's faults, to the end of the schedule.
    pub(super) async fn faults(&self) {
        let rig = self.houses.network().rig();
        if let Err(error) = self.plan.faults.run(rig, |applied| self.applied(applied)).await {
            self.record.note(|seen| seen.rig = Some(error.to_string()));
        }
    }

    fn applied(&self, applied: &Applied) {
        let name = applied.change.fault().to_string();
        match applied.change {
            Change::Began { fault, .. } => {
                self.screen.step(&name);
                let moment = fault.is_momentary();
                let at = self.log.say("fault", json!({ "fault": name, "on": true, "moment": moment }));
                let to = moment.then_some(at);
                let swallows =
                    matches!(fault, Fault::CutUdp | Fault::Cut | Fault::BlackHole(_) | Fault::Rebind);
                let trouble = Trouble { name, from: at, to, swallows, spread: 0.0 };
                self.record.note(|seen| {
                    seen.faults += 1;
                    seen.troubles.push(trouble);
                });
            }
            Change::Ended { .. } => {
                self.screen.news("the path is back");
                let at = self.log.say("fault", json!({ "fault": name, "on": false }));
                self.record.note(|seen| {
                    let open = |trouble: &&mut Trouble| trouble.to.is_none() && trouble.name == name;
                    if let Some(fault) = seen.troubles.iter_mut().rev().find(open) {
                        fault.to = Some(at);
                    }
                });
            }
        }
    }

    /// What is told of the network, as the system would tell it.
    pub(super) async fn hints(&self, client: &Client) {
        let began = Instant::now();
        for (at, hint) in &self.plan.told {
            sleep_until(began + *at).await;
            let name = hint.to_string();
            let now = self.log.say("told", json!({ "hint": name }));
            self.record.note(|seen| seen.hints.push((now, *hint)));
            match hint {
                Hint::Down => client.network(Network::Down),
                Hint::Up | Hint::UpUnasked => client.network(Network::Up),
                Hint::Changed => client.network(Network::Changed),
                Hint::Sleeps => client.suspended(),
                Hint::Wakes => client.woken(),
            }
            let trouble = |to| Trouble { name: name.clone(), from: now, to, swallows: false, spread: 0.0 };
            self.record.note(|seen| match hint {
                // As long as it is said to be gone it is gone.
                Hint::Down | Hint::Sleeps => seen.troubles.push(trouble(None)),
                Hint::Up | Hint::Wakes => {
                    let told = [Hint::Down.to_string(), Hint::Sleeps.to_string()];
                    let open = |gone: &&mut Trouble| gone.to.is_none() && told.contains(&gone.name);
                    if let Some(gone) = seen.troubles.iter_mut().rev().find(open) {
                        gone.to = Some(now);
                    }
                }
                Hint::Changed => seen.troubles.push(trouble(Some(now))),
                Hint::UpUnasked => {}
            });
        }
    }

    /// What the servers do.
    pub(super) async fn turns(&self) {
        let began = Instant::now();
        for act in &self.plan.turns {
            sleep_until(began + act.at).await;
            if let Err(error) = self.turn(act, began + act.end()).await {
                self.record.note(|seen| seen.stage = Some(error.to_string()));
                return;
            }
        }
    }

    async fn turn(&self, act: &Act, end: Instant) -> Result<(), crate::trial::stage::StageError> {
        let here = self.houses.here();
        let name = act.turn.to_string();
        self.screen.step(&name);
        let at = self.log.say("turn", json!({ "turn": name, "server": NAMES[here], "on": true }));
        let spread = act.spread().as_secs_f64();
        let trouble = Trouble { name: name.clone(), from: at, to: None, swallows: false, spread };
        let place = self.record.note(|seen| {
            seen.turns += 1;
            seen.troubles.push(trouble);
            seen.troubles.len() - 1
        });
        let asked_to_go = |taken| {
            let until = at + act.lasting.as_secs_f64();
            self.record.note(|seen| seen.asked_to_go.push(AskedToGo { at, until, taken, trouble: place }));
        };
        let mut note = None;
        match act.turn {
            Turn::Move => {
                if self.houses.send_over(here, act.lasting).await > 0 {
                    asked_to_go(true);
                }
                sleep_until(end).await;
            }
            Turn::Astray(astray) => {
                if self.houses.send_astray(here, astray, act.lasting).await > 0 {
                    asked_to_go(false);
                }
                sleep_until(end).await;
            }
            Turn::Drain => match self.houses.drain(here, act.lasting).await {
                Ok(drained) => {
                    if drained.moved > 0 {
                        asked_to_go(true);
                    }
                    sleep_until(end).await;
                    self.houses.go_down(here).await?;
                    self.houses.rise(here).await?;
                }
                // The way to the other server is as bad as ours; nobody was sent away.
                Err(error) => note = Some(error.to_string()),
            },
            Turn::Restart => {
                self.houses.go_down(here).await?;
                sleep_until(end).await;
                self.houses.rise(here).await?;
            }
            Turn::Crash => {
                self.houses.crash(here).await?;
                sleep_until(end).await;
                self.houses.rise(here).await?;
            }
        }
        let now =
            self.log.say("turn", json!({ "turn": name, "server": NAMES[here], "on": false, "not": note }));
        self.record.note(|seen| {
            if let Some(trouble) = seen.troubles.get_mut(place) {
                trouble.to = Some(now);
            }
        });
        Ok(())
    }

    /// Looks at the servers and the relays, for ever.
    pub(super) async fn looking(&self) {
        let mut tick = interval(LOOK);
        let (mut next, mut told, mut media_told, mut told_where) = (Instant::now(), 0, 0, None);
        loop {
            tick.tick().await;
            let members = self.houses.census().iter().map(|census| census.members).max().unwrap_or_default();
            let (datagrams, packets) =
                (self.houses.network().datagrams_up(), self.houses.network().packets_up());
            let here = self.houses.look_where();
            if told_where.replace(here) != Some(here) {
                self.log.say("server", json!({ "server": NAMES[here] }));
            }
            let now = self.log.now();
            self.record.note(|seen| {
                seen.most_members = seen.most_members.max(members);
                seen.packets.push((now, packets));
            });
            if Instant::now() >= next {
                next += Duration::from_secs(1);
                self.log.say(
                    "traffic",
                    json!({ "datagrams_up": datagrams - told, "media_up": packets - media_told }),
                );
                (told, media_told) = (datagrams, packets);
            }
        }
    }
}
