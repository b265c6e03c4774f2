//! Prompts: applied or refused by number, never in silence.

use crate::wire::{Member, Wire, apply, credential, desired, join, server};
use offhook_server::{Grants, Mint};
use offhook_signaling::{Acked, FromServer, Item, Join, RefusalCode, Refused};

async fn answer(member: &mut Member) -> Result<Acked, Refused> {
    member
        .wire
        .until("an answer to the prompt", |message| match message {
            FromServer::Acked(acked) => Some(Ok(acked)),
            FromServer::Refused(refused) => Some(Err(refused)),
            _ => None,
        })
        .await
}

// F03, R14
#[tokio::test]
async fn the_state_a_join_carries_is_acked_without_a_number() {
    let server = server().await;
    let mut member =
        Wire::enter_with(&server, Join { desired: desired(6, Some("sepia")), ..join("ada", 1) }).await;
    assert_eq!(member.joined.snapshot.applied, Some(6));
    assert_eq!(answer(&mut member).await, Ok(Acked { revision: 6, id: None }));
}

// F50
#[tokio::test]
async fn prompts_are_answered_by_number_whatever_their_text() {
    let server = server().await;
    let mut member = Wire::enter(&server, "ada", 1).await;
    answer(&mut member).await.expect("the join's own state");
    for (id, revision) in [(70, 2), (3, 3)] {
        member.wire.say(&apply(id, revision, "posterize")).await;
        assert_eq!(answer(&mut member).await, Ok(Acked { revision, id: Some(id) }));
    }
    member.wire.say(&apply(4, 4, "zorblax")).await;
    let refused = answer(&mut member).await.expect_err("nobody knows that word");
    assert_eq!((refused.id, refused.revision, refused.item), (Some(4), 4, Item::Prompt));
    assert_eq!(refused.code, RefusalCode::NotUnderstood);
    assert!(refused.text.contains("posterize"), "{}", refused.text);
    // The refused revision is withdrawn; the next one stands on its own.
    member.wire.say(&apply(5, 5, "mirror")).await;
    assert_eq!(answer(&mut member).await, Ok(Acked { revision: 5, id: Some(5) }));
}

// R14: what is newer covers what is older.
#[tokio::test]
async fn a_revision_that_is_overtaken_is_acked_and_not_painted_again() {
    let server = server().await;
    let mut member = Wire::enter_with(&server, Join { desired: desired(5, None), ..join("ada", 1) }).await;
    answer(&mut member).await.expect("the join's own state");
    member.wire.say(&apply(1, 3, "zorblax")).await;
    assert_eq!(answer(&mut member).await, Ok(Acked { revision: 3, id: Some(1) }));
}

#[tokio::test]
async fn a_credential_without_the_right_to_prompt_sets_none() {
    let server = server().await;
    let grants = Grants { prompt: false, ..Grants::default() };
    let credential = Some(credential(&Mint::user("ada").grants(grants)));
    let mut member = Wire::enter_with(&server, Join { credential, ..join("ada", 1) }).await;
    answer(&mut member).await.expect("no prompt, nothing to refuse");
    member.wire.say(&apply(1, 2, "sepia")).await;
    assert_eq!(answer(&mut member).await.expect_err("not allowed").code, RefusalCode::NotPermitted);
}
