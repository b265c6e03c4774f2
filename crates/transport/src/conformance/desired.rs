//! The desired state: carried by a join, applied afterwards, refused with a reason.

use super::driven::Driven;
use super::{Behaviour, Check, Miss, NotSupported, Rig, Stage, broken};
use crate::{
    Action, Capability, Desired, DialRequest, Event, Prompt, RefusalItem, RefusedCode, Revision, Verdict,
};

fn prompting(text: &str) -> Desired {
    Desired { prompt: Some(Prompt { text: text.into(), enhance: false }), ..Desired::default() }
}

fn carrying(rig: &dyn Rig, stage: &Stage, revision: u64) -> DialRequest {
    let desired = prompting(rig.known_prompt());
    DialRequest { desired, revision: Revision(revision), ..stage.far.a_join() }
}

async fn joined_with_acks(rig: &dyn Rig, stage: &Stage, request: DialRequest) -> Result<Driven, Miss> {
    let link = Driven::join(rig, stage, request).await?;
    match link.up() {
        Some(up) if up.capabilities.has(Capability::Acks) && up.capabilities.has(Capability::Prompt) => {
            Ok(link)
        }
        _ => Err(NotSupported("acks of prompts".into()).into()),
    }
}

/// The state that a join carries is acked with its own revision, by an event or in the `Up`.
pub async fn the_carried_revision_is_acked(rig: &dyn Rig) -> Check {
    let stage = rig.stage(Behaviour::Accepting).await?;
    let mut link = joined_with_acks(rig, &stage, carrying(rig, &stage, 5)).await?;
    let applied = Event::Acked { revision: Revision(5), verdict: Verdict::Applied };
    if link.up().and_then(|up| up.acked) != Some(Revision(5)) {
        link.until(rig, "the ack of revision 5, which the join carried", |said| said.contains(&applied))
            .await?;
    }
    link.never_said(
        "a revision was acked that nobody sent",
        |event| matches!(event, Event::Acked { revision, .. } if *revision != Revision(5)),
    )
}

/// Each apply is answered with its own revision.
pub async fn an_apply_is_acked_by_revision(rig: &dyn Rig) -> Check {
    let stage = rig.stage(Behaviour::Accepting).await?;
    let mut link = joined_with_acks(rig, &stage, carrying(rig, &stage, 1)).await?;
    for revision in [Revision(2), Revision(9)] {
        link.ask(Action::Apply { revision, desired: prompting(rig.known_prompt()) })?;
        let applied = Event::Acked { revision, verdict: Verdict::Applied };
        link.until(rig, "the ack of an apply", |said| said.contains(&applied)).await?;
    }
    Ok(())
}

/// A refused apply names its revision and the part that was refused, and the link goes on.
pub async fn a_refused_apply_says_which_item(rig: &dyn Rig) -> Check {
    let Some(unknown) = rig.unknown_prompt() else {
        return Err(NotSupported("a prompt that the far side refuses".into()).into());
    };
    let stage = rig.stage(Behaviour::Accepting).await?;
    let mut link = joined_with_acks(rig, &stage, carrying(rig, &stage, 1)).await?;
    link.ask(Action::Apply { revision: Revision(2), desired: prompting(unknown) })?;
    let answer = link
        .until_new(
            rig,
            "the answer to a prompt that is not known",
            |event| matches!(event, Event::Acked { revision, .. } if *revision == Revision(2)),
        )
        .await?;
    let Event::Acked { verdict: Verdict::Refused { item: RefusalItem::Prompt, text }, .. } = answer else {
        return broken(format!("a prompt that is not known was answered {answer:?}"));
    };
    if text.is_empty() {
        return broken("a refusal must say why");
    }
    link.ask(Action::Apply { revision: Revision(3), desired: prompting(rig.known_prompt()) })?;
    let applied = Event::Acked { revision: Revision(3), verdict: Verdict::Applied };
    link.until(rig, "an ack after a refusal", |said| said.contains(&applied)).await
}

/// A join whose initial state is refused is refused as such, before anything is up (F03).
pub async fn a_refused_initial_state_refuses_the_join(rig: &dyn Rig) -> Check {
    let Some(unknown) = rig.unknown_prompt() else {
        return Err(NotSupported("a prompt that the far side refuses".into()).into());
    };
    let stage = rig.stage(Behaviour::Accepting).await?;
    let request = DialRequest { desired: prompting(unknown), ..carrying(rig, &stage, 1) };
    let mut link = Driven::dial(&*stage.transport, request);
    link.until(rig, "a refusal of the initial prompt", |said| {
        said.iter().any(|event| matches!(event, Event::Refused { .. }))
    })
    .await?;
    link.finish().await?;
    let fits = |event: &Event| {
        matches!(event, Event::Refused {
            code: RefusedCode::InitialState, item: Some(RefusalItem::Prompt), text, ..
        } if !text.is_empty())
    };
    if !link.has_said(fits) {
        return broken(format!(
            "the refusal must name the prompt and say why; the link said {:?}",
            link.said
        ));
    }
    link.never_said("a refused join carried", |event| matches!(event, Event::Carried(_)))
}
