//! What the host is told of published tracks that the far side does not take: a join fails over them,
//! every other link goes on without. Which they are is known to the lane (`lane/publishing.rs`).

use super::driver::{Driver, Flow};
use super::lane::Lane;
use offhook_signaling::{FromClient, Goodbye, GoodbyeCode};
use offhook_transport::{Content, Event, Plan, RefusedCode};

impl Driver {
    /// Was something published with a join that the far side does not take, while nothing has carried? The
    /// host is told, and the far side that its place is not wanted.
    pub(super) fn refuses_to_join_without(&mut self, lane: &Lane) -> bool {
        // Statistics are taken from when media first carries.
        let is_joining = matches!(self.request.plan, Plan::Join { .. }) && self.stats_due.is_none();
        if !is_joining || lane.state().untaken.is_empty() {
            return false;
        }
        self.tell_untaken(lane);
        // On its way with the end of the socket; a far side that cannot be told any more keeps no place.
        let _: Flow = self.send(&FromClient::Goodbye(Goodbye { reason: GoodbyeCode::Cancelled }));
        self.out.say(Event::Refused {
            code: RefusedCode::TrackNotTaken,
            retry_after: None,
            queue_position: None,
            text: String::new(),
            item: None,
            known: Vec::new(),
        });
        true
    }

    /// Tells which tracks are not taken, where that is not what was told last. A link that follows another
    /// says it in any case: what that one told is not known here.
    pub(super) fn tell_untaken(&mut self, lane: &Lane) {
        let untaken = lane.state().untaken.clone();
        let is_first = matches!(self.request.plan, Plan::Join { .. });
        let is_known = match &self.untaken {
            Some(told) => *told == untaken,
            None => is_first && untaken.is_empty(),
        };
        if !is_known {
            self.untaken = Some(untaken.clone());
            self.out.say(Event::Content(Content::Untaken(untaken)));
        }
    }
}
