//! The task of a client's presence: one `select!` loop around the presence machine, which has every
//! deadline. It says what the desk wants said and tells the desk what it hears; it ends when nobody
//! wants it any more.

use super::call::{Say, Side};
use super::{Desk, Level, words};
use crate::client::Config;
use crate::clock::{Clock, SleepWatch};
use crate::contents::Contents;
use crate::credential::{CredentialRequest, ProviderError, Purpose};
use crate::translate;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use offhook_lifecycle::presence::{Input, Machine, Output, State};
use offhook_lifecycle::{CredentialRef, CredentialWhy, Epoch, Fault};
use offhook_transport::{
    InstanceId, PresenceConnection, PresenceEvent, PresenceRequest, RefusedCode, RingAction, RingId,
};
use secrecy::SecretString;
use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// How often the clocks are compared when nothing else happens; it decides nothing.
const CLOCK_CHECK: Duration = Duration::from_secs(2);
/// Connections that may still be closing.
const CLOSING: usize = 2;

pub(super) struct Host {
    desk: Arc<Desk>,
    config: Arc<Config>,
    machine: Machine,
    clock: Clock,
    sleep: SleepWatch,
    contents: Contents,
    device: InstanceId,
    link: Option<(Epoch, Box<dyn PresenceConnection>)>,
    closing: Vec<Box<dyn PresenceConnection>>,
    provider: Option<BoxFuture<'static, Result<SecretString, ProviderError>>>,
    wanted: bool,
    rings: bool,
    span: tracing::Span,
}

impl Host {
    pub(super) fn new(desk: Arc<Desk>, config: Arc<Config>) -> Self {
        let mut contents = Contents::default();
        let credential = config.credentials.fixed.clone().map(|secret| contents.credential(secret));
        let seed = config.seed.unwrap_or_else(|| u64::from_le_bytes(crate::host::random()));
        let machine = Machine::new(config.policy.clone(), seed, credential);
        let device = config.device;
        let sleep = SleepWatch::start(config.clocks.clone());
        let span = tracing::info_span!("presence", %device);
        Self {
            desk,
            config,
            machine,
            clock: Clock::start(),
            sleep,
            contents,
            device,
            link: None,
            closing: Vec::new(),
            provider: None,
            wanted: false,
            rings: false,
            span,
        }
    }

    pub(super) async fn run(mut self) {
        loop {
            tokio::task::coop::consume_budget().await;
            if self.sleep.slept().is_some() {
                self.feed(Input::Woke);
            }
            if !self.look() {
                return;
            }
            self.speak();
            self.turn().await;
        }
    }

    /// What is wanted now. False when nothing is, for good.
    fn look(&mut self) -> bool {
        let mut book = self.desk.lock();
        let facts = std::mem::take(&mut book.facts);
        let again = std::mem::take(&mut book.wanted_again);
        let wanted = book.wanted();
        let rings = book.calls.iter().any(|call| call.ring.is_some()) || !book.waiting.is_empty();
        drop(book);
        facts.into_iter().for_each(|fact| self.feed(fact));
        if wanted != self.wanted || (wanted && again && self.machine.state() == State::Refused) {
            self.wanted = wanted;
            self.feed(if wanted { Input::Want } else { Input::Unwant });
        }
        if rings != self.rings {
            self.rings = rings;
            self.feed(Input::Rings(rings));
        }
        if self.wanted || !self.closing.is_empty() {
            return true;
        }
        // Under the lock: whoever wants something from here on starts another task.
        let mut book = self.desk.lock();
        if book.wanted() {
            return true;
        }
        book.running = false;
        book.level = Level::default();
        let wakers = std::mem::take(&mut book.watchers);
        drop(book);
        wakers.into_iter().for_each(std::task::Waker::wake);
        false
    }

    /// Says what the desk wants said, if there is a link to say it on.
    fn speak(&mut self) {
        if self.machine.state() != State::Up {
            return;
        }
        let Some((_, link)) = &mut self.link else { return };
        let mut book = self.desk.lock();
        for call in &mut book.calls {
            let action = match (call.to_place(), call.wish, &call.ring) {
                (Some(order), ..) => RingAction::Place(order.clone()),
                (None, Some(say), Some(ring)) if !call.said => match say {
                    Say::Accept => RingAction::Accept { ring: ring.clone(), instance: call.instance },
                    Say::Decline(why) => RingAction::Decline { ring: ring.clone(), why: words::decline(why) },
                    Say::Cancel => RingAction::Cancel { ring: ring.clone() },
                    Say::Expire => RingAction::Expire { ring: ring.clone() },
                },
                (None, ..) => continue,
            };
            // A link without room is asked again at its next report.
            if link.act(action).is_err() {
                break;
            }
            call.said = true;
            call.ordered |= matches!(call.side, Side::Outgoing(_));
        }
    }

    async fn turn(&mut self) {
        let check = tokio::time::Instant::now() + CLOCK_CHECK;
        let due = self.machine.poll_timeout().map(|at| self.clock.instant(at));
        let wake = due.map_or(check, |due| due.min(check));
        let provider = &mut self.provider;
        let answer = async {
            match provider {
                Some(call) => call.await,
                None => pending().await,
            }
        };
        let (link, closing, span) = (&mut self.link, &mut self.closing, &self.span);
        let heard = poll_fn(|cx| {
            let _entered = span.enter();
            let before = closing.len();
            closing.retain_mut(|link| {
                while let Poll::Ready(report) = link.poll_next(cx) {
                    if report.is_none() {
                        return false;
                    }
                }
                true
            });
            if closing.len() < before {
                return Poll::Ready(None);
            }
            match link {
                Some((epoch, link)) => link.poll_next(cx).map(|event| Some((*epoch, event))),
                None => Poll::Pending,
            }
        });
        let desk = self.desk.clone();
        tokio::select! {
            () = desk.rung.notified() => {}
            () = tokio::time::sleep_until(wake) => {
                self.machine.wake(self.clock.now());
                self.settle();
            }
            answer = answer => self.provided(answer),
            heard = heard => {
                if let Some((epoch, event)) = heard {
                    self.heard(epoch, event.unwrap_or(PresenceEvent::Closed));
                }
            }
        }
    }

    fn feed(&mut self, input: Input) {
        tracing::trace!(parent: &self.span, input = input.name(), "input");
        self.machine.handle(input, self.clock.now());
        self.settle();
    }

    fn settle(&mut self) {
        while let Some(output) = self.machine.poll_output() {
            match output {
                Output::Dial { epoch, credential } => self.dial(epoch, credential),
                Output::Close { epoch } => self.close(epoch),
                Output::Ping { epoch } => self.act(epoch, RingAction::Ping),
                Output::AskRings { epoch } => self.ask(epoch),
                Output::AskCredential { why } => self.ask_provider(why),
                Output::Report(state) => {
                    tracing::debug!(parent: &self.span, state = state.name(), "presence");
                    self.desk.show(Level { state, refusal: self.machine.refusal() });
                }
            }
        }
    }

    fn dial(&mut self, epoch: Epoch, credential: Option<CredentialRef>) {
        let Some(presence) = self.config.transport.presence() else { return };
        let request = PresenceRequest {
            epoch: translate::outward_epoch(epoch),
            device: self.device,
            credential: credential.and_then(|credential| self.contents.find_credential(credential)),
            open_timeout: self.config.policy.signaling_open,
        };
        let link = self.span.in_scope(|| presence.watch(request));
        self.link = Some((epoch, link));
    }

    fn close(&mut self, epoch: Epoch) {
        if let Some((_, mut link)) = self.link.take_if(|(of, _)| *of == epoch) {
            link.close();
            if self.closing.len() == CLOSING {
                self.closing.remove(0);
            }
            self.closing.push(link);
            self.desk.lost();
        }
    }

    fn act(&mut self, epoch: Epoch, action: RingAction) {
        if let Some((_, link)) = self.link.as_mut().filter(|(of, _)| *of == epoch)
            && link.act(action).is_err()
        {
            tracing::debug!(parent: &self.span, "presence takes nothing just now");
        }
    }

    /// What became of every ring that stands here (F25)?
    fn ask(&mut self, epoch: Epoch) {
        let book = self.desk.lock();
        let named = book.calls.iter().filter_map(|call| call.ring.clone());
        let rings: Vec<RingId> = named.chain(book.waiting.iter().map(|(ring, _)| ring.id.clone())).collect();
        drop(book);
        rings.into_iter().for_each(|ring| self.act(epoch, RingAction::Ask { ring }));
    }

    fn heard(&mut self, epoch: Epoch, event: PresenceEvent) {
        match event {
            PresenceEvent::Up { liveness, rings } => {
                let ping = liveness.map(|liveness| liveness.ping);
                self.feed(Input::Opened { epoch, ping, silence: liveness.map(|liveness| liveness.silence) });
                if self.machine.admits(epoch) {
                    let missing = self.desk.compare(&self.config, rings);
                    missing.into_iter().for_each(|ring| self.act(epoch, RingAction::Ask { ring }));
                }
            }
            PresenceEvent::Alive => self.feed(Input::Heard { epoch, ring: false }),
            PresenceEvent::NeedCredential(why) => {
                self.feed(Input::NeedCredential { epoch, why: translate::credential_why(why) });
            }
            // A fresh credential would do.
            PresenceEvent::Refused { code: RefusedCode::Expired, .. } => {
                self.feed(Input::NeedCredential { epoch, why: CredentialWhy::Expired });
            }
            PresenceEvent::Refused { code, retry_after, text } => {
                tracing::info!(parent: &self.span, code = code.code(), text = %text.escape_debug(), "refused");
                let why = translate::refused(code, retry_after, None, None);
                self.feed(Input::Refused { epoch, why, retry_after });
            }
            PresenceEvent::Lost(fault) => {
                self.feed(Input::Lost { epoch, fault: translate::fault(fault.kind) });
            }
            PresenceEvent::Closed => {
                self.feed(Input::Lost { epoch, fault: Fault::Closed });
                self.link.take_if(|(of, _)| *of == epoch);
            }
            word @ (PresenceEvent::Placed { .. }
            | PresenceEvent::PlaceRefused { .. }
            | PresenceEvent::Ring(_)
            | PresenceEvent::Accepted { .. }
            | PresenceEvent::Gone { .. }) => {
                self.feed(Input::Heard { epoch, ring: true });
                if self.machine.admits(epoch) {
                    self.desk.hear(&self.config, word);
                }
            }
        }
    }

    fn ask_provider(&mut self, why: CredentialWhy) {
        let request = CredentialRequest {
            purpose: match why {
                CredentialWhy::Missing => Purpose::Presence,
                CredentialWhy::Expired => Purpose::Renew,
                CredentialWhy::Refresh => Purpose::Refresh,
            },
            kind: String::new(),
            id: String::new(),
            instance: self.device.to_string(),
        };
        let call = self.config.credentials.provider.as_ref().map(|ask| ask(request));
        self.provider = Some(match call {
            // A provider that panics must not take presence with it.
            Some(call) => std::panic::AssertUnwindSafe(call)
                .catch_unwind()
                .map(|answer| {
                    answer.unwrap_or_else(|_| Err(ProviderError::Denied("the provider panicked".into())))
                })
                .boxed(),
            None => async { Err(ProviderError::Denied("there is no provider".into())) }.boxed(),
        });
    }

    fn provided(&mut self, answer: Result<SecretString, ProviderError>) {
        self.provider = None;
        match answer {
            Ok(secret) => {
                let credential = self.contents.credential(secret);
                self.feed(Input::CredentialRefreshed(credential));
            }
            Err(ProviderError::Denied(why)) => {
                tracing::warn!(parent: &self.span, %why, "no credential will be given for presence");
                self.feed(Input::CredentialDenied);
            }
            // The machine's own deadline for the provider decides.
            Err(ProviderError::Unavailable(why)) => {
                tracing::warn!(parent: &self.span, %why, "no credential could be had for presence now");
            }
        }
    }
}

impl Drop for Host {
    /// The runtime went away, or this task panicked: whoever rings next starts another one.
    fn drop(&mut self) {
        let mut book = self.desk.lock();
        if book.running && !std::mem::replace(&mut self.wanted, false) {
            return;
        }
        book.running = false;
        book.level = Level::default();
        let wakers = std::mem::take(&mut book.watchers);
        drop(book);
        wakers.into_iter().for_each(std::task::Waker::wake);
    }
}
