//! What a director has a member do (F59). The picture is as the session's director last said, over
//! what the member itself asked for, until it asks for another prompt; a mute, a lost network and
//! another server are no such thing. What the director said is kept with the room.

use super::Actor;
use crate::model::Model;
use crate::studio::Recipe;
use offhook_signaling::{FromServer, Prompt, Relay};
use serde::{Deserialize, Serialize};

/// What a director's words are about, in the words of messages.
const DIRECTOR: &str = "director";

/// How far a member does as its director says. Handed over by a drain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Heed {
    /// Did a state take effect yet? In a word of its own: JSON tells no prompt from no state.
    began: bool,
    /// The prompt of the newest state that took effect.
    prompt: Option<Prompt>,
    /// The director's prompts up to this one are undone by the member's own.
    undone: u64,
}

impl Heed {
    /// A state takes effect that was asked for while `standing` was the director's newest prompt. The
    /// first state of a member undoes nothing: it was made before it could know.
    pub(super) fn after(&self, prompt: Option<&Prompt>, standing: u64) -> Self {
        let own = self.began && self.prompt.as_ref() != prompt;
        let undone = if own { standing } else { self.undone };
        Self { began: true, prompt: prompt.cloned(), undone }
    }

    /// Is the director's prompt of this number, which there is, undone?
    pub(crate) fn undoes(&self, standing: u64) -> bool {
        standing > 0 && self.undone >= standing
    }

    /// What it undid was said elsewhere, and something else holds here.
    pub(super) fn undoes_nothing(&mut self) {
        self.undone = 0;
    }
}

impl Actor {
    /// The number of the director's newest prompt.
    pub(super) fn standing(&self) -> u64 {
        self.shared.rooms.standing(&self.place.key).map_or(0, |standing| standing.number)
    }

    /// What is painted of this, as far as the director has a say in it. An image is not touched.
    pub(super) fn directed(&self, model: Model, heed: &Heed, own: Recipe) -> Recipe {
        if model != Model::Studio || own.is_held() {
            return own;
        }
        match self.shared.rooms.standing(&self.place.key) {
            Some(standing) if standing.number > heed.undone => {
                standing.recipe.clone().over(own.reference().cloned())
            }
            Some(_) | None => own,
        }
    }

    /// Its director has it painted otherwise, or says something to it.
    pub(super) fn steered(&mut self, words: Option<&str>) {
        self.repaint();
        if let Some(text) = words {
            let data = serde_json::json!({ "text": text });
            let said = Relay { id: 0, from: None, to: Vec::new(), topic: DIRECTOR.to_owned(), data };
            self.say(&FromServer::Message(said));
        }
    }
}
