//! Tests of the runner: a rig that can do nothing, and one that panics.

use super::*;
use crate::conformance::{Behaviour, NotSupported, Stage};
use async_trait::async_trait;
use std::collections::HashSet;

struct Nothing;

#[async_trait]
impl Rig for Nothing {
    async fn stage(&self, behaviour: Behaviour) -> Result<Stage, NotSupported> {
        assert_ne!(behaviour, Behaviour::Unreachable, "nobody is there");
        Err(NotSupported(format!("{behaviour:?}")))
    }
}

#[tokio::test]
async fn what_a_rig_cannot_do_is_skipped_with_its_reason_and_a_panic_is_a_broken_rule() {
    let report = run_all(&Nothing).await;
    assert_eq!(report.outcomes.len(), CHECKS.len());
    let asked_for_nobody =
        ["an_unreachable_far_side_fails_the_dial", "an_unreachable_far_side_is_a_lost_presence"];
    assert_eq!(report.broken(), asked_for_nobody);
    let printed = report.to_string();
    assert!(printed.contains("skipped  drop_is_close: this rig does not support Accepting"), "{printed}");
    assert!(printed.contains("panicked: "), "{printed}");
    assert!(printed.contains("nobody is there"), "{printed}");
}

#[test]
fn no_two_checks_bear_one_name() {
    let names: HashSet<_> = CHECKS.iter().map(|check| check.name).collect();
    assert_eq!(names.len(), CHECKS.len());
}
