//! What a server's owner can have its members do: come back in a certain way, go elsewhere, or
//! go to one certain server with all that is known of them.

use super::{Server, by_owner};
use crate::directory::await_director;
use crate::handover::{self, DrainError, Drained, pass_end};
use crate::member::{Away, Mail, Mailbox};
use crate::{EndCode, GoAwayCode};
use offhook_signaling::Strategy;
use std::time::Duration;
use tokio::time::Instant;

impl Server {
    /// Asks every member of a session (`kind/id`; all sessions where none is named) to move, to
    /// another server of the same key or, without a target, wherever it finds. A ticket goes with
    /// the target: it keeps the session's id, who the member is, how long it may stay, how many
    /// generations it had and what they used, and what a moderator muted of it. What else is known
    /// stays here; [`drain`](Server::drain) takes it along. The old link is closed at the deadline
    /// without an ending.
    ///
    /// # Cancel safety
    /// Those already told stay told.
    pub async fn go_away(
        &self,
        session: Option<&str>,
        target: Option<&str>,
        deadline: Duration,
        reason: GoAwayCode,
    ) -> usize {
        let away = Away {
            target: target.map(str::to_owned),
            deadline,
            reason,
            strategy: None,
            place_is_kept: false,
        };
        self.send_away(session, &away).await
    }

    /// Has every member of a session (`kind/id`; all sessions where none is named) do as `plan`
    /// says (F35): resume or rejoin here on a new link, within the deadline; migrate to wherever
    /// it finds; or stop, which ends it for good.
    ///
    /// # Cancel safety
    /// Those already told stay told.
    pub async fn direct(&self, session: Option<&str>, plan: Strategy, deadline: Duration) -> usize {
        let place_is_kept = match plan {
            Strategy::Stop => return self.stop_members(session).await,
            Strategy::Resume | Strategy::Rejoin => true,
            Strategy::Migrate | Strategy::Other(_) => false,
        };
        let reason = GoAwayCode::Rebalance;
        let away = Away { target: None, deadline, reason, strategy: Some(plan), place_is_kept };
        self.send_away(session, &away).await
    }

    /// Hands every session over to another server of the same key that listens on this machine at
    /// `target` (`ws://…`, as clients call it), and sends the members after it: the session's id,
    /// who is in it, what each may do and had asked for and how long it may stay, what its director had
    /// painted, the rights of its resume secret, and who was kicked or muted for good are known there before
    /// anybody arrives. Whoever wants in here from now on is sent there. The old links are closed at the
    /// deadline without an ending.
    ///
    /// A member that the other server does not take stays, and is counted. What is handed over is
    /// the state as of now: what a member asks for later it brings along itself, and what is done to it
    /// here later, by a moderator or with [`end`](Server::end), is passed on to the other server.
    ///
    /// # Errors
    /// As [`DrainError`] says; then nobody was sent away, and the doors are open as before.
    ///
    /// # Cancel safety
    /// Those already told stay told; what was handed over and is not come for is dropped there
    /// after the resume window.
    pub async fn drain(
        &self,
        target: &str,
        deadline: Duration,
        reason: GoAwayCode,
    ) -> Result<Drained, DrainError> {
        let mut peer = handover::Peer::dial(&self.shared, target).await?;
        // Whoever comes in from here on is sent there, and whoever came before is in the list below.
        self.shared.empty_to(Some(target));
        self.shared.queue.freed_all();
        self.shared.rooms.wake_watchers();
        let (taken, stayed) = match self.hand_over_all(&mut peer, deadline).await {
            Ok(handed_over) => handed_over,
            Err(error) => {
                self.shared.empty_to(None);
                // The directors were sent away meanwhile.
                self.shared.rooms.keys().iter().for_each(|key| await_director(&self.shared, key));
                return Err(error);
            }
        };
        let away =
            Away { target: Some(target.to_owned()), deadline, reason, strategy: None, place_is_kept: false };
        let mut drained = Drained { moved: 0, stayed };
        for mail in taken {
            // One that is just ending needs no word.
            drained.moved += usize::from(mail.send(Mail::GoAway(Box::new(away.clone()))).await.is_ok());
        }
        Ok(drained)
    }

    /// Those that the other server took, and how many it did not take.
    async fn hand_over_all(
        &self,
        peer: &mut handover::Peer,
        deadline: Duration,
    ) -> Result<(Vec<Mailbox>, usize), DrainError> {
        let (mut taken, mut stayed) = (Vec::new(), 0);
        // Also of sessions that nobody is in: they may begin there.
        for (session, user, left) in self.shared.kicks.all(Instant::now()) {
            peer.keep_out(session, user, left).await?;
        }
        for (session, user, silenced, left) in self.shared.silences.all(Instant::now()) {
            peer.keep_silent(session, user, silenced, left).await?;
        }
        for key in self.shared.rooms.keys() {
            if let Some(record) = self.shared.rooms.record(&key) {
                // Before anybody arrives: who may come in there is said in it.
                peer.hand_over_record(&key, record).await?;
            }
            for mail in self.shared.rooms.mailboxes(Some(&key), None) {
                // What is done to it from here on is passed on when it is there.
                let _in_order = self.shared.onward.in_order.lock().await;
                let Some(dossier) = handover::describe(&mail).await else { continue };
                if peer.hand_over(dossier, deadline).await? {
                    taken.push(mail);
                } else {
                    stayed += 1;
                }
            }
            // After its members: there the session is theirs.
            for (sha256, file) in self.shared.images.of(&key) {
                peer.hand_over_image(&key, &sha256, &file).await?;
            }
        }
        Ok((taken, stayed))
    }

    async fn send_away(&self, session: Option<&str>, away: &Away) -> usize {
        let mailboxes = self.shared.rooms.mailboxes(session, None);
        for mail in &mailboxes {
            let _ = mail.send(Mail::GoAway(Box::new(away.clone()))).await;
        }
        mailboxes.len()
    }

    async fn stop_members(&self, session: Option<&str>) -> usize {
        let there = self.shared.rooms.mailboxes(session, None).len();
        let ended = by_owner(EndCode::Closed);
        let sessions = session.map_or_else(|| self.shared.rooms.keys(), |session| vec![session.to_owned()]);
        self.shared.end_members(session, None, &ended).await;
        for session in sessions {
            pass_end(&self.shared, &session, None, &ended, None).passed().await;
        }
        there
    }
}
