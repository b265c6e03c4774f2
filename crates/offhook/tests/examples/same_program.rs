//! The example, run over both transports: one program, and nothing in it tells them apart.

use crate::programs::same_program::{Outcome, program};
use offhook::{CallingState, EndReason};
use std::time::Duration;

async fn outcome(arguments: &[&str]) -> Outcome {
    let run = tokio::time::timeout(Duration::from_secs(60), program(arguments));
    run.await.expect("a run takes seconds").expect("it joins, sets two prompts and leaves")
}

fn expected() -> Outcome {
    Outcome {
        states: vec![CallingState::Joining, CallingState::Joined],
        prompts_applied: 2,
        frames_back: 2,
        reason: EndReason::LeftByUser,
    }
}

#[tokio::test(start_paused = true)]
async fn it_runs_over_the_scripted_transport() {
    assert_eq!(outcome(&["mock"]).await, expected());
}

#[cfg(feature = "webrtc")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_runs_over_webrtc_against_a_server_of_its_own() {
    assert_eq!(outcome(&["webrtc"]).await, expected());
}

#[tokio::test]
async fn it_says_how_it_is_used() {
    let error = program(&["telegraph"]).await.expect_err("no such transport");
    assert!(error.to_string().contains("say `mock`"), "{error}");
}
