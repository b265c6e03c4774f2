//! Far sides that say no, are not there, or break the protocol.

use super::driven::Driven;
use super::{Behaviour, Check, Hostility, Miss, NotSupported, Rig, broken};
use crate::{Event, FaultKind, RefusedCode};

/// A refusal comes once, with its code, and then `Closed`.
pub async fn a_refused_dial_reports_refused_then_closed(rig: &dyn Rig) -> Check {
    let mut shown = Err(Miss::NotSupported(NotSupported("refusing a dial".into())));
    for code in
        [RefusedCode::Busy, RefusedCode::Unauthorized, RefusedCode::NotFound, RefusedCode::SessionEnded]
    {
        let stage = match rig.stage(Behaviour::Refusing(code)).await {
            Ok(stage) => stage,
            Err(not) => {
                shown = shown.or(Err(not.into()));
                continue;
            }
        };
        let mut link = Driven::dial(&*stage.transport, stage.far.a_join());
        let fits = |event: &Event| matches!(event, Event::Refused { code: is, .. } if *is == code);
        link.until(rig, &format!("the refusal {code}"), |said| said.iter().any(fits)).await?;
        link.finish().await?;
        if link.count(|event| matches!(event, Event::Refused { .. })) != 1 {
            return broken(format!("{code} must be reported once; the link said {:?}", link.said));
        }
        link.never_said("a refused dial is not a failed one, and carries nothing", |event| {
            matches!(
                event,
                Event::DialFailed(_)
                    | Event::PlaneLost(..)
                    | Event::Up(_)
                    | Event::Carried(_)
                    | Event::Ended { .. }
            )
        })?;
        shown = Ok(());
    }
    shown
}

/// A far side that is not there fails the dial as unreachable, and then `Closed`.
pub async fn an_unreachable_far_side_fails_the_dial(rig: &dyn Rig) -> Check {
    let stage = rig.stage(Behaviour::Unreachable).await?;
    let mut link = Driven::dial(&*stage.transport, stage.far.a_join());
    let fits =
        |event: &Event| matches!(event, Event::DialFailed(fault) if fault.kind == FaultKind::Unreachable);
    link.until(rig, "the failure of the dial", |said| said.iter().any(fits)).await?;
    link.finish().await?;
    link.never_said("nobody was there to answer", |event| matches!(event, Event::Answered | Event::Up(_)))
}

/// Whatever the far side says, the link neither panics nor hangs nor lets it in: it fails the
/// dial as a breach of the protocol, or stands it and can be closed (R19, G1, G2).
pub async fn a_hostile_far_side_is_a_typed_failure(rig: &dyn Rig) -> Check {
    let mut shown = Err(Miss::NotSupported(NotSupported("a hostile far side".into())));
    for way in Hostility::ALL {
        let stage = match rig.stage(Behaviour::Hostile(*way)).await {
            Ok(stage) => stage,
            Err(not) => {
                shown = shown.or(Err(not.into()));
                continue;
            }
        };
        let before = stage.far.census().await;
        let mut link = Driven::dial(&*stage.transport, stage.far.a_join());
        let judged =
            |event: &Event| matches!(event, Event::DialFailed(fault) if fault.kind == FaultKind::Protocol);
        if *way == Hostility::OutOfOrder {
            // A message that is merely early may be stood.
            link.watch(rig.settle()).await;
            link.close();
        } else {
            link.until(rig, &format!("a failure of the dial after {way:?}"), |said| said.iter().any(judged))
                .await?;
        }
        link.finish().await?;
        link.never_said("a far side that only broke the protocol let us in", |event| {
            matches!(event, Event::Up(_) | Event::Carried(_) | Event::Ended { .. })
        })?;
        if let Ok(before) = before {
            super::closing::eventually_as(rig, &stage, &before, "a hostile far side").await?;
        }
        shown = Ok(());
    }
    shown
}
