//! Dials that follow each other: the newest counts, an older one changes nothing.

use super::driven::Driven;
use super::planes::{a_resume, key_of, lost, needs};
use super::{Behaviour, Check, Rig, broken};
use crate::{Action, Capability, DialRequest, Epoch, Event, Plan, Plane};

/// A dial that is given up before it carried leaves everything to the one that replaces it.
pub async fn a_redial_replaces_a_dial_under_way(rig: &dyn Rig) -> Check {
    let stage = rig.stage(Behaviour::Accepting).await?;
    let mut old = Driven::join(rig, &stage, stage.far.a_join()).await?;
    needs(&old, Capability::Resume)?;
    let key = key_of(&old)?;
    old.during(stage.far.cut(Plane::Signaling)).await?;
    old.until(rig, "the loss of the signaling plane", |said| said.iter().any(lost(Plane::Signaling))).await?;
    old.during(stage.far.restore()).await?;

    let mut given_up = Driven::dial(&*stage.transport, a_resume(&stage, key.clone(), false));
    old.during(given_up.next()).await;
    given_up.close();
    let said = given_up.said.len();
    old.during(given_up.finish()).await?;
    if given_up.said.len() != said + 1 {
        return broken(format!("after its close a dial said {:?}", given_up.said.get(said..)));
    }
    let request = DialRequest { epoch: Epoch(3), ..a_resume(&stage, key, false) };
    let mut new = Driven::dial(&*stage.transport, request);
    old.during(new.carry(rig, &*stage.transport)).await?;
    old.close();
    old.finish().await?;
    new.ask(Action::Ping)?;
    new.until_new(rig, "life after the old link is closed", |event| *event == Event::Alive(Plane::Signaling))
        .await?;
    for link in [&old, &new] {
        link.never_said("a replaced dial must not touch the media", lost(Plane::Media))?;
    }
    new.close();
    new.finish().await
}

/// A dial that is older than the link that carries, a late copy say, is refused and changes
/// nothing.
pub async fn a_stale_epoch_is_refused_and_changes_nothing(rig: &dyn Rig) -> Check {
    let stage = rig.stage(Behaviour::Accepting).await?;
    let mut link = Driven::join(rig, &stage, DialRequest { epoch: Epoch(5), ..stage.far.a_join() }).await?;
    needs(&link, Capability::Rejoin)?;
    for epoch in [Epoch(4), Epoch(5)] {
        let key = link.up().and_then(|up| up.key.clone());
        let request = DialRequest { plan: Plan::Rejoin { key }, epoch, ..stage.far.a_join() };
        let mut late = Driven::dial(&*stage.transport, request);
        link.during(late.until(rig, "no to a stale epoch", |said| {
            said.iter().any(|event| matches!(event, Event::Refused { .. } | Event::DialFailed(_)))
        }))
        .await?;
        link.during(late.finish()).await?;
        late.never_said("a stale dial was let in", |event| matches!(event, Event::Up(_)))?;
    }
    link.ask(Action::Ping)?;
    link.until_new(rig, "life after a stale dial", |event| *event == Event::Alive(Plane::Signaling)).await?;
    link.never_said("a stale dial cost the link something", |event| {
        matches!(event, Event::PlaneLost(..) | Event::Ended { .. } | Event::Closed)
    })
}
