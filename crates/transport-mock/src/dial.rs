//! One dial as the far side sees it, and the hand that answers it.

use crate::link::{Happening, LinkId};
use crate::world::World;
use offhook_transport::media::{EncodedFrame, Kind, TrackId, TrackSpec, VideoWanted};
use offhook_transport::{
    Action, Content, CredentialWhy, Desired, DialRequest, EndCode, Epoch, Event, Fault, FaultKind,
    Generation, GoAwayHint, InstanceId, MemberChange, ModerationRefusal, Mood, Plan, Plane, Progress,
    RefusalItem, RefusedCode, ResumeRefusal, Revision, Secret, SessionRef, Target, Unsent, Up, Verdict,
};
use std::sync::Arc;
use std::time::Duration;

/// What a dial brought along.
#[derive(Clone, Debug)]
pub struct DialSeen {
    /// The plan.
    pub plan: Plan,
    /// Its number.
    pub epoch: Epoch,
    /// Whose living planes it takes over.
    pub inherit: Option<Epoch>,
    /// Who dials.
    pub instance: InstanceId,
    /// Which session.
    pub session: SessionRef,
    /// Where to, if not to the configured address.
    pub target: Option<Target>,
    /// The credential shown.
    pub credential: Option<Secret>,
    /// The ticket of a ring, if it was shown one.
    pub join_ticket: Option<Secret>,
    /// The desired state it carries.
    pub desired: Desired,
    /// The revision that `desired` is.
    pub revision: Revision,
    /// The model wanted.
    pub model: Option<String>,
    /// Receive only?
    pub viewer: bool,
    /// Would it wait in a queue?
    pub wait_in_queue: bool,
    /// What it publishes.
    pub publishes: Vec<TrackSpec>,
    /// The deadline of its own steps.
    pub open_timeout: Duration,
}

impl DialSeen {
    pub(crate) fn of(request: &DialRequest) -> Self {
        Self {
            plan: request.plan.clone(),
            epoch: request.epoch,
            inherit: request.inherit,
            instance: request.instance,
            session: request.session.clone(),
            target: request.target.clone(),
            credential: request.credential.clone(),
            join_ticket: request.join_ticket.clone(),
            desired: request.desired.clone(),
            revision: request.revision,
            model: request.model.clone(),
            viewer: request.viewer,
            wait_in_queue: request.wait_in_queue,
            publishes: request.media.publish.iter().map(|track| track.spec().clone()).collect(),
            open_timeout: request.open_timeout,
        }
    }
}

/// One dial in the hand of a test: every method is something the far side does, or something
/// that befalls the network.
///
/// Cloning shares the dial. After the client closed it, every method does nothing. By itself
/// an accepted link answers pings and goodbyes and nothing else; [`silence`](Self::silence)
/// stops even that.
#[derive(Clone, Debug)]
pub struct MockDial {
    world: Arc<World>,
    id: LinkId,
    seen: Arc<DialSeen>,
}

impl MockDial {
    pub(crate) fn new(world: Arc<World>, id: LinkId, seen: Arc<DialSeen>) -> Self {
        Self { world, id, seen }
    }

    /// What it brought along.
    pub fn seen(&self) -> &DialSeen {
        &self.seen
    }

    /// Its plan.
    pub fn plan(&self) -> &Plan {
        &self.seen.plan
    }

    /// Its number.
    pub fn epoch(&self) -> Epoch {
        self.seen.epoch
    }

    /// Did the client let go of it?
    pub fn is_closed(&self) -> bool {
        self.world.with_link(self.id, |link| link.closed).unwrap_or(true)
    }

    /// The next action of the client on this link, those that came before the close included;
    /// `None` once it is closed and all were taken.
    ///
    /// # Cancel safety
    /// No action is lost.
    pub async fn action(&self) -> Option<Arc<Action>> {
        self.world
            .wait(|inner| match inner.link_mut(self.id) {
                None => Some(None),
                Some(link) => match link.take_action() {
                    Some(action) => Some(Some(action)),
                    None if link.closed => Some(None),
                    None => None,
                },
            })
            .await
    }

    /// Waits until the client let go of it.
    pub async fn closed(&self) {
        self.world.wait(|inner| inner.link_mut(self.id).is_none_or(|link| link.closed).then_some(())).await;
    }

    // The join.

    /// Lets it in with everything in order: answered, connecting, up, both planes carried, the
    /// carried desired state acked.
    pub fn accept(&self) {
        self.answer();
        if matches!(self.seen.plan, Plan::Join { .. }) {
            self.progress(Progress::Connecting);
        }
        self.up(self.a_welcome());
        self.carried(Plane::Signaling);
        if !matches!(self.seen.plan, Plan::Resume { .. }) {
            self.ack(self.seen.revision);
        }
        self.carried(Plane::Media);
    }

    /// The `Up` that [`accept`](Self::accept) sends, for tests that change it first.
    pub fn a_welcome(&self) -> Up {
        self.world.lock().welcome(&self.seen)
    }

    /// Answers the dial, whatever comes after.
    pub fn answer(&self) {
        self.report(Event::Answered);
    }

    /// One step of the join.
    pub fn progress(&self, progress: Progress) {
        self.report(Event::Progress(progress));
    }

    /// Puts it in the queue at this place; 1 is next.
    pub fn queue(&self, position: u32) {
        self.progress(Progress::Searching { queue_position: Some(position), eta: None });
    }

    /// Lets it in, and nothing more.
    pub fn up(&self, up: Up) {
        self.report(Event::Up(Box::new(up)));
    }

    /// Proof that the plane carries.
    pub fn carried(&self, plane: Plane) {
        self.report(Event::Carried(plane));
    }

    /// Says no, for good; the connection then closes.
    pub fn refuse(&self, code: RefusedCode) {
        self.refuse_with(code, None, None, "");
    }

    /// Says no, with all a far side may add.
    pub fn refuse_with(
        &self,
        code: RefusedCode,
        retry_after: Option<Duration>,
        queue_position: Option<u32>,
        text: &str,
    ) {
        let text = text.into();
        self.report(Event::Refused {
            code,
            retry_after,
            queue_position,
            text,
            item: None,
            known: Vec::new(),
        });
    }

    /// Refuses the initial state that the dial carried.
    pub fn refuse_initial(&self, item: RefusalItem, text: &str) {
        self.report(Event::Refused {
            code: RefusedCode::InitialState,
            retry_after: None,
            queue_position: None,
            text: text.into(),
            item: Some(item),
            known: Vec::new(),
        });
    }

    /// No resume.
    pub fn refuse_resume(&self, why: ResumeRefusal) {
        self.report(Event::ResumeRefused(why));
    }

    /// The dial fails below: the far side was never reached.
    pub fn fail(&self, kind: FaultKind) {
        self.report(Event::DialFailed(Fault::new(kind)));
    }

    /// Asks for a credential.
    pub fn need_credential(&self, why: CredentialWhy) {
        self.report(Event::NeedCredential(why));
    }

    // The desired state.

    /// Has the client's state up to this revision.
    pub fn ack(&self, revision: Revision) {
        self.report(Event::Acked { revision, verdict: Verdict::Applied });
    }

    /// Does not take the revision.
    pub fn refuse_revision(&self, revision: Revision, item: RefusalItem, text: &str) {
        self.report(Event::Acked { revision, verdict: Verdict::Refused { item, text: text.into() } });
    }

    // The network.

    /// The plane is gone, and the client notices. A shared media plane is gone for every
    /// connection that holds it; before it was let in, a dial fails with the fault.
    pub fn lose(&self, plane: Plane, kind: FaultKind) {
        self.world.happen(self.id, Happening::Lose(plane, Fault::new(kind)));
    }

    /// [`lose`](Self::lose), when so much time has passed; what was reported before comes first.
    pub fn lose_after(&self, after: Duration, plane: Plane, kind: FaultKind) {
        let lose = Happening::Lose(plane, Fault::new(kind));
        self.world.lock().happen(self.id, after, lose);
    }

    /// From now on nothing is answered on the plane; the client is not told.
    pub fn silence(&self, plane: Plane) {
        self.world.with_link(self.id, |link| link.silent.set(plane, true));
    }

    /// Ends a [`silence`](Self::silence).
    pub fn speak(&self, plane: Plane) {
        self.world.with_link(self.id, |link| link.silent.set(plane, false));
    }

    /// An older plane, judged lost, shows life.
    pub fn path_alive(&self) {
        self.report(Event::PathAlive);
    }

    /// Stops reading: the client's actions fill its own queue.
    pub fn stall(&self) {
        self.world.with_link(self.id, |link| link.stalled = true);
    }

    /// Reads again.
    pub fn unstall(&self) {
        self.world.with_link(self.id, |link| {
            link.stalled = false;
            if let Some(waker) = link.waker.take() {
                waker.wake();
            }
        });
    }

    /// Sends something that is no message of the protocol. The transport closes the socket:
    /// the dial fails, or the signaling plane is lost, with [`FaultKind::Protocol`].
    pub fn garble(&self) {
        self.lose(Plane::Signaling, FaultKind::Protocol);
    }

    /// Every later report comes this much later.
    pub fn delay(&self, by: Duration) {
        self.world.with_link(self.id, |link| link.delay = by);
    }

    /// Holds every later report back until [`release`](Self::release).
    pub fn hold(&self) {
        self.world.with_link(self.id, |link| {
            link.held.get_or_insert_default();
        });
    }

    /// Lets the held reports go in the order the closure puts them. A host must stand any.
    pub fn release(&self, order: impl FnOnce(&mut Vec<Event>)) {
        let held = self.world.with_link(self.id, |link| link.held.take()).flatten().unwrap_or_default();
        let (mut events, mut others) = (Vec::new(), Vec::new());
        for happening in held {
            match happening {
                Happening::Report(event) => events.push(event),
                other => others.push(other),
            }
        }
        order(&mut events);
        for event in events {
            self.report(event);
        }
        for other in others {
            self.world.happen(self.id, other);
        }
    }

    // The session.

    /// Asks the client to move.
    pub fn go_away(&self, hint: GoAwayHint) {
        self.report(Event::GoAway(hint));
    }

    /// Removes the client: [`EndCode::Kicked`].
    pub fn kick(&self, text: &str) {
        self.end_with(EndCode::Kicked, text, false);
    }

    /// Ends the session; trying again makes sense, unless the code speaks against it.
    pub fn end(&self, code: EndCode) {
        let may_retry = !matches!(
            code,
            EndCode::Kicked
                | EndCode::Replaced
                | EndCode::Moderated
                | EndCode::Unauthorized
                | EndCode::Unsupported
                | EndCode::OutOfCredit
        );
        self.end_with(code, "", may_retry);
    }

    /// Ends the session.
    pub fn end_with(&self, code: EndCode, text: &str, may_retry: bool) {
        self.report(Event::Ended { code, text: text.into(), may_retry });
    }

    /// Something about generation.
    pub fn generation(&self, generation: Generation) {
        self.content(Content::Generation(generation));
    }

    /// Somebody came, went or changed.
    pub fn member(&self, change: MemberChange) {
        self.content(Content::Member(change));
    }

    /// A custom message from another member.
    pub fn message(&self, from: &str, topic: &str, payload: impl Into<bytes::Bytes>) {
        self.content(Content::Message { from: from.into(), topic: topic.into(), payload: payload.into() });
    }

    /// A reaction of another member.
    pub fn reaction(&self, from: &str, reaction: &str) {
        self.content(Content::Reaction { from: from.into(), reaction: reaction.into() });
    }

    /// What the far side of the conversation is doing from now on.
    pub fn conversation(&self, mood: Mood) {
        self.content(Content::Conversation(mood));
    }

    /// What the far side of the conversation says, as text.
    pub fn says(&self, text: &str) {
        self.answers(&[], text);
    }

    /// What it says in answer to these words of the user's, by their ids.
    pub fn answers(&self, words: &[u64], text: &str) {
        self.content(Content::Said { text: text.into(), answers: words.into() });
    }

    /// Takes a message, reaction or words: the receipt.
    pub fn take(&self, id: u64) {
        self.content(Content::Sent { id });
    }

    /// Takes a message to nobody: these members are not there, or another reason says why.
    pub fn refuse_message(&self, id: u64, why: Unsent, members: &[&str], text: &str) {
        let members = members.iter().map(ToString::to_string).collect();
        self.content(Content::Unsent { id, why, members, text: text.into() });
    }

    /// Does what a moderator asked for, whatever that is to a test.
    pub fn moderated(&self, id: u64) {
        self.content(Content::Moderated { id, refused: None });
    }

    /// Does not do what a moderator asked for.
    pub fn refuse_moderation(&self, id: u64, why: ModerationRefusal, text: &str) {
        self.content(Content::Moderated { id, refused: Some((why, text.into())) });
    }

    /// A moderator mutes a kind of what this client sends, or takes that back; it may unmute itself.
    pub fn mute(&self, by: &str, kind: Kind, muted: bool) {
        self.content(Content::Muted { by: by.into(), kind, muted, may_unmute: true });
    }

    /// From here on it wants video of this size and rate.
    pub fn wants(&self, video: VideoWanted) {
        self.content(Content::VideoWanted(video));
    }

    /// Any content.
    pub fn content(&self, content: Content) {
        self.report(Event::Content(content));
    }

    /// Any report at all, in any order, also one that a well-behaved transport would never
    /// give: a host must stand it.
    pub fn report(&self, event: Event) {
        self.world.happen(self.id, Happening::Report(event));
    }

    // Media.

    /// Sends a frame to the client on this link's media plane; false where that is dead, or
    /// the client takes nothing.
    pub fn send_frame(&self, frame: &EncodedFrame) -> bool {
        self.world.lock().send_frame(self.id, frame)
    }

    /// As [`send_frame`](Self::send_frame), of a track that another member publishes: one whose
    /// [`Member::tracks`](offhook_transport::Member) name it, on a link whose welcome has
    /// `Capability::Forwarding`. False also where nobody holds a handle of it.
    pub fn send_track_frame(&self, of: &TrackId, frame: &EncodedFrame) -> bool {
        self.world.lock().send_track_frame(self.id, of, frame)
    }
}
