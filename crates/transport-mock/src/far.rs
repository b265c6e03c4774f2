//! What the far side and the network do to the world: reports with their effects, answers to
//! actions, the flow of frames.

use crate::link::{Happening, Life, LinkId};
use crate::log::{Published, What};
use crate::transport::everything;
use crate::world::Inner;
use crate::{DialSeen, Studio};
use offhook_transport::media::{EncodedFrame, TrackId};
use offhook_transport::{
    Action, Content, Event, Fault, FaultKind, Generation, Member, Plan, Plane, ResumeKey, Secret, SessionRef,
    Up, Verdict,
};
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Context;
use std::time::Duration;
use tokio::time::Instant;

/// A goodbye that nobody answers is over after this.
const GOODBYE: Duration = Duration::from_secs(1);
/// Checks unanswered for this long are the end of a media plane.
const CHECKS: Duration = Duration::from_secs(5);
/// Reports that one hand holds back.
const HELD: usize = 1024;

impl Inner {
    /// A dial was seen: the network, the faults, the studio or the hand answers it.
    pub(crate) fn greet(&mut self, id: LinkId, seen: &Arc<DialSeen>, now: Instant) {
        if !self.network || self.faults.fails_dial(self.age(now)) {
            let fault = Fault::new(FaultKind::Unreachable);
            self.happen(id, Duration::ZERO, Happening::Report(Event::DialFailed(fault)));
            return;
        }
        self.note(id, What::Dial(seen.clone()), now);
        if let Some(refusal) = self.faults.refuses_dial() {
            self.happen(id, Duration::ZERO, Happening::Report(refusal));
            return;
        }
        let media_lives = self.media_lives(id);
        let age = self.age(now);
        let undirected = self.names.lacks_director(&seen.session);
        match &mut self.studio {
            Some(studio) if undirected => {
                let plan = studio.without_director();
                self.carry_out(id, plan);
            }
            Some(studio) => {
                let plan = studio.dialled(seen, media_lives, age);
                self.carry_out(id, plan);
            }
            None => {
                self.unseen.push_back(id);
                self.notify();
            }
        }
    }

    pub(crate) fn carry_out(&mut self, id: LinkId, plan: Vec<(Duration, Happening)>) {
        for (after, happening) in plan {
            self.happen(id, after, happening);
        }
    }

    /// Plans something, through the bad network.
    pub(crate) fn happen(&mut self, id: LinkId, after: Duration, happening: Happening) {
        let now = Instant::now();
        let age = self.age(now);
        let Some(link) = self.links.get_mut(&id).filter(|link| !link.closed) else { return };
        if let Some(held) = &mut link.held {
            if held.len() < HELD {
                held.push(happening);
            }
            return;
        }
        let at = now + after + link.delay;
        match happening {
            Happening::Report(event) => {
                let trouble = self.faults.on_report(&event, age);
                if let Some(late) = trouble.overtaken_by {
                    link.plan(at + trouble.delay + late, Happening::Report(event.clone()));
                } else {
                    link.plan_in_order(at + trouble.delay, event.clone());
                }
                if trouble.twice {
                    link.plan_in_order(at + trouble.delay, event);
                }
            }
            // What befalls the network happens now; only the news of it travels.
            Happening::Lose(plane, fault) if after.is_zero() => self.lose(id, plane, fault, now),
            other => link.plan(now + after, other),
        }
    }

    /// The time of something has come; what the client is told of it.
    pub(crate) fn befall(&mut self, id: LinkId, happening: Happening, now: Instant) -> Option<Event> {
        match happening {
            Happening::Report(event) => {
                let event = self.as_it_is_now(id, event)?;
                self.take_effect(id, &event, now);
                Some(event)
            }
            Happening::Lose(plane, fault) => {
                self.lose(id, plane, fault, now);
                None
            }
            Happening::Starve => {
                self.lose(id, Plane::Media, Fault::new(FaultKind::IceSilent), now);
                None
            }
            Happening::Tick(used) => {
                let link = self.links.get_mut(&id).filter(|link| link.signaling)?;
                let next = Duration::from_secs(1);
                link.plan(now + next, Happening::Tick(used + next));
                Some(Event::Content(Content::Generation(Generation::Tick { used })))
            }
            Happening::Measure => self.measure(id, now),
            Happening::Piece(upload) => self.piece(id, *upload, now),
            Happening::Close => {
                self.let_go(id);
                None
            }
        }
    }

    /// An inherited media plane may have died while its resume was under way; the studio's
    /// proof of it is then the news of its loss. A hand is taken at its word.
    fn as_it_is_now(&self, id: LinkId, event: Event) -> Option<Event> {
        if event != Event::Carried(Plane::Media) || self.studio.is_none() {
            return Some(event);
        }
        let link = self.links.get(&id)?;
        let untouched = matches!(link.seen.plan, Plan::Resume { restart_ice: false, .. }) && !link.restarted;
        let lost = self.planes.get(&link.media).is_some_and(|plane| plane.life == Life::Lost);
        if untouched && lost {
            let loss = Event::PlaneLost(Plane::Media, Fault::new(FaultKind::IceSilent));
            return (!link.knows_media_lost).then_some(loss);
        }
        Some(event)
    }

    fn take_effect(&mut self, id: LinkId, event: &Event, now: Instant) {
        let age = self.age(now);
        let Some(link) = self.links.get_mut(&id) else { return };
        match event {
            Event::Up(_) => {
                link.up = true;
                self.notify();
            }
            Event::PlaneLost(Plane::Media, _) => link.knows_media_lost = true,
            Event::Carried(Plane::Media) => {
                link.knows_media_lost = false;
                let (gate, tracks) = (link.gate.clone(), link.publish.clone());
                if let Some(plane) = self.planes.get_mut(&link.media) {
                    plane.life = Life::Alive;
                    plane.gate = gate;
                    plane.tap(&tracks);
                }
                if let Some(after) = self.faults.loses(Plane::Media, age) {
                    let fault = Fault::new(FaultKind::IceSilent);
                    link.plan(now + after, Happening::Lose(Plane::Media, fault));
                }
            }
            Event::Carried(Plane::Signaling) => {
                if let Some(after) = self.faults.loses(Plane::Signaling, age) {
                    let fault = Fault::new(FaultKind::Closed);
                    link.plan(now + after, Happening::Lose(Plane::Signaling, fault));
                }
            }
            Event::Acked { revision, verdict: Verdict::Applied } => {
                self.acked.insert(link.seen.instance, *revision);
            }
            Event::Ended { .. } => {
                link.ended = link.signaling;
                self.let_go(id);
            }
            Event::Refused { .. } | Event::DialFailed(_) | Event::ResumeRefused(_) => {
                self.let_go(id);
            }
            _ => {}
        }
    }

    /// A plane dies, and everyone who holds it is told.
    pub(crate) fn lose(&mut self, id: LinkId, plane: Plane, fault: Fault, now: Instant) {
        let Some(link) = self.links.get_mut(&id).filter(|link| !link.closed) else { return };
        if !link.up {
            link.plan(now, Happening::Report(Event::DialFailed(fault)));
            return;
        }
        let told = match plane {
            Plane::Signaling => {
                if !std::mem::take(&mut link.signaling) {
                    return;
                }
                link.unplan(|happening| matches!(happening, Happening::Tick(_)));
                vec![id]
            }
            Plane::Media => match self.planes.get_mut(&link.media) {
                Some(media) if media.life != Life::Lost => {
                    media.life = Life::Lost;
                    media.holders.clone()
                }
                _ => return,
            },
        };
        for holder in told {
            if let Some(link) = self.links.get_mut(&holder)
                && link.up
            {
                // Proof that was still on its way proves nothing any more.
                link.unplan(|due| matches!(due, Happening::Report(Event::Carried(of)) if *of == plane));
                if plane == Plane::Media && std::mem::replace(&mut link.knows_media_lost, true) {
                    continue;
                }
                let at = now + link.delay;
                link.plan_in_order(at, Event::PlaneLost(plane, fault.clone()));
            }
        }
    }

    /// The whole network goes: sockets are reset, media starves.
    pub(crate) fn cut(&mut self, now: Instant) {
        self.network = false;
        self.bell.drop_all(FaultKind::Closed);
        let open: Vec<LinkId> =
            self.links.iter().filter(|(_, link)| !link.closed).map(|(id, _)| *id).collect();
        self.planes.values_mut().for_each(|plane| plane.path = false);
        for id in open {
            self.lose(id, Plane::Signaling, Fault::new(FaultKind::Closed), now);
            if let Some(link) = self.links.get_mut(&id).filter(|link| link.up) {
                link.plan(now + CHECKS, Happening::Starve);
            }
        }
    }

    /// The network is back; a link that lost a plane hears that its path lives.
    pub(crate) fn restore(&mut self, now: Instant) {
        self.network = true;
        self.planes.values_mut().for_each(|plane| plane.path = true);
        for link in self.links.values_mut().filter(|link| !link.closed && link.up) {
            link.unplan(|happening| matches!(happening, Happening::Starve));
            if !link.signaling {
                link.plan_in_order(now, Event::PathAlive);
            }
        }
    }

    /// The server's process is another one.
    pub(crate) fn restart(&mut self, now: Instant) {
        if let Some(studio) = &mut self.studio {
            studio.restart();
        }
        self.acked.clear();
        if !self.network {
            // Nobody hears how it ends.
            return;
        }
        let open: Vec<LinkId> =
            self.links.iter().filter(|(_, link)| !link.closed).map(|(id, _)| *id).collect();
        self.bell.drop_all(FaultKind::ServerRestart);
        for id in open {
            self.lose(id, Plane::Signaling, Fault::new(FaultKind::ServerRestart), now);
            self.lose(id, Plane::Media, Fault::new(FaultKind::ClosedByPeer), now);
        }
    }

    /// The client's queue of actions reaches the far side, if there is a way.
    pub(crate) fn read_actions(&mut self, id: LinkId, actions: &mut VecDeque<Action>, now: Instant) {
        loop {
            let Some(link) = self.links.get_mut(&id).filter(|link| !link.closed && !link.stalled) else {
                return;
            };
            let Some(action) = actions.pop_front().map(Arc::new) else { return };
            let reached = link.signaling && self.network;
            if *action == Action::Goodbye {
                // One that does not arrive is none: the far side waits for its client as ever.
                link.goodbye = reached;
                let patience = if reached && !link.silent.signaling { Duration::ZERO } else { GOODBYE };
                link.plan(now + patience, Happening::Close);
            }
            if !reached {
                self.note(id, What::Lost(action), now);
                continue;
            }
            link.restarted |= *action == Action::RestartIce;
            if let Action::Publish(tracks) = &*action {
                link.publish.clone_from(tracks);
                if let Some(plane) = self.planes.get_mut(&link.media) {
                    plane.retap(tracks);
                }
            }
            let Some(link) = self.links.get_mut(&id) else { return };
            link.receive(action.clone());
            let seen = link.seen.clone();
            self.note(id, What::Action(action.clone()), now);
            if *action == Action::Ping {
                self.pong(id);
            }
            let age = self.age(now);
            if let Some(studio) = &mut self.studio {
                let plan = studio.asked(&seen, &action, age);
                self.carry_out(id, plan);
                if let Action::Moderate(moderation) = &*action {
                    self.moderate(id, moderation);
                }
                if let Action::Send(message) = &*action {
                    self.relay(id, message, age);
                }
            }
        }
    }

    /// The client closes a link that the far side ended: telemetry is heard still, as over a socket
    /// that is being closed.
    pub(crate) fn last_words(&mut self, id: LinkId, actions: &mut VecDeque<Action>) {
        if !self.links.get(&id).is_some_and(|link| link.ended) {
            return;
        }
        let now = Instant::now();
        for action in actions.drain(..).filter(|action| matches!(action, Action::Telemetry(_))) {
            self.note(id, What::Action(Arc::new(action)), now);
        }
    }

    fn pong(&mut self, id: LinkId) {
        let media = self.media_lives(id);
        let latency = self.studio.as_ref().map_or(Duration::ZERO, Studio::pace);
        let Some(link) = self.links.get(&id).filter(|link| link.up) else { return };
        let silent = link.silent;
        let media = media && !link.knows_media_lost;
        if !silent.signaling {
            self.happen(id, latency, Happening::Report(Event::Alive(Plane::Signaling)));
        }
        if media && !silent.media {
            self.happen(id, latency, Happening::Report(Event::Alive(Plane::Media)));
        }
    }

    fn media_lives(&self, id: LinkId) -> bool {
        self.links
            .get(&id)
            .and_then(|link| self.planes.get(&link.media))
            .is_some_and(crate::link::MediaPlane::carries)
    }

    /// Moves frames out, and wishes for key frames.
    pub(crate) fn pump(&mut self, id: LinkId, cx: &mut Context<'_>, now: Instant) {
        let age = self.age(now);
        let Some(link) = self.links.get_mut(&id).filter(|link| !link.closed) else { return };
        let (media, instance) = (link.media, link.seen.instance);
        let Some(plane) = self.planes.get_mut(&media) else { return };
        while link.sink.as_mut().is_some_and(|sink| sink.poll_key_frame_wanted(cx).is_ready()) {
            plane.key_wishes += 1;
            if self.studio.is_some() {
                plane.want_key_frames();
            }
        }
        let newest = plane.holders.iter().max().copied().unwrap_or(id);
        let epoch = self.links.get(&newest).map(|link| link.seen.epoch).unwrap_or_default();
        let (published, mut back) = (&mut self.published, Vec::new());
        plane.pump(cx, |label, frame| {
            back.push(frame.clone());
            published.push(Published { at: age, epoch, label: label.into(), frame });
        });
        if back.is_empty() {
            return;
        }
        back.iter().for_each(|frame| plane.count(frame, false));
        if let Some(studio) = &self.studio {
            let repainted: Vec<_> = back.iter().filter_map(|frame| studio.repaint(instance, frame)).collect();
            for frame in repainted {
                self.send_frame(id, &frame);
            }
        }
        self.notify();
    }

    /// Sends a frame to the holders of a link's media plane, the newest first: it may switch
    /// the receiver over, and then the older ones must come too late.
    pub(crate) fn send_frame(&mut self, id: LinkId, frame: &EncodedFrame) -> bool {
        self.send(id, None, frame)
    }

    /// As [`send_frame`](Self::send_frame), of a member's track.
    pub(crate) fn send_track_frame(&mut self, id: LinkId, of: &TrackId, frame: &EncodedFrame) -> bool {
        self.send(id, Some(of), frame)
    }

    fn send(&mut self, id: LinkId, of: Option<&TrackId>, frame: &EncodedFrame) -> bool {
        let now = Instant::now();
        let Some(plane) = self.links.get(&id).and_then(|link| self.planes.get(&link.media)) else {
            return false;
        };
        if !plane.carries() {
            return false;
        }
        let mut holders = plane.holders.clone();
        holders.sort_unstable_by(|a, b| b.cmp(a));
        let (mut taken, mut counted) = (false, false);
        for holder in holders {
            let Some(link) = self.links.get_mut(&holder) else { continue };
            if link.silent.media {
                continue;
            }
            if !std::mem::replace(&mut counted, true)
                && let Some(plane) = self.planes.get_mut(&link.media)
            {
                plane.count(frame, true);
            }
            taken |= link.sink.as_ref().is_some_and(|sink| match of {
                Some(of) => sink.push_track(of, frame),
                None => sink.push(frame),
            });
            if link.up && !link.knows_media_lost && link.saw_frame(now) {
                self.happen(holder, Duration::ZERO, Happening::Report(Event::Alive(Plane::Media)));
            }
        }
        taken
    }

    /// The welcome of a far side that has nothing against anybody.
    pub(crate) fn welcome(&self, seen: &DialSeen) -> Up {
        let session = session_id(&seen.session);
        let secret = Secret::new(format!("mock-key-{}", seen.epoch));
        let acked = match seen.plan {
            Plan::Resume { .. } => self.acked.get(&seen.instance).copied(),
            Plan::Join { .. } | Plan::Rejoin { .. } | Plan::Migrate { .. } => None,
        };
        Up {
            key: Some(ResumeKey { session: session.clone(), secret }),
            session,
            resumed: !matches!(seen.plan, Plan::Join { resume: None }),
            capabilities: everything(),
            liveness: None,
            resume_window: Some(Duration::from_secs(25)),
            acked,
            roster: vec![Member {
                id: seen.instance.to_string(),
                name: "me".into(),
                away: false,
                tracks: Vec::new(),
            }],
            to_follow: Vec::new(),
            video: None,
            models: Vec::new(),
            generating: None,
        }
    }
}

/// The far side's own name of a session.
pub(crate) fn session_id(session: &SessionRef) -> String {
    format!("mock-{}-{}", session.kind, session.id)
}
