//! Who else is there, as listeners are told: compared with what was known, so that nobody comes twice, goes
//! without having come, or goes because they are on their way back as we are (F41, F63).

use super::Host;
use crate::event::Event;
use offhook_lifecycle::Time;
use offhook_transport::{Member, MemberChange};
use std::collections::BTreeMap;

/// Members that are remembered. Beyond it they are told of, and not compared.
const MEMBERS: usize = 4096;

/// Who is there, as far as listeners were told.
#[derive(Debug, Default)]
pub(super) struct Roster {
    known: BTreeMap<String, Member>,
    /// Who was there before this session was made anew or moved, and is not yet: until when they may come,
    /// and as what they were known.
    awaited: BTreeMap<String, (Time, Member)>,
}

impl Roster {
    /// When the next one is not awaited any more.
    pub(super) fn due(&self) -> Option<Time> {
        self.awaited.values().map(|(until, _)| *until).min()
    }

    /// What this change is, to who knows what is known here; `None` where it is no news.
    fn news(&mut self, change: MemberChange) -> Option<MemberChange> {
        match change {
            MemberChange::Joined(member) | MemberChange::Updated(member) => {
                self.awaited.remove(&member.id);
                match self.known.get(&member.id) {
                    Some(known) if *known == member => None,
                    Some(_) => {
                        self.known.insert(member.id.clone(), member.clone());
                        Some(MemberChange::Updated(member))
                    }
                    None => {
                        if self.known.len() < MEMBERS {
                            self.known.insert(member.id.clone(), member.clone());
                        }
                        Some(MemberChange::Joined(member))
                    }
                }
            }
            MemberChange::Left(member) => {
                self.awaited.remove(&member.id);
                let known = self.known.remove(&member.id);
                let untold = known.is_none() && self.known.len() < MEMBERS;
                (!untold).then_some(MemberChange::Left(known.unwrap_or(member)))
            }
        }
    }
}

impl Host {
    /// Who came comes before what they publish, and who goes after it.
    pub(super) fn tell_member(&mut self, change: MemberChange) {
        match self.roster.news(change) {
            Some(MemberChange::Joined(member)) => {
                self.tell(Event::MemberJoined(member.clone()));
                self.tell_tracks(&member);
            }
            Some(MemberChange::Updated(member)) => {
                self.tell(Event::MemberUpdated(member.clone()));
                self.tell_tracks(&member);
            }
            Some(MemberChange::Left(member)) => {
                self.tell_tracks_gone(&member.id);
                self.tell(Event::MemberLeft(member));
            }
            None => {}
        }
    }

    /// After each new link: who came, went or changed meanwhile, so that no listener's roster keeps somebody
    /// who is gone. Of a session that was not found again, or that is elsewhere now, nobody is gone yet who may
    /// be on the way there: they are away for as long as the far side keeps the place of one that is lost.
    pub(super) fn tell_roster(&mut self) {
        let Some(roster) = self.contents.roster.take() else { return };
        let until = self.contents.scattered.take().map(|window| self.clock.now().plus(window));
        let mut missing = self.roster.known.clone();
        for member in roster {
            missing.remove(&member.id);
            // The far side has no place for some of its tracks on this link, and had on the last one: told
            // whether or not the member changed.
            let tracks = member.clone();
            match self.roster.news(MemberChange::Joined(member)) {
                Some(MemberChange::Joined(member)) => self.tell(Event::MemberJoined(member)),
                Some(MemberChange::Updated(member)) => self.tell(Event::MemberUpdated(member)),
                Some(MemberChange::Left(_)) | None => {}
            }
            self.tell_tracks(&tracks);
        }
        // Whom the far side only named yet is there, as they were known until it says them whole.
        for id in std::mem::take(&mut self.contents.to_follow) {
            missing.remove(&id);
            self.roster.awaited.remove(&id);
        }
        let now = self.clock.now();
        for (id, mut member) in missing {
            let before = self.roster.awaited.remove(&id);
            let before = before.or_else(|| Some((until?, member.clone()))).filter(|(until, _)| *until > now);
            match before {
                Some(before) if id != self.instance.to_string() => {
                    member.away = true;
                    self.tell_member(MemberChange::Updated(member));
                    self.roster.awaited.insert(id, before);
                }
                Some(_) | None => self.tell_member(MemberChange::Left(member)),
            }
        }
    }

    /// The move came to nothing: whoever did not come there is here, as before.
    pub(super) fn await_nobody(&mut self) {
        for (_, member) in std::mem::take(&mut self.roster.awaited).into_values() {
            self.tell_member(MemberChange::Updated(member));
        }
    }

    /// Who was awaited and did not come is gone.
    pub(super) fn await_no_longer(&mut self) {
        let now = self.clock.now();
        let late: Vec<_> = self.roster.awaited.extract_if(.., |_, (until, _)| *until <= now).collect();
        for (id, _) in late {
            if let Some(member) = self.roster.known.get(&id).cloned() {
                self.tell_member(MemberChange::Left(member));
            }
        }
    }
}
