//! Two planes, each lost and found alone; links that take over from links.

use super::driven::Driven;
use super::marks::Media;
use super::{Behaviour, Check, Miss, NotSupported, Rig, Stage, broken};
use crate::{
    Action, Capability, DialRequest, Epoch, Event, GoAwayHint, GoAwayReason, Plan, Plane, ResumeKey, Secret,
};
use std::time::Duration;

pub(super) fn lost(plane: Plane) -> impl Fn(&Event) -> bool {
    move |event| matches!(event, Event::PlaneLost(which, _) if *which == plane)
}

pub(super) fn needs(link: &Driven, capability: Capability) -> Check {
    match link.up() {
        Some(up) if up.capabilities.has(capability) => Ok(()),
        _ => Err(NotSupported(format!("{capability:?}")).into()),
    }
}

pub(super) fn key_of(link: &Driven) -> Result<ResumeKey, Miss> {
    // The newest: a key may be rotated on the living link.
    let rotated = link.said.iter().rev().find_map(|event| match event {
        Event::ResumeKey(key) => Some(key.clone()),
        _ => None,
    });
    match rotated.or_else(|| link.up().and_then(|up| up.key.clone())) {
        Some(key) => Ok(key),
        None => broken("a session that can be resumed came without a key"),
    }
}

pub(super) fn a_resume(stage: &Stage, key: ResumeKey, restart_ice: bool) -> DialRequest {
    DialRequest {
        plan: Plan::Resume { key, restart_ice },
        epoch: Epoch(2),
        inherit: Some(Epoch(1)),
        ..stage.far.a_join()
    }
}

/// A socket that dies is the loss of the signaling plane alone: the media goes on.
pub async fn a_lost_signaling_plane_leaves_media_alone(rig: &dyn Rig) -> Check {
    let stage = rig.stage(Behaviour::Accepting).await?;
    let mut media = Media::open();
    let mut link = Driven::join(rig, &stage, media.on(stage.far.a_join())).await?;
    link.during(stage.far.cut(Plane::Signaling)).await?;
    link.until(rig, "the loss of the signaling plane", |said| said.iter().any(lost(Plane::Signaling)))
        .await?;
    match link.during(media.send_until_seen(rig, &*stage.far, 5)).await {
        Ok(_) | Err(Miss::NotSupported(_)) => {}
        Err(miss) => return Err(miss),
    }
    link.watch(rig.settle()).await;
    link.never_said("a lost socket is neither lost media nor an ending", |event| {
        lost(Plane::Media)(event) || matches!(event, Event::Ended { .. } | Event::Closed)
    })?;
    if link.count(lost(Plane::Signaling)) != 1 {
        return broken(format!("one loss must be reported once; the link said {:?}", link.said));
    }
    Ok(())
}

/// A resume on a new socket proves both planes anew and never interrupts the media (F30).
pub async fn a_resume_on_a_new_socket_keeps_the_media(rig: &dyn Rig) -> Check {
    let stage = rig.stage(Behaviour::Accepting).await?;
    let mut media = Media::open();
    let mut old = Driven::join(rig, &stage, media.on(stage.far.a_join())).await?;
    needs(&old, Capability::Resume)?;
    let key = key_of(&old)?;
    old.during(stage.far.cut(Plane::Signaling)).await?;
    old.until(rig, "the loss of the signaling plane", |said| said.iter().any(lost(Plane::Signaling))).await?;
    old.during(stage.far.restore()).await?;

    let mut new = Driven::dial(&*stage.transport, media.on(a_resume(&stage, key, false)));
    old.during(new.carry(rig, &*stage.transport)).await?;
    if !new.up().is_some_and(|up| up.resumed) {
        return broken(format!("a resume must say so in its Up; the link said {:?}", new.said));
    }
    old.close();
    old.finish().await?;
    match new.during(media.send_until_seen(rig, &*stage.far, 5)).await {
        Ok(_) | Err(Miss::NotSupported(_)) => {}
        Err(miss) => return Err(miss),
    }
    for link in [&old, &new] {
        link.never_said("a resume must not touch the media", lost(Plane::Media))?;
    }
    new.close();
    new.finish().await
}

/// With both planes lost, one resume with an ICE restart brings both back.
pub async fn a_resume_with_an_ice_restart_brings_both_planes_back(rig: &dyn Rig) -> Check {
    let stage = rig.stage(Behaviour::Accepting).await?;
    let mut media = Media::open();
    let mut old = Driven::join(rig, &stage, media.on(stage.far.a_join())).await?;
    needs(&old, Capability::Resume)?;
    needs(&old, Capability::IceRestart)?;
    let key = key_of(&old)?;
    old.during(stage.far.cut(Plane::Media)).await?;
    old.during(stage.far.cut(Plane::Signaling)).await?;
    old.until(rig, "the loss of the signaling plane", |said| said.iter().any(lost(Plane::Signaling))).await?;
    old.during(stage.far.restore()).await?;
    let mut new = Driven::dial(&*stage.transport, media.on(a_resume(&stage, key, true)));
    old.during(new.carry(rig, &*stage.transport)).await?;
    old.close();
    old.finish().await?;
    match new.during(media.send_until_seen(rig, &*stage.far, 5)).await {
        Ok(_) | Err(Miss::NotSupported(_)) => Ok(()),
        Err(miss) => Err(miss),
    }
}

/// A dial that fails takes nothing of the link it would have inherited from.
pub async fn a_failed_dial_takes_nothing_of_the_old_link(rig: &dyn Rig) -> Check {
    let stage = rig.stage(Behaviour::Accepting).await?;
    let mut media = Media::open();
    let mut old = Driven::join(rig, &stage, media.on(stage.far.a_join())).await?;
    needs(&old, Capability::Resume)?;
    let key = ResumeKey { secret: Secret::new("not the right one"), ..key_of(&old)? };
    let mut new = Driven::dial(&*stage.transport, a_resume(&stage, key, false));
    old.during(new.until(rig, "no to a resume with a wrong secret", |said| {
        said.iter().any(|event| matches!(event, Event::ResumeRefused(_) | Event::Refused { .. }))
    }))
    .await?;
    old.during(new.finish()).await?;
    new.never_said("a resume with a wrong secret was let in", |event| {
        matches!(event, Event::Up(_) | Event::Carried(_))
    })?;
    drop(new);
    for plane in [Plane::Signaling, Plane::Media] {
        if stage.transport.capabilities().has_plane(plane) {
            old.ask(Action::Ping)?;
            let alive = |event: &Event| *event == Event::Alive(plane);
            old.until_new(rig, "life on the old link after another's dial failed", alive).await?;
        }
    }
    match old.during(media.send_until_seen(rig, &*stage.far, 5)).await {
        Ok(_) | Err(Miss::NotSupported(_)) => {}
        Err(miss) => return Err(miss),
    }
    old.never_said("the old link lost something", |event| {
        matches!(event, Event::PlaneLost(..) | Event::Ended { .. } | Event::Closed)
    })
}

/// A rejoin of the same instance replaces its own ghost, which is not told that it was
/// replaced: that is said only to another instance.
pub async fn a_rejoin_replaces_its_own_ghost_in_silence(rig: &dyn Rig) -> Check {
    let stage = rig.stage(Behaviour::Accepting).await?;
    let before = super::closing::census_of(&stage).await;
    let mut old = Driven::join(rig, &stage, stage.far.a_join()).await?;
    needs(&old, Capability::Rejoin)?;
    let key = old.up().and_then(|up| up.key.clone());
    let request = DialRequest { plan: Plan::Rejoin { key }, epoch: Epoch(2), ..stage.far.a_join() };
    let mut new = Driven::dial(&*stage.transport, request);
    old.during(new.carry(rig, &*stage.transport)).await?;
    old.watch(rig.settle()).await;
    old.never_said("a link replaced by its own instance was told of an ending", |event| {
        matches!(event, Event::Ended { .. })
    })?;
    old.close();
    old.finish().await?;
    new.ask(Action::Ping)?;
    new.until_new(rig, "life on the new link", |event| matches!(event, Event::Alive(_))).await?;
    new.ask(Action::Goodbye)?;
    new.finish().await?;
    drop((old, new));
    match before {
        Ok(before) => super::closing::eventually_as(rig, &stage, &before, "a rejoin").await,
        Err(_) => Ok(()),
    }
}

/// An ICE restart over the living socket proves the media plane again, and nothing else moves.
pub async fn an_ice_restart_carries_the_media_again(rig: &dyn Rig) -> Check {
    let stage = rig.stage(Behaviour::Accepting).await?;
    let mut media = Media::open();
    let mut link = Driven::join(rig, &stage, media.on(stage.far.a_join())).await?;
    needs(&link, Capability::IceRestart)?;
    for _ in 0..2 {
        link.ask(Action::RestartIce)?;
        let carried = |event: &Event| *event == Event::Carried(Plane::Media);
        link.until_new(rig, "proof of the media plane after an ICE restart", carried).await?;
    }
    match link.during(media.send_until_seen(rig, &*stage.far, 5)).await {
        Ok(_) | Err(Miss::NotSupported(_)) => {}
        Err(miss) => return Err(miss),
    }
    link.never_said("an ICE restart cost something", |event| {
        matches!(event, Event::PlaneLost(..) | Event::Ended { .. } | Event::Closed)
    })
}

/// A request to move is passed on with what it says, and the link goes on carrying.
pub async fn a_go_away_is_passed_on_and_the_link_goes_on(rig: &dyn Rig) -> Check {
    let stage = rig.stage(Behaviour::Accepting).await?;
    let mut link = Driven::join(rig, &stage, stage.far.a_join()).await?;
    let hint = GoAwayHint {
        url: None,
        ticket: None,
        deadline: Some(Duration::from_secs(7)),
        reason: GoAwayReason::Rebalance,
    };
    link.during(stage.far.go_away(hint)).await?;
    link.until(rig, "the request to move", |said| {
        said.iter()
            .any(|event| matches!(event, Event::GoAway(said) if said.reason == GoAwayReason::Rebalance))
    })
    .await?;
    link.ask(Action::Ping)?;
    link.until_new(rig, "life after a request to move", |event| matches!(event, Event::Alive(_))).await?;
    link.never_said("a request to move is no ending", |event| {
        matches!(event, Event::Ended { .. } | Event::Closed | Event::PlaneLost(..))
    })
}
