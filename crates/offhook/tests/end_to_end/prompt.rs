//! Prompts of a session that runs: applied by the far side, or refused in its own words (F50).

use crate::far_side::*;
use offhook::{SetError, StateItem};

/// F50.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_prompt_is_acked_or_refused_with_the_far_sides_words() {
    let server = server().await;
    let client = client(&server, "ada");
    let session = joined(&client, "7").await;
    let first = soon("the ack", session.set_prompt("posterize")).await.expect("it is known");
    let refused = soon("the refusal", session.set_prompt("xyzzy")).await.expect_err("it is not");
    let SetError::Refused { item: StateItem::Prompt, text } = &refused else { panic!("{refused:?}") };
    assert!(text.contains("posterize"), "the studio says what it knows: {text}");
    assert!(refused.to_string().contains("posterize"), "{refused}");
    let second = soon("the ack", session.set_prompt("edges")).await.expect("a refusal is not the end");
    assert!(second > first);
    // Begun together, each ends exactly once: the last is applied, those it covers are superseded (R15).
    let all = ["sepia", "invert", "mirror"].map(|prompt| session.set_prompt(prompt));
    let results = soon("the acks", futures_util::future::join_all(all)).await;
    assert!(results[2].is_ok(), "{results:?}");
    for result in &results[..2] {
        assert!(matches!(result, Ok(_) | Err(SetError::Superseded)), "{results:?}");
    }
    drop(session.leave());
    client.shutdown().await;
    server.shutdown().await;
}
