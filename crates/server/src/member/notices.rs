//! What a member is told by level: nothing of it can be lost or change places, however long it
//! does not look. Letters, which can only wait in line, are in `member.rs`.

use super::Silencing;
use offhook_transport::media::Kind;
use std::sync::Arc;
use tokio::sync::watch;

/// A member's cell of notices, as those hold it who tell.
#[derive(Clone)]
pub(crate) struct Notices {
    cell: Arc<watch::Sender<Noticed>>,
    /// How many of the mutes are in effect; closed when the member is gone.
    heeded: watch::Receiver<u64>,
}

/// The member's end of it. When it is dropped, nobody waits for the member any more.
pub(super) struct Noticing {
    cell: watch::Receiver<Noticed>,
    tells: Arc<watch::Sender<Noticed>>,
    heeded: watch::Sender<u64>,
}

/// What there is to notice.
#[derive(Clone, Default)]
struct Noticed {
    /// A letter had no room in its mailbox.
    missed: bool,
    /// What a moderator has done last to its sound and to its picture.
    silence: [Option<Silencing>; 2],
    /// How many mutes there were, newest included.
    mutes: u64,
}

/// What was noticed, and is to be done.
pub(super) struct News {
    pub(super) missed: bool,
    pub(super) silence: [Option<Silencing>; 2],
    mutes: u64,
}

/// A mute that was told and is not known to be in effect yet.
#[derive(Clone)]
pub(crate) struct Told {
    number: u64,
    heeded: watch::Receiver<u64>,
}

impl Notices {
    pub(crate) fn pair() -> (Self, Inbox) {
        let (cell, heeded) = (Arc::new(watch::Sender::new(Noticed::default())), watch::Sender::new(0));
        let ours = Noticing { cell: cell.subscribe(), tells: cell.clone(), heeded };
        (Self { heeded: ours.heeded.subscribe(), cell }, Inbox(ours))
    }

    /// Says that it missed a letter.
    pub(crate) fn missed(&self) {
        self.cell.send_modify(|noticed| noticed.missed = true);
    }

    /// A moderator mutes it, or takes that back. The newest of a kind takes the place of what was not
    /// noticed yet.
    pub(crate) fn silence(&self, silencing: Silencing) -> Told {
        let mut number = 0;
        self.cell.send_modify(|noticed| {
            noticed.mutes += 1;
            number = noticed.mutes;
            let of_kind = match silencing.kind {
                Kind::Audio => 0,
                Kind::Video => 1,
            };
            noticed.silence[of_kind] = Some(silencing);
        });
        Told { number, heeded: self.heeded.clone() }
    }
}

impl Told {
    /// Waits until it is in effect, or a later one is. False where its member is gone before.
    pub(crate) async fn heeded(mut self) -> bool {
        self.heeded.wait_for(|heeded| *heeded >= self.number).await.is_ok()
    }
}

/// What a new member takes its notices from.
pub(crate) struct Inbox(pub(super) Noticing);

impl Noticing {
    /// Something to notice.
    ///
    /// # Cancel safety
    /// A level: nothing is lost.
    pub(super) async fn next(&mut self) -> News {
        // Never closed: it holds the other end itself.
        let _ = self.cell.changed().await;
        let mut news = News { missed: false, silence: [None, None], mutes: 0 };
        self.tells.send_if_modified(|noticed| {
            news.missed = std::mem::take(&mut noticed.missed);
            news.silence = std::mem::take(&mut noticed.silence);
            news.mutes = noticed.mutes;
            false
        });
        news
    }

    /// What was noticed is in effect.
    pub(super) fn heeds(&self, news: &News) {
        self.heeded.send_if_modified(|heeded| std::mem::replace(heeded, news.mutes) != news.mutes);
    }
}
