//! A transport that breaks one rule, to show that the suite's checks can fail.

use offhook_transport::media::{Gate, LocalTrack, Tap, TrackSender, local};
use offhook_transport::{
    Action, Capabilities, Connection, Content, DialRequest, EndCode, Epoch, Event, Fault, FaultKind, Full,
    InstanceId, NetworkFact, NetworkWatch, Plan, Plane, Presence, PresenceConnection, RefusalItem,
    RefusedCode, Revision, Transport, Verdict,
};
use offhook_transport_mock::MockTransport;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Breach {
    PollsInDial,
    UpTwice,
    NoProgress,
    CarriedBeforeUp,
    NoUp,
    NoAlive,
    NoSent,
    LeaksOnDrop,
    NoFailure,
    AcksAnotherRevision,
    NamesNoItem,
    ClosedTwice,
    FullAfterClose,
    EndlessQueue,
    DeafToGoodbye,
    AnswersItself,
    EndedTwice,
    FailsAfterRefusal,
    RefusesForUnreachable,
    PanicsOnGarbage,
    LosesMediaWithSignaling,
    InheritsNothing,
    RestartsNoIce,
    HidesItsEpoch,
    FailedDialTakesAll,
    RejoinEndsOld,
    DeafToRestart,
    GoAwayIsTheEnd,
    SwapsFrames,
    TakesNoFrames,
    IgnoresGate,
    NeverCarries,
    KeepsTheTrack,
    CriesWolf,
    KeepsWatching,
    PresentUnasked,
    PresentTwice,
    PresentWithoutPulse,
    KnowsNothingOfRings,
    LostForRefused,
    RefusedForLost,
    LastWordTwice,
    KeepsPresence,
}

pub(crate) struct Breaking {
    pub(super) breach: Breach,
    pub(super) inner: MockTransport,
    pub(super) shared: Arc<Shared>,
}

#[derive(Default)]
pub(super) struct Shared {
    leaked: Mutex<Vec<Box<dyn Connection>>>,
    taps: Mutex<Vec<Tap>>,
    watches: Mutex<Vec<Box<dyn NetworkWatch>>>,
    pub(super) presences: Mutex<Vec<Box<dyn PresenceConnection>>>,
    struck: AtomicBool,
    dials: AtomicU32,
}

impl Breaking {
    pub(crate) fn new(breach: Breach, inner: MockTransport) -> Self {
        Self { breach, inner, shared: Arc::default() }
    }
}

impl Transport for Breaking {
    fn name(&self) -> &'static str {
        "breaking"
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn dial(&self, mut request: DialRequest) -> Box<dyn Connection> {
        let second = request.epoch.0 > 1;
        let mut swapped = None;
        match self.breach {
            Breach::InheritsNothing => request.inherit = None,
            Breach::RestartsNoIce => {
                if let Plan::Resume { restart_ice, .. } = &mut request.plan {
                    *restart_ice = false;
                }
            }
            Breach::HidesItsEpoch => {
                request.epoch = Epoch(100 + self.shared.dials.fetch_add(1, Ordering::SeqCst));
            }
            Breach::TakesNoFrames => request.media.sink = None,
            Breach::IgnoresGate => {
                request.media.gate = Gate::new();
                request.media.gate.open();
            }
            Breach::KeepsTheTrack => {
                let kept = request.media.publish.iter().map(LocalTrack::tap);
                self.shared.taps.lock().expect("no test holds it and panics").extend(kept);
            }
            Breach::SwapsFrames => {
                if let Some(track) = request.media.publish.first_mut() {
                    let (sender, swapping) = local(track.spec().clone());
                    let track: LocalTrack = std::mem::replace(track, swapping);
                    swapped = Some(Swapped { tap: track.tap(), sender, kept: None });
                }
            }
            Breach::RejoinEndsOld if second => self.shared.struck.store(true, Ordering::SeqCst),
            _ => {}
        }
        let mut inner = self.inner.dial(request);
        let mut queue = VecDeque::new();
        if self.breach == Breach::PollsInDial
            && let Poll::Ready(Some(event)) = inner.poll_next(&mut Context::from_waker(Waker::noop()))
        {
            queue.push_back(event);
        }
        let (breach, shared) = (self.breach, self.shared.clone());
        Box::new(BreakingConnection {
            breach,
            inner: Some(inner),
            queue,
            shared,
            second,
            begun: false,
            closed: false,
            swapped,
        })
    }

    fn presence(&self) -> Option<&dyn Presence> {
        Some(self)
    }

    fn watch_network(&self, instance: InstanceId) -> Option<Box<dyn NetworkWatch>> {
        let inner = self.inner.watch_network(instance);
        Some(Box::new(BreakingWatch { breach: self.breach, inner, shared: self.shared.clone() }))
    }
}

/// The network of the inner transport, as the breaking one tells of it.
struct BreakingWatch {
    breach: Breach,
    inner: Option<Box<dyn NetworkWatch>>,
    shared: Arc<Shared>,
}

impl NetworkWatch for BreakingWatch {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<NetworkFact>> {
        if self.breach == Breach::CriesWolf {
            return Poll::Ready(Some(NetworkFact::Changed));
        }
        self.inner.as_mut().map_or(Poll::Ready(None), |inner| inner.poll_next(cx))
    }
}

impl Drop for BreakingWatch {
    fn drop(&mut self) {
        if self.breach == Breach::KeepsWatching {
            self.shared.watches.lock().expect("no test holds it and panics").extend(self.inner.take());
        }
    }
}

struct Swapped {
    tap: Tap,
    sender: TrackSender,
    kept: Option<offhook_transport::media::EncodedFrame>,
}

struct BreakingConnection {
    breach: Breach,
    inner: Option<Box<dyn Connection>>,
    queue: VecDeque<Event>,
    shared: Arc<Shared>,
    second: bool,
    begun: bool,
    closed: bool,
    swapped: Option<Swapped>,
}

impl BreakingConnection {
    /// What becomes of one report of the good transport.
    fn distort(&mut self, event: Event) -> Vec<Event> {
        match (self.breach, event) {
            (Breach::UpTwice, up @ Event::Up(_)) => vec![up.clone(), up],
            (Breach::NoProgress, Event::Progress(_))
            | (Breach::NoUp, Event::Up(_))
            | (Breach::NeverCarries, Event::Carried(_))
            | (Breach::NoAlive, Event::Alive(_))
            | (Breach::NoSent, Event::Content(Content::Sent { .. }))
            | (Breach::NoFailure, Event::DialFailed(_) | Event::PlaneLost(..)) => vec![],
            (Breach::CarriedBeforeUp, up @ Event::Up(_)) => vec![Event::Carried(Plane::Signaling), up],
            (Breach::AcksAnotherRevision, Event::Acked { revision, verdict }) => {
                vec![Event::Acked { revision: Revision(revision.0 + 100), verdict }]
            }
            (Breach::NamesNoItem, Event::Acked { revision, verdict: Verdict::Refused { text, .. } }) => {
                vec![Event::Acked { revision, verdict: Verdict::Refused { item: RefusalItem::Other, text } }]
            }
            (Breach::NamesNoItem, Event::Refused { code, retry_after, queue_position, text, .. }) => {
                vec![Event::Refused {
                    code,
                    retry_after,
                    queue_position,
                    text,
                    item: None,
                    known: Vec::new(),
                }]
            }
            (Breach::ClosedTwice, Event::Closed) => vec![Event::Closed, Event::Closed],
            (Breach::EndedTwice, end @ Event::Ended { .. }) => vec![end.clone(), end],
            (Breach::FailsAfterRefusal, no @ Event::Refused { .. }) => {
                vec![no, Event::DialFailed(Fault::new(FaultKind::Closed))]
            }
            (Breach::RefusesForUnreachable, Event::DialFailed(_)) => vec![Event::Refused {
                code: RefusedCode::Internal,
                retry_after: None,
                queue_position: None,
                text: String::new(),
                item: None,
                known: Vec::new(),
            }],
            (Breach::PanicsOnGarbage, Event::DialFailed(_)) => panic!("garbage on the wire"),
            (Breach::LosesMediaWithSignaling, lost @ Event::PlaneLost(Plane::Signaling, _)) => {
                vec![lost, Event::PlaneLost(Plane::Media, Fault::new(FaultKind::Closed))]
            }
            (Breach::FailedDialTakesAll, no @ Event::ResumeRefused(_)) => {
                self.shared.struck.store(true, Ordering::SeqCst);
                vec![no]
            }
            (Breach::GoAwayIsTheEnd, move_on @ Event::GoAway(_)) => vec![
                move_on,
                Event::Ended { code: EndCode::ServerRotation, text: String::new(), may_retry: true },
            ],
            (_, event) => vec![event],
        }
    }

    fn swap_frames(&mut self, cx: &mut Context<'_>) {
        let Some(Swapped { tap, sender, kept }) = &mut self.swapped else { return };
        while let Poll::Ready(Some(frame)) = tap.poll_next(cx) {
            if frame.key {
                sender.try_send(frame);
            } else if let Some(first) = kept.take() {
                sender.try_send(frame);
                sender.try_send(first);
            } else {
                *kept = Some(frame);
            }
        }
    }
}

impl Connection for BreakingConnection {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        if !std::mem::replace(&mut self.begun, true) && self.breach == Breach::AnswersItself {
            return Poll::Ready(Some(Event::Answered));
        }
        self.swap_frames(cx);
        if !self.second && !self.closed && self.shared.struck.swap(false, Ordering::SeqCst) {
            let gone = Event::PlaneLost(Plane::Media, Fault::new(FaultKind::Closed));
            let replaced = Event::Ended { code: EndCode::Replaced, text: String::new(), may_retry: false };
            let told = if self.breach == Breach::RejoinEndsOld { replaced } else { gone };
            return Poll::Ready(Some(told));
        }
        loop {
            if let Some(event) = self.queue.pop_front() {
                return Poll::Ready(Some(event));
            }
            let Some(inner) = &mut self.inner else { return Poll::Ready(None) };
            match inner.poll_next(cx) {
                Poll::Ready(Some(event)) => {
                    let told = self.distort(event);
                    self.queue.extend(told);
                }
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn act(&mut self, action: Action) -> Result<(), Full> {
        let Some(inner) = &mut self.inner else { return Ok(()) };
        match (self.breach, &action) {
            (Breach::FullAfterClose, _) if self.closed => Err(Full(action)),
            (Breach::DeafToGoodbye, Action::Goodbye) | (Breach::DeafToRestart, Action::RestartIce) => Ok(()),
            (Breach::EndlessQueue, _) => {
                let _ = inner.act(action);
                Ok(())
            }
            _ => inner.act(action),
        }
    }

    fn close(&mut self) {
        self.closed = true;
        if let Some(inner) = &mut self.inner {
            inner.close();
        }
    }
}

impl Drop for BreakingConnection {
    fn drop(&mut self) {
        if self.breach == Breach::LeaksOnDrop
            && let Some(inner) = self.inner.take()
        {
            self.shared.leaked.lock().expect("no test holds it and panics").push(inner);
        }
    }
}
