//! What video the far side wants: said to the session's own tracks, whose sources scale to it, and to
//! the listeners (F58). Who borrows a track elsewhere is not concerned: the track's owner hears of the
//! most that anybody wants, of a session that borrows it from the first frame on that it takes.

use super::Host;
use crate::event::Event;

impl Host {
    /// What changed of it with what was heard last: by a link that came up, or while one was up.
    pub(super) fn tell_video(&mut self) {
        let wanted = self.contents.video;
        if std::mem::replace(&mut self.reporter.video, wanted) == wanted {
            return;
        }
        self.fit_tracks();
        tracing::debug!(parent: &self.span, ?wanted, "the far side says what video it wants");
        self.tell(Event::VideoWanted(wanted));
    }

    /// Every published track is to be as small as is wanted, those that came last as well.
    pub(super) fn fit_tracks(&self) {
        let wish = self.contents.video.map(|wanted| wanted.wish);
        self.shared.notes().tracks.iter().for_each(|track| track.track.want_video(wish));
    }
}
