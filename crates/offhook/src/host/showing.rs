//! What readers see of a session, and what each line of the log says of it.

use super::Host;
use crate::token::ResumeToken;
use crate::view::Facts;
use offhook_lifecycle::{Epoch, State};
use std::sync::Arc;

/// Is media due in this state?
pub(super) const fn is_live(state: State) -> bool {
    matches!(state, State::Live | State::Migrating)
}

impl Host {
    /// A dial that came up and led to nothing says nothing any more of how things stand: the link that goes on
    /// does again.
    pub(super) fn link_is_gone(&mut self, epoch: Epoch) {
        self.generation_is_gone(epoch);
        if self.contents.of == epoch
            && let Some(goes_on) = self.shared.told.get().epoch()
        {
            self.contents.of = goes_on;
            self.await_nobody();
        }
    }

    /// Shows readers the newest state before anything is done about it (B6).
    pub(super) fn show(&mut self) {
        let snapshot = self.machine.snapshot();
        if !is_live(snapshot.state()) {
            self.judge.forget();
        }
        let quality = self.judge.shown();
        if self.facts.session != self.contents.session
            || self.facts.resumed != self.contents.resumed
            || self.facts.eta != self.contents.eta
            || self.facts.loading != self.contents.loading
            || self.facts.video != self.contents.video
            || self.facts.models != self.contents.models
            || self.facts.capabilities != self.contents.capabilities
            || self.facts.quality != quality
        {
            self.facts = Arc::new(Facts {
                session: self.contents.session.clone(),
                resumed: self.contents.resumed,
                member: self.contents.session.is_some().then(|| self.instance.to_string().into()),
                eta: self.contents.eta.clone(),
                loading: self.contents.loading.clone(),
                capabilities: self.contents.capabilities,
                video: self.contents.video,
                models: self.contents.models.clone(),
                quality,
            });
        }
        self.remember_token();
        let about = (snapshot.state(), snapshot.epoch(), self.facts.session.is_some());
        if self.span_of != Some(about) {
            self.span_of = Some(about);
            self.span = self.span_for(about);
        }
        self.shared.show(snapshot, &self.facts);
    }

    /// Every line of this session carries who, which dial and which phase (F02).
    fn span_for(&self, (state, epoch, _): (State, Option<Epoch>, bool)) -> tracing::Span {
        tracing::info_span!(
            "session",
            kind = %self.shared.identity.name.kind,
            id = %self.shared.identity.name.id,
            instance = %self.instance,
            session = self.facts.session.as_deref().unwrap_or("-"),
            epoch = epoch.map_or(0, |epoch| epoch.0),
            phase = state.name(),
        )
    }

    fn remember_token(&mut self) {
        let Some(key) = &self.contents.key else { return };
        let epoch = self.links.newest().unwrap_or_default();
        let token = ResumeToken { key: key.clone(), instance: self.instance, epoch };
        let mut notes = self.shared.notes();
        if notes.token.as_ref() != Some(&token) {
            notes.token = Some(token);
        }
    }
}
