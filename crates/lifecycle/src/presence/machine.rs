//! The rows of the presence machine: what each input and each deadline does, state by state.

use super::{Input, Machine, Output, State, Timer, Timers};
use crate::{Class, CredentialWhy, Epoch, Fault, JoinErrorKind};
use std::time::Duration;

impl Machine {
    pub(super) fn take(&mut self, input: Input) {
        let heard = match input {
            Input::Want => self.want(),
            Input::Unwant => self.unwant(),
            Input::Rings(stand) => self.rings_stand(stand),
            Input::Opened { epoch, ping, silence } => self.opened(epoch, ping, silence),
            Input::Heard { epoch, ring } => self.heard(epoch, ring),
            Input::Lost { epoch, fault } => self.admits(epoch) && self.lost(fault),
            Input::Refused { epoch, why, retry_after } => self.refused(epoch, why, retry_after),
            Input::NeedCredential { epoch, why } => self.need_credential(epoch, why),
            Input::CredentialRefreshed(credential) => {
                self.credential = Some(credential);
                match self.state {
                    State::Asking | State::Refused => self.go(),
                    State::Off | State::Dialling | State::Up | State::Waiting | State::Offline => true,
                }
            }
            Input::CredentialDenied => {
                self.state == State::Asking && self.refuse(JoinErrorKind::Unauthorized)
            }
            Input::NetworkDown => std::mem::replace(&mut self.network_up, false) && self.rest(),
            Input::NetworkUp => !std::mem::replace(&mut self.network_up, true) && self.network_back(),
            Input::NetworkChanged => {
                self.network_up = true;
                self.network_back()
            }
            Input::Suspend => !std::mem::replace(&mut self.asleep, true) && self.rest(),
            Input::Unsuspend => std::mem::replace(&mut self.asleep, false) && self.network_back(),
            Input::Woke => self.woke(),
        };
        self.ignored += u64::from(!heard);
    }

    pub(super) fn due(&mut self, timer: Timer, late: Duration) {
        match timer {
            Timer::Dial => {
                self.lost(Fault::TimedOut);
            }
            Timer::Wait => {
                self.go();
            }
            // A provider that is late may answer the next time.
            Timer::Credential => self.wait(None, self.policy.backoff_ceiling(self.tries)),
            Timer::Ping => {
                self.outputs.push_back(Output::Ping { epoch: self.epoch });
                self.timers.set(Timer::Ping, self.now.plus(self.ping));
            }
            // Not the link but the process was asleep: ask before judging, once.
            Timer::Silence if late >= self.policy.stall && !self.excused => {
                self.excused = true;
                self.probe();
            }
            Timer::Silence => {
                self.lost(Fault::Silent);
            }
            Timer::Ask => {
                self.outputs.push_back(Output::AskRings { epoch: self.epoch });
                self.timers.set(Timer::Ask, self.now.plus(self.policy.ring_ask));
            }
            Timer::Healthy => {
                self.tries = 0;
                self.refreshed = false;
            }
            Timer::Grant => {}
        }
    }

    fn want(&mut self) -> bool {
        let news = !std::mem::replace(&mut self.wanted, true) || self.state == State::Refused;
        if news {
            (self.tries, self.refreshed) = (0, false);
            self.go();
        }
        news
    }

    fn unwant(&mut self) -> bool {
        let news = std::mem::replace(&mut self.wanted, false);
        if news {
            self.drop_link();
            self.enter(State::Off);
        }
        news
    }

    fn rings_stand(&mut self, stand: bool) -> bool {
        let news = std::mem::replace(&mut self.rings, stand) != stand;
        if !stand {
            self.timers.clear(Timer::Ask);
        } else if self.state == State::Up && news {
            self.timers.set(Timer::Ask, self.now.plus(self.policy.ring_ask));
        }
        news
    }

    fn opened(&mut self, epoch: Epoch, ping: Option<Duration>, silence: Option<Duration>) -> bool {
        if self.state != State::Dialling || epoch != self.epoch {
            return false;
        }
        self.timers.clear(Timer::Dial);
        // A far side that wants pings without a pause would be served without a pause.
        self.ping = ping.unwrap_or(self.policy.ping).max(self.policy.backoff_base);
        self.silence = silence.unwrap_or(self.policy.silence).max(self.policy.backoff_base);
        self.refusal = None;
        self.enter(State::Up);
        self.timers.set(Timer::Healthy, self.now.plus(self.policy.healthy));
        self.alive();
        if self.rings {
            self.timers.set(Timer::Ask, self.now.plus(self.policy.ring_ask));
        }
        true
    }

    fn heard(&mut self, epoch: Epoch, ring: bool) -> bool {
        if self.state != State::Up || epoch != self.epoch {
            return false;
        }
        self.alive();
        if ring && self.rings {
            self.timers.set(Timer::Ask, self.now.plus(self.policy.ring_ask));
        }
        true
    }

    fn alive(&mut self) {
        self.excused = false;
        self.timers.set(Timer::Ping, self.now.plus(self.ping));
        self.timers.set(Timer::Silence, self.now.plus(self.silence));
    }

    fn lost(&mut self, fault: Fault) -> bool {
        self.drop_link();
        let ceiling = match fault {
            // Its clients must not come back as one (E10).
            Fault::ServerRestart => self.policy.restart_spread,
            _ => self.policy.backoff_ceiling(self.tries),
        };
        self.wait(None, ceiling);
        true
    }

    fn refused(&mut self, epoch: Epoch, why: JoinErrorKind, retry_after: Option<Duration>) -> bool {
        if !self.admits(epoch) {
            return false;
        }
        self.drop_link();
        match why.class() {
            Class::Fatal => self.refuse(why),
            Class::Busy | Class::Transient => {
                self.refusal = Some(why);
                self.wait(retry_after, self.policy.backoff_ceiling(self.tries));
                true
            }
        }
    }

    fn need_credential(&mut self, epoch: Epoch, why: CredentialWhy) -> bool {
        if self.state != State::Dialling || epoch != self.epoch {
            return false;
        }
        self.drop_link();
        if std::mem::replace(&mut self.refreshed, true) {
            return self.refuse(JoinErrorKind::Unauthorized);
        }
        self.enter(State::Asking);
        self.timers.set(Timer::Credential, self.now.plus(self.policy.credential));
        self.outputs.push_back(Output::AskCredential { why });
        true
    }

    /// No network, or no machine awake: nothing is held and nothing is tried.
    fn rest(&mut self) -> bool {
        match self.state {
            State::Off | State::Offline | State::Refused => {}
            State::Dialling | State::Up | State::Waiting | State::Asking => {
                self.drop_link();
                self.enter(State::Offline);
            }
        }
        true
    }

    /// A network that comes and goes must not make us dial each time.
    fn network_back(&mut self) -> bool {
        match self.state {
            State::Off | State::Refused | State::Asking => return true,
            State::Dialling | State::Up | State::Waiting | State::Offline => {}
        }
        if !self.network_up || self.asleep {
            return true;
        }
        self.drop_link();
        if self.timers.is_set(Timer::Grant) {
            self.wait(None, self.policy.backoff_ceiling(self.tries));
        } else {
            self.timers.set(Timer::Grant, self.now.plus(self.policy.network_grant));
            self.go();
        }
        true
    }

    fn woke(&mut self) -> bool {
        match self.state {
            State::Up => self.probe(),
            State::Dialling => {
                self.drop_link();
                self.go();
            }
            State::Waiting => {
                self.go();
            }
            State::Off | State::Asking | State::Offline | State::Refused => return false,
        }
        true
    }

    fn probe(&mut self) {
        self.outputs.push_back(Output::Ping { epoch: self.epoch });
        self.timers.set(Timer::Ping, self.now.plus(self.ping));
        self.timers.set(Timer::Silence, self.now.plus(self.policy.probe));
    }

    fn refuse(&mut self, why: JoinErrorKind) -> bool {
        self.refusal = Some(why);
        self.enter(State::Refused);
        true
    }

    /// Dials, or stays where no dial could be made.
    fn go(&mut self) -> bool {
        if !self.wanted {
            self.enter(State::Off);
        } else if !self.network_up || self.asleep {
            self.enter(State::Offline);
        } else {
            self.epoch = self.epoch.next();
            self.enter(State::Dialling);
            self.timers.set(Timer::Dial, self.now.plus(self.policy.signaling_open));
            self.outputs.push_back(Output::Dial { epoch: self.epoch, credential: self.credential });
        }
        true
    }

    fn wait(&mut self, not_before: Option<Duration>, ceiling: Duration) {
        self.tries = self.tries.saturating_add(1);
        self.enter(State::Waiting);
        let wait = not_before.unwrap_or_default().saturating_add(self.jitter.upto(ceiling));
        self.timers.set(Timer::Wait, self.now.plus(wait));
    }

    fn drop_link(&mut self) {
        if matches!(self.state, State::Dialling | State::Up) {
            self.outputs.push_back(Output::Close { epoch: self.epoch });
        }
    }

    /// Every deadline belongs to its state, save the grant, which counts dials over all of them.
    fn enter(&mut self, state: State) {
        let grant = self.timers.0[Timer::Grant as usize];
        self.timers = Timers::default();
        self.timers.0[Timer::Grant as usize] = grant;
        if std::mem::replace(&mut self.state, state) != state {
            self.outputs.push_back(Output::Report(state));
        }
    }
}
