//! Presence, where a transport has one: up first and once, a no in its type, one `Closed` in time,
//! nothing left behind. What becomes of rings is the far side's to decide, and is not held here.

use super::closing::{census_of, eventually_as};
use super::driven::CLOSING;
use super::{Behaviour, Check, Miss, NotSupported, Rig, Stage, broken};
use crate::{FaultKind, PresenceConnection, PresenceEvent, RefusedCode, RingAction, RingEndCode, RingId};
use std::future::poll_fn;
use std::task::Poll;
use tokio::time::timeout;

/// A presence connection under test, with everything it said written down.
struct Watching {
    link: Box<dyn PresenceConnection>,
    said: Vec<PresenceEvent>,
}

impl Watching {
    fn dial(stage: &Stage) -> Result<Self, Miss> {
        let request = stage.far.a_presence()?;
        let Some(presence) = stage.transport.presence() else {
            return Err(NotSupported("presence".into()).into());
        };
        Ok(Self { link: presence.watch(request), said: Vec::new() })
    }

    async fn up(rig: &dyn Rig, stage: &Stage) -> Result<Self, Miss> {
        let mut watching = Self::dial(stage)?;
        watching.until(rig, "being let in", |event| matches!(event, PresenceEvent::Up { .. })).await?;
        Ok(watching)
    }

    async fn next(&mut self) -> Option<PresenceEvent> {
        let event = self.link.next().await;
        self.said.extend(event.clone());
        event
    }

    /// Polls until the next report fits.
    async fn until(&mut self, rig: &dyn Rig, what: &str, fits: impl Fn(&PresenceEvent) -> bool) -> Check {
        let found = timeout(rig.patience(), async {
            while let Some(event) = self.next().await {
                if fits(&event) {
                    return true;
                }
            }
            false
        })
        .await;
        match found {
            Ok(true) => Ok(()),
            Ok(false) => broken(format!("it closed while waiting for {what}; it said {:?}", self.said)),
            Err(_) => broken(format!("waited in vain for {what}; it said {:?}", self.said)),
        }
    }

    fn ask(&mut self, action: RingAction) -> Check {
        self.link.act(action).or_else(|full| broken(format!("there was no room for one {:?}", full.0)))
    }

    /// Reads to the end: one `Closed`, the last, within its bound, then nothing for ever.
    async fn finish(&mut self) -> Check {
        let to_the_end = async { while self.next().await.is_some() {} };
        if timeout(CLOSING, to_the_end).await.is_err() {
            return broken(format!("no end within a second; it said {:?}", self.said));
        }
        let closed = self.said.iter().filter(|event| **event == PresenceEvent::Closed).count();
        if closed != 1 || self.said.last() != Some(&PresenceEvent::Closed) {
            return broken(format!("Closed must come once and last; it said {:?}", self.said));
        }
        for _ in 0..3 {
            let more = poll_fn(|cx| Poll::Ready(self.link.poll_next(cx))).await;
            if more != Poll::Ready(None) {
                return broken(format!("after Closed it said {more:?}"));
            }
        }
        Ok(())
    }

    fn count(&self, fits: impl Fn(&PresenceEvent) -> bool) -> usize {
        self.said.iter().filter(|event| fits(event)).count()
    }
}

/// A presence that nobody polled is not there: not over here, and not over there.
pub async fn nothing_of_presence_happens_before_the_first_poll(rig: &dyn Rig) -> Check {
    let stage = rig.stage(Behaviour::Accepting).await?;
    let before = census_of(&stage).await?;
    let watching = Watching::dial(&stage)?;
    tokio::time::sleep(rig.settle()).await;
    let unpolled = census_of(&stage).await?;
    if unpolled != before {
        return broken(format!("a presence that nobody polled made {unpolled:?} of {before:?}"));
    }
    drop(watching);
    Ok(())
}

/// `Up` is the first report, and comes once.
pub async fn presence_is_up_first_and_once(rig: &dyn Rig) -> Check {
    let stage = rig.stage(Behaviour::Accepting).await?;
    let mut watching = Watching::up(rig, &stage).await?;
    if watching.said.len() != 1 {
        return broken(format!("being let in must come first; it said {:?}", watching.said));
    }
    // Whatever else comes by itself.
    let _ = timeout(rig.settle(), async { while watching.next().await.is_some() {} }).await;
    let ups = watching.count(|event| matches!(event, PresenceEvent::Up { .. }));
    if ups != 1 {
        return broken(format!("it was let in {ups} times: {:?}", watching.said));
    }
    watching.link.close();
    watching.finish().await
}

/// A ping is answered, however often it is asked.
pub async fn a_ping_of_presence_brings_a_sign_of_life(rig: &dyn Rig) -> Check {
    let stage = rig.stage(Behaviour::Accepting).await?;
    let mut watching = Watching::up(rig, &stage).await?;
    for _ in 0..3 {
        watching.ask(RingAction::Ping)?;
        watching.until(rig, "a sign of life", |event| *event == PresenceEvent::Alive).await?;
    }
    Ok(())
}

/// A question about a ring that is not there is answered, and so ends a ring that nobody ended (F25).
pub async fn a_question_about_an_unknown_ring_is_answered(rig: &dyn Rig) -> Check {
    let stage = rig.stage(Behaviour::Accepting).await?;
    let mut watching = Watching::up(rig, &stage).await?;
    let asked = RingId("no-such-ring".into());
    watching.ask(RingAction::Ask { ring: asked.clone() })?;
    watching
        .until(rig, "the answer", |event| match event {
            PresenceEvent::Gone { ring, why, .. } => *ring == asked && *why == RingEndCode::Unknown,
            _ => false,
        })
        .await
}

/// A no says which, is no loss, and is the end of it.
pub async fn a_refused_presence_says_so_and_is_over(rig: &dyn Rig) -> Check {
    let wanted = RefusedCode::NotPermitted;
    let stage = rig.stage(Behaviour::Refusing(wanted)).await?;
    let mut watching = Watching::dial(&stage)?;
    let is_it =
        |event: &PresenceEvent| matches!(event, PresenceEvent::Refused { code, .. } if *code == wanted);
    watching.until(rig, "the refusal", is_it).await?;
    watching.finish().await?;
    if watching.count(|event| matches!(event, PresenceEvent::Lost(_) | PresenceEvent::Up { .. })) > 0 {
        return broken(format!("a no is a no; it said {:?}", watching.said));
    }
    Ok(())
}

/// Nobody there is a loss, and no refusal: the next dial may find somebody.
pub async fn an_unreachable_far_side_is_a_lost_presence(rig: &dyn Rig) -> Check {
    let stage = rig.stage(Behaviour::Unreachable).await?;
    let mut watching = Watching::dial(&stage)?;
    let is_it = |event: &PresenceEvent| matches!(event, PresenceEvent::Lost(fault) if fault.kind == FaultKind::Unreachable);
    watching.until(rig, "the loss", is_it).await?;
    watching.finish().await
}

/// After a close, said twice, it says `Closed` within a second and nothing more, and nothing is left
/// here or over there; what is asked of it then is taken and ignored.
pub async fn a_closed_presence_says_so_once_and_leaves_nothing(rig: &dyn Rig) -> Check {
    let stage = rig.stage(Behaviour::Accepting).await?;
    let before = census_of(&stage).await?;
    let mut watching = Watching::up(rig, &stage).await?;
    let from = watching.said.len();
    watching.link.close();
    watching.link.close();
    watching.ask(RingAction::Ping)?;
    watching.finish().await?;
    if watching.said[from..] != [PresenceEvent::Closed] {
        return broken(format!("after a close it said {:?}", &watching.said[from..]));
    }
    drop(watching);
    eventually_as(rig, &stage, &before, "a closed presence").await
}

/// Dropping is closing.
pub async fn a_dropped_presence_leaves_nothing(rig: &dyn Rig) -> Check {
    let stage = rig.stage(Behaviour::Accepting).await?;
    let before = census_of(&stage).await?;
    drop(Watching::up(rig, &stage).await?);
    eventually_as(rig, &stage, &before, "a dropped presence").await
}
