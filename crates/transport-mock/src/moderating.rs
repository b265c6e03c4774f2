//! What a moderator has a far side do that behaves by itself: every client of it is one. It tells
//! the others what was done to them; what a muted client still sends it takes all the same.

use crate::Studio;
use crate::link::{Happening, LinkId};
use crate::world::Inner;
use offhook_transport::{Content, EndCode, Event, Moderate, Moderation, ModerationRefusal};
use std::time::Duration;

impl Inner {
    pub(crate) fn moderate(&mut self, id: LinkId, moderation: &Moderation) {
        let Some(asking) = self.links.get(&id).map(|link| link.seen.clone()) else { return };
        let oneself = asking.instance.to_string();
        let here: Vec<(LinkId, String)> = self
            .links
            .iter()
            .filter(|(_, link)| !link.closed && link.up && link.seen.session == asking.session)
            .map(|(id, link)| (*id, link.seen.instance.to_string()))
            .collect();
        let (told, event) = match &moderation.act {
            Moderate::EndForAll => (None, ended(EndCode::EndedForAll)),
            Moderate::Kick { member } => (Some(member), ended(EndCode::Kicked)),
            Moderate::Mute { member, kind, muted } => {
                let (by, kind, muted) = (oneself.clone(), *kind, *muted);
                (Some(member), Event::Content(Content::Muted { by, kind, muted, may_unmute: true }))
            }
        };
        let is_told = |name: &String| told.is_none_or(|told| told == name);
        let refused = match told {
            Some(told) if *told == oneself => {
                Some((ModerationRefusal::Oneself, "that is yourself".to_owned()))
            }
            Some(_) if !here.iter().any(|(_, name)| is_told(name)) => {
                Some((ModerationRefusal::UnknownMember, "there is no such member".to_owned()))
            }
            Some(_) | None => None,
        };
        let is_done = refused.is_none();
        let soon = self.studio.as_ref().map_or(Duration::ZERO, Studio::pace);
        let answer = Content::Moderated { id: moderation.id, refused };
        self.happen(id, soon, Happening::Report(Event::Content(answer)));
        for (of, _) in here.iter().filter(|(_, name)| is_done && is_told(name)) {
            self.happen(*of, soon, Happening::Report(event.clone()));
        }
    }
}

fn ended(code: EndCode) -> Event {
    Event::Ended { code, text: "a moderator did it".into(), may_retry: false }
}
