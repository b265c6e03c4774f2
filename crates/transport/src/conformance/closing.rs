//! Endings: one `Closed`, in time, from every place, and nothing left behind.

use super::driven::{CLOSING, Driven};
use super::{Behaviour, Check, Miss, NotSupported, Rig, Stage, broken};
use crate::{Action, EndCode, Event, Plane};
use tokio::time::{Instant, timeout};

pub(super) async fn census_of(stage: &Stage) -> Result<Vec<(&'static str, u64)>, NotSupported> {
    stage.far.census().await
}

/// Waits until the census is again what it was.
pub(super) async fn eventually_as(
    rig: &dyn Rig,
    stage: &Stage,
    before: &[(&'static str, u64)],
    what: &str,
) -> Check {
    let started = Instant::now();
    loop {
        let now = census_of(stage).await?;
        if now == before {
            return Ok(());
        }
        if started.elapsed() > rig.patience() {
            return broken(format!("{what} left something behind: {before:?} became {now:?}"));
        }
        tokio::time::sleep(rig.settle() / 10).await;
    }
}

/// After a close the link says `Closed` within a second, once, and then nothing for ever.
pub async fn closed_is_last_and_then_none(rig: &dyn Rig) -> Check {
    let stage = rig.stage(Behaviour::Accepting).await?;
    let mut link = Driven::join(rig, &stage, stage.far.a_join()).await?;
    let from = link.said.len();
    link.close();
    link.finish().await?;
    if link.said[from..] != [Event::Closed] {
        return broken(format!("after a close the link said {:?}", &link.said[from..]));
    }
    Ok(())
}

/// A second close changes nothing, before and after `Closed` was read.
pub async fn close_twice_is_close_once(rig: &dyn Rig) -> Check {
    let stage = rig.stage(Behaviour::Accepting).await?;
    let mut link = Driven::join(rig, &stage, stage.far.a_join()).await?;
    link.close();
    link.close();
    link.finish().await?;
    link.close();
    link.ended_well().await
}

/// A link that is dropped lets go of all that a closed one does.
pub async fn drop_is_close(rig: &dyn Rig) -> Check {
    let stage = rig.stage(Behaviour::Accepting).await?;
    let before = census_of(&stage).await?;
    let link = Driven::join(rig, &stage, stage.far.a_join()).await?;
    if census_of(&stage).await? == before {
        return broken("a census that does not see a joined link proves nothing");
    }
    drop(link);
    eventually_as(rig, &stage, &before, "a dropped link").await
}

/// After a close an action is taken and ignored: no `Full`, no answer.
pub async fn act_after_close_is_taken_and_ignored(rig: &dyn Rig) -> Check {
    let stage = rig.stage(Behaviour::Accepting).await?;
    let mut link = Driven::join(rig, &stage, stage.far.a_join()).await?;
    link.close();
    let from = link.said.len();
    for _ in 0..10_000 {
        link.ask(Action::Ping)?;
    }
    link.finish().await?;
    link.ask(Action::Goodbye)?;
    if link.said[from..] != [Event::Closed] {
        return broken(format!("an action after the close was answered: {:?}", &link.said[from..]));
    }
    link.ended_well().await
}

/// Acting never waits: a queue that nobody drains gives the action back, and has room again
/// after the link was polled (R16).
pub async fn a_full_queue_gives_the_action_back(rig: &dyn Rig) -> Check {
    let stage = rig.stage(Behaviour::Accepting).await?;
    let mut link = Driven::join(rig, &stage, stage.far.a_join()).await?;
    let Some(back) = (0..100_000).find_map(|_| link.act(Action::Ping).err()) else {
        return broken("the queue of actions has no bound: it took 100000 without a poll");
    };
    if back != Action::Ping {
        return broken(format!("the queue gave another action back: {back:?}"));
    }
    link.until_new(rig, "an answer after the queue was full", |event| matches!(event, Event::Alive(_)))
        .await?;
    let room = timeout(rig.patience(), async {
        while link.act(Action::Ping).is_err() {
            link.watch(rig.settle() / 10).await;
        }
    });
    if room.await.is_err() {
        return broken("the queue of actions never had room again");
    }
    Ok(())
}

/// A goodbye is followed by `Closed` within a second, whoever answers.
pub async fn a_goodbye_is_closed_within_a_second(rig: &dyn Rig) -> Check {
    let stage = rig.stage(Behaviour::Accepting).await?;
    let before = census_of(&stage).await;
    let mut link = Driven::join(rig, &stage, stage.far.a_join()).await?;
    link.ask(Action::Goodbye)?;
    link.finish().await?;
    eventually_as(rig, &stage, &before?, "a goodbye").await
}

/// A goodbye that cannot reach anybody is over within a second as well.
pub async fn a_goodbye_that_nobody_hears_is_closed_within_a_second(rig: &dyn Rig) -> Check {
    let stage = rig.stage(Behaviour::Accepting).await?;
    let mut link = Driven::join(rig, &stage, stage.far.a_join()).await?;
    link.during(stage.far.cut(Plane::Signaling)).await?;
    link.ask(Action::Goodbye)?;
    link.finish().await
}

/// A goodbye said during the join is no join that succeeds afterwards.
pub async fn a_goodbye_during_a_join_ends_it(rig: &dyn Rig) -> Check {
    let stage = rig.stage(Behaviour::Silent).await?;
    let mut link = Driven::dial(&*stage.transport, stage.far.a_join());
    link.watch(rig.settle()).await;
    link.ask(Action::Goodbye)?;
    link.finish().await?;
    link.never_said("a silent far side let us in", |event| matches!(event, Event::Up(_)))
}

/// A dial that nobody answers is closed as fast as any other, however long it has waited.
pub async fn an_unanswered_dial_can_be_closed_at_any_time(rig: &dyn Rig) -> Check {
    let stage = rig.stage(Behaviour::Silent).await?;
    let before = census_of(&stage).await;
    for share in 0..4 {
        let mut link = Driven::dial(&*stage.transport, stage.far.a_join());
        link.watch(rig.settle() * share / 2).await;
        link.never_said("a silent far side answered", |event| {
            matches!(event, Event::Answered | Event::Up(_) | Event::Carried(_))
        })?;
        link.close();
        link.finish().await?;
        if let Ok(before) = &before {
            eventually_as(rig, &stage, before, "an unanswered dial").await?;
        }
    }
    Ok(())
}

/// The far side's ending comes once, with its code, and then `Closed`.
pub async fn an_ending_is_reported_once(rig: &dyn Rig) -> Check {
    let mut shown = Err(Miss::NotSupported(NotSupported("ending a session".into())));
    for code in [EndCode::Closed, EndCode::Kicked, EndCode::ServerShutdown, EndCode::MaxDuration] {
        let stage = rig.stage(Behaviour::Accepting).await?;
        let mut link = Driven::join(rig, &stage, stage.far.a_join()).await?;
        match link.during(stage.far.end(code)).await {
            Ok(()) => shown = Ok(()),
            Err(not) => {
                shown = shown.or(Err(not.into()));
                continue;
            }
        }
        link.until(rig, "the ending", |said| said.iter().any(|event| is_end(event, code))).await?;
        link.finish().await?;
        if link.count(|event| matches!(event, Event::Ended { .. })) != 1 {
            return broken(format!("{code} was not reported once; the link said {:?}", link.said));
        }
        let place = |fits: &dyn Fn(&Event) -> bool| link.said.iter().position(fits);
        if place(&|event| matches!(event, Event::PlaneLost(..))) < place(&|event| is_end(event, code))
            && link.has_said(|event| matches!(event, Event::PlaneLost(..)))
        {
            return broken(format!("an ending looked like a loss first; the link said {:?}", link.said));
        }
    }
    shown
}

fn is_end(event: &Event, of: EndCode) -> bool {
    matches!(event, Event::Ended { code, .. } if *code == of)
}

/// Joining and leaving again and again leaves nothing behind, whichever way is taken.
pub async fn the_census_after_is_the_census_before(rig: &dyn Rig) -> Check {
    let stage = rig.stage(Behaviour::Accepting).await?;
    let before = census_of(&stage).await?;
    for round in 1..=6_u32 {
        let request = crate::DialRequest { epoch: crate::Epoch(round), ..stage.far.a_join() };
        let mut link = Driven::join(rig, &stage, request).await?;
        match round % 3 {
            0 => link.ask(Action::Goodbye)?,
            1 => link.close(),
            _ => {
                drop(link);
                eventually_as(rig, &stage, &before, "a dropped link").await?;
                continue;
            }
        }
        let _ = timeout(CLOSING, async { while link.next().await.is_some() {} }).await;
        eventually_as(rig, &stage, &before, "a link that ended").await?;
    }
    Ok(())
}
