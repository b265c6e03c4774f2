//! Joins: what is reported, in which order, and that a join may be abandoned at any time.

use super::closing::{census_of, eventually_as};
use super::driven::Driven;
use super::{Behaviour, Check, Rig, Step, broken};
use crate::{Capability, Event, Plane, Progress};
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

/// A connection that was not polled opened nothing, and closes without having done so.
pub async fn nothing_happens_before_the_first_poll(rig: &dyn Rig) -> Check {
    let stage = rig.stage(Behaviour::Accepting).await?;
    let before = census_of(&stage).await?;
    let mut link = Driven::dial(&*stage.transport, stage.far.a_join());
    tokio::time::sleep(rig.settle()).await;
    let dialled = census_of(&stage).await?;
    if dialled != before {
        return broken(format!("dialling alone changed the census from {before:?} to {dialled:?}"));
    }
    link.close();
    link.finish().await?;
    if link.said != [Event::Closed] {
        return broken(format!("a link closed before its first poll said {:?}", link.said));
    }
    Ok(())
}

/// Answered, then progress that never goes back, `Up` once, and each plane carried.
pub async fn a_join_reports_progress_then_up_then_carried_on_each_plane(rig: &dyn Rig) -> Check {
    let stage = rig.stage(Behaviour::Accepting).await?;
    let mut link = Driven::join(rig, &stage, stage.far.a_join()).await?;
    let place = |fits: &dyn Fn(&Event) -> bool| link.said.iter().position(fits);
    let up = place(&|event| matches!(event, Event::Up(_)));
    let answered = place(&|event| matches!(event, Event::Answered));
    if answered.is_none() || answered > up {
        return broken(format!("Answered must come before Up; the link said {:?}", link.said));
    }
    let steps: Vec<u8> = link.said.iter().filter_map(step_of).collect();
    if steps.is_empty() || steps.windows(2).any(|pair| pair[0] > pair[1]) {
        return broken(format!("progress is missing or goes back; the link said {:?}", link.said));
    }
    let last_step = link.said.iter().rposition(|event| step_of(event).is_some());
    let carried = place(&|event| *event == Event::Carried(Plane::Media));
    if carried.is_some() && last_step > carried {
        return broken(format!("progress after the media carried; the link said {:?}", link.said));
    }
    if link.count(|event| matches!(event, Event::Up(_))) != 1 {
        return broken(format!("Up must come once; the link said {:?}", link.said));
    }
    let most = stage.transport.capabilities();
    let granted = link.up().map(|up| up.capabilities).unwrap_or_default();
    for plane in [Plane::Signaling, Plane::Media] {
        if granted.has_plane(plane) && !most.has_plane(plane) {
            return broken(format!("the session has a {plane:?} plane that the transport says it lacks"));
        }
    }
    link.close();
    link.finish().await
}

const fn step_of(event: &Event) -> Option<u8> {
    match event {
        Event::Progress(Progress::Searching { .. }) => Some(1),
        Event::Progress(Progress::Preparing { .. }) => Some(2),
        Event::Progress(Progress::Connecting) => Some(3),
        _ => None,
    }
}

/// No plane is proven before the far side let us in (R5).
pub async fn carried_comes_only_after_up(rig: &dyn Rig) -> Check {
    let stage = rig.stage(Behaviour::Accepting).await?;
    let link = Driven::join(rig, &stage, stage.far.a_join()).await?;
    let up = link.said.iter().position(|event| matches!(event, Event::Up(_)));
    let carried = link.said.iter().position(|event| matches!(event, Event::Carried(_)));
    if up.is_none() || carried < up {
        return broken(format!("Carried without an Up before it; the link said {:?}", link.said));
    }
    Ok(())
}

/// A far side that is slow is still joined.
pub async fn a_late_answer_is_still_an_answer(rig: &dyn Rig) -> Check {
    let stage = rig.stage(Behaviour::Late(Duration::from_millis(300))).await?;
    Driven::join(rig, &stage, stage.far.a_join()).await.map(drop)
}

/// A far side that lives answers a ping on every plane (R9).
pub async fn a_ping_brings_a_sign_of_life_on_each_plane(rig: &dyn Rig) -> Check {
    let stage = rig.stage(Behaviour::Accepting).await?;
    let mut link = Driven::join(rig, &stage, stage.far.a_join()).await?;
    let from = link.said.len();
    link.ask(crate::Action::Ping)?;
    for plane in [Plane::Signaling, Plane::Media] {
        if stage.transport.capabilities().has_plane(plane) {
            let alive = Event::Alive(plane);
            link.until(rig, "a sign of life after a ping", |said| said[from..].contains(&alive)).await?;
        }
    }
    Ok(())
}

/// However often the future of the next report is dropped, no report is lost; and wherever
/// in a join the host gives up, nothing is left behind.
pub async fn poll_next_can_be_abandoned_at_any_time(rig: &dyn Rig) -> Check {
    let stage = rig.stage(Behaviour::Accepting).await?;
    let before = census_of(&stage).await;
    for (epoch, polls) in (1..).zip(0..rig.abandoned_polls()) {
        let request = crate::DialRequest { epoch: crate::Epoch(epoch), ..stage.far.a_join() };
        let mut connection = stage.transport.dial(request);
        let mut said = Vec::new();
        let mut polled = 0;
        let given_up = tokio::time::timeout(
            rig.patience(),
            poll_fn(|cx| {
                loop {
                    if polled == polls || carried_all(&said, &*stage.transport) {
                        return Poll::Ready(());
                    }
                    polled += 1;
                    match connection.poll_next(cx) {
                        Poll::Ready(Some(event)) => said.push(event),
                        Poll::Ready(None) => return Poll::Ready(()),
                        Poll::Pending => return Poll::Pending,
                    }
                }
            }),
        )
        .await;
        if given_up.is_err() {
            return broken(format!("a join hung after {polled} polls; it said {said:?}"));
        }
        drop(connection);
        if let Ok(before) = &before {
            eventually_as(rig, &stage, before, "a join that was abandoned").await?;
        }
        if carried_all(&said, &*stage.transport) {
            break;
        }
    }
    // Without a census only the first half was shown, and that is no pass.
    before.map_or_else(|not| Err(not.into()), |_| Ok(()))
}

fn carried_all(said: &[Event], transport: &dyn crate::Transport) -> bool {
    [Plane::Signaling, Plane::Media]
        .into_iter()
        .filter(|plane| transport.capabilities().has_plane(*plane))
        .all(|plane| said.contains(&Event::Carried(plane)))
}

/// A far side that goes away in the middle of a join fails the dial, or costs the planes of
/// the link that was just let in; it never leaves the host waiting for a close.
pub async fn a_far_side_that_goes_away_fails_the_dial(rig: &dyn Rig) -> Check {
    for step in Step::ALL {
        let stage = rig.stage(Behaviour::ClosingAt(*step)).await?;
        let mut link = Driven::dial(&*stage.transport, stage.far.a_join());
        link.until(rig, "news of a far side that went away", |said| {
            said.iter().any(|event| matches!(event, Event::DialFailed(_) | Event::PlaneLost(..)))
        })
        .await?;
        let let_in = link.up().is_some();
        if let_in != (*step == Step::Admitted) {
            return broken(format!("gone at {step:?}, and yet the link said {:?}", link.said));
        }
        if let_in {
            link.close();
        }
        link.never_said("a far side that went away ended nothing", |event| {
            matches!(event, Event::Ended { .. })
        })?;
        link.finish().await?;
    }
    Ok(())
}

/// A message goes out and is answered by its id.
pub async fn a_message_is_answered_by_its_id(rig: &dyn Rig) -> Check {
    let stage = rig.stage(Behaviour::Accepting).await?;
    let mut link = Driven::join(rig, &stage, stage.far.a_join()).await?;
    if !link.up().is_some_and(|up| up.capabilities.has(Capability::Messages)) {
        return Err(super::NotSupported("messages".into()).into());
    }
    for id in [7, 8] {
        let payload = vec![0, 159, 146, 150].into();
        link.ask(crate::Action::Send(crate::Outgoing {
            id,
            to: crate::Whom::Everybody,
            topic: "chat".into(),
            payload,
        }))?;
    }
    for id in [7, 8] {
        let sent = Event::Content(crate::Content::Sent { id });
        link.until(rig, "the answer to a message", |said| said.contains(&sent)).await?;
    }
    Ok(())
}
