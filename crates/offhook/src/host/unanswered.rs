//! Texts that a persona took and has not answered yet (F55). It begins anew with every join and every move,
//! and knows nothing of them then: they are said to it again, each under its number, so that each is
//! answered once. Only for a far side that names what it answers.

use super::Host;
use offhook_lifecycle::{CommandId, Epoch};
use offhook_transport::{Action, Capability, Words};
use std::collections::VecDeque;

/// So many wait for their answers at most: a text beyond it is refused.
const MOST: usize = 96;

/// What waits for its answer, oldest first.
#[derive(Debug, Default)]
pub(super) struct Unanswered {
    texts: VecDeque<Text>,
    /// The link on which they were said again last.
    again_on: Option<Epoch>,
}

#[derive(Debug)]
struct Text {
    id: CommandId,
    text: String,
    is: Is,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Is {
    /// Without a receipt.
    Said,
    /// Whoever said it was told so.
    Taken,
    /// Taken once, and to be said again as soon as there is room.
    Due,
}

impl Unanswered {
    fn is_full(&self) -> bool {
        self.texts.len() >= MOST
    }

    fn find(&mut self, id: CommandId) -> Option<&mut Text> {
        self.texts.iter_mut().find(|text| text.id == id)
    }

    /// It has its receipt. True where it had one before, on another link.
    pub(super) fn taken(&mut self, id: u64) -> bool {
        let text = self.find(CommandId(id));
        text.is_some_and(|text| std::mem::replace(&mut text.is, Is::Taken) != Is::Said)
    }

    /// There was no room for it. True where it was taken before: then it is said again later.
    pub(super) fn refused(&mut self, id: u64) -> bool {
        match self.find(CommandId(id)) {
            Some(text) if text.is != Is::Said => {
                text.is = Is::Due;
                true
            }
            Some(_) | None => {
                self.forget(CommandId(id));
                false
            }
        }
    }

    /// It ended in another way than with an answer.
    pub(super) fn forget(&mut self, id: CommandId) {
        self.texts.retain(|text| text.id != id);
    }

    /// Is this an answer on a link of old to what was said again since?
    pub(super) fn is_late(&self, epoch: Epoch, answers: &[u64]) -> bool {
        self.again_on.is_some_and(|on| epoch < on)
            && self.texts.iter().any(|text| answers.contains(&text.id.0))
    }
}

impl Host {
    /// Says something to whoever the conversation is with. False where too much waits for its answer.
    pub(super) fn note_text(&mut self, id: CommandId, text: &str) -> bool {
        if !self.names_answers() {
            return true;
        }
        let has_room = !self.unanswered.is_full();
        if has_room {
            self.unanswered.texts.push_back(Text { id, text: text.to_owned(), is: Is::Said });
        }
        has_room
    }

    fn names_answers(&self) -> bool {
        self.contents.capabilities.is_some_and(|can| can.has(Capability::Answers))
    }

    /// The session goes on on this link with a persona that knows of nothing.
    pub(super) fn say_again(&mut self, epoch: Epoch) {
        if self.unanswered.again_on.replace(epoch) == Some(epoch) {
            return;
        }
        let texts = self.unanswered.texts.iter_mut();
        texts.filter(|text| text.is == Is::Taken).for_each(|text| text.is = Is::Due);
        if !self.names_answers() {
            // Whoever this is: what it answers is not known, so nothing is said to it twice.
            self.unanswered.texts.clear();
        }
        self.say_due();
    }

    /// These were answered.
    pub(super) fn answered(&mut self, answers: &[u64]) {
        self.unanswered.texts.retain(|text| !answers.contains(&text.id.0));
        self.say_due();
    }

    /// Says what is due and has room on the link; the rest when something was taken or answered there.
    pub(super) fn say_due(&mut self) {
        let Some(epoch) = self.machine.snapshot().epoch() else { return };
        for text in self.unanswered.texts.iter_mut().filter(|text| text.is == Is::Due) {
            if self.links.is_full(epoch) {
                return;
            }
            text.is = Is::Taken;
            self.links.act(epoch, Action::Say(Words { id: text.id.0, text: text.text.clone() }));
        }
    }
}
