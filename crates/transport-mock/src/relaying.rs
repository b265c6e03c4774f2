//! Messages between the clients of a far side that behaves by itself: to all of a session, or to some.

use crate::Studio;
use crate::link::{Happening, LinkId};
use crate::world::Inner;
use offhook_transport::{Content, Event, Outgoing, SessionRef, Unsent, Whom};
use std::collections::BTreeMap;
use std::time::Duration;

impl Inner {
    /// Says it to those it is for, and says to the one who sent it what became of it. Who is away for a
    /// moment has it with the resume.
    pub(crate) fn relay(&mut self, id: LinkId, message: &Outgoing, age: Duration) {
        let Some(asking) = self.links.get(&id).map(|link| link.seen.clone()) else { return };
        let oneself = asking.instance.to_string();
        let soon = self.studio.as_ref().map_or(Duration::ZERO, Studio::pace);
        let mut here = self.reached(&asking.session);
        here.remove(&oneself);
        let said = Content::Message {
            from: oneself.clone(),
            topic: message.topic.clone(),
            payload: message.payload.clone(),
        };
        let mut to = match &message.to {
            Whom::Everybody => here.keys().cloned().collect(),
            Whom::These(members) => members.clone(),
        };
        to.sort_unstable();
        to.dedup();
        let is_known = |member: &String| {
            let studio = self.studio.as_ref();
            here.contains_key(member) || studio.is_some_and(|it| it.has(&asking.session, member, age))
        };
        let gone: Vec<String> = to.iter().filter(|member| !is_known(member)).cloned().collect();
        let unsent = |why, members| {
            let text =
                String::from(if why == Unsent::Oneself { "that is yourself" } else { "nobody of that name" });
            Content::Unsent { id: message.id, why, members, text }
        };
        let answer = match (to.contains(&oneself), gone.is_empty()) {
            (true, _) => unsent(Unsent::Oneself, Vec::new()),
            (false, false) => unsent(Unsent::UnknownMember, gone),
            (false, true) => {
                for member in &to {
                    match (here.get(member), &mut self.studio) {
                        (Some(link), _) => {
                            self.happen(*link, soon, Happening::Report(Event::Content(said.clone())));
                        }
                        (None, Some(studio)) => studio.keep_for(&asking.session, member, said.clone(), age),
                        (None, None) => {}
                    }
                }
                Content::Sent { id: message.id }
            }
        };
        self.happen(id, soon, Happening::Report(Event::Content(answer)));
    }

    /// Who can be spoken to now, each on the newest of its links.
    fn reached(&self, session: &SessionRef) -> BTreeMap<String, LinkId> {
        let links = self.links.iter().filter(|(_, link)| {
            !link.closed && link.up && link.signaling && self.network && link.seen.session == *session
        });
        let mut newest: BTreeMap<String, (u32, LinkId)> = BTreeMap::new();
        for (id, link) in links {
            let (name, epoch) = (link.seen.instance.to_string(), link.seen.epoch.0);
            let known = newest.entry(name).or_insert((epoch, *id));
            if epoch > known.0 {
                *known = (epoch, *id);
            }
        }
        newest.into_iter().map(|(name, (_, id))| (name, id)).collect()
    }
}
