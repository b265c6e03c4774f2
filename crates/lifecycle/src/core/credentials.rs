//! Credentials: one call to the provider at a time, one that had expired replaced once in an
//! outage, and a dial whose own deadline waits meanwhile. Secrets are the host's.

use super::Core;
use super::timers::Timer;
use crate::{CredentialRef, CredentialWhy, Epoch, JoinErrorKind, Output};

impl Core {
    /// The far side wants a credential. An error when a second one is refused in one outage.
    pub(crate) fn need_credential(&mut self, epoch: Epoch, why: CredentialWhy) -> Result<(), JoinErrorKind> {
        let dialling = self.is_standby(epoch);
        if dialling && why == CredentialWhy::Expired {
            if self.refreshed {
                return Err(JoinErrorKind::Unauthorized);
            }
            self.refreshed = true;
        }
        if dialling && why != CredentialWhy::Refresh {
            self.dial_answered();
            self.pause_dial();
        }
        if !self.asking {
            self.asking = true;
            self.timers.set(Timer::Credential, self.now.plus(self.policy.credential));
            self.outputs.push_back(Output::AskCredential { epoch, why });
        } else if !self.timers.is_set(Timer::Credential) {
            self.timers.set(Timer::Credential, self.now.plus(self.policy.credential));
        }
        Ok(())
    }

    pub(crate) fn credential_refreshed(&mut self, credential: CredentialRef) {
        self.credential = Some(credential);
        self.asking = false;
        self.timers.clear(Timer::Credential);
        let epoch = match (&self.standby, &self.current) {
            (Some(standby), _) => Some(standby.epoch),
            (None, Some(line)) => Some(line.epoch),
            (None, None) => None,
        };
        if let Some(epoch) = epoch {
            self.outputs.push_back(Output::Credential { epoch, credential });
        }
        self.resume_dial();
    }

    /// The provider was silent for too long. True when a dial waited for it.
    pub(crate) fn credential_late(&mut self) -> bool {
        self.asking = false;
        self.dial_left.is_some()
    }

    /// The provider said no. True when a dial waited for it.
    pub(crate) fn credential_denied(&mut self) -> bool {
        self.asking = false;
        self.timers.clear(Timer::Credential);
        self.dial_left.is_some()
    }
}
