//! Running the checks, and what they came to.

use super::{Check, Miss, Rig};
use std::any::Any;
use std::fmt;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::Poll;

#[cfg(test)]
mod tests;

type Checking<'a> = Pin<Box<dyn Future<Output = Check> + 'a>>;

/// A check by its name.
#[derive(Clone, Copy)]
pub struct Named {
    /// The fact it holds.
    pub name: &'static str,
    run: for<'a> fn(&'a dyn Rig) -> Checking<'a>,
}

impl fmt::Debug for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

macro_rules! checks {
    ($($name:ident),* $(,)?) => {
        /// Every check of the suite, in the order they are run.
        pub const CHECKS: &[Named] =
            &[$(Named { name: stringify!($name), run: |rig| Box::pin(super::$name(rig)) }),*];
    };
}

checks! {
    nothing_happens_before_the_first_poll,
    a_join_reports_progress_then_up_then_carried_on_each_plane,
    carried_comes_only_after_up,
    a_late_answer_is_still_an_answer,
    a_ping_brings_a_sign_of_life_on_each_plane,
    a_message_is_answered_by_its_id,
    poll_next_can_be_abandoned_at_any_time,
    a_far_side_that_goes_away_fails_the_dial,
    the_carried_revision_is_acked,
    an_apply_is_acked_by_revision,
    a_refused_apply_says_which_item,
    a_refused_initial_state_refuses_the_join,
    closed_is_last_and_then_none,
    close_twice_is_close_once,
    drop_is_close,
    act_after_close_is_taken_and_ignored,
    a_full_queue_gives_the_action_back,
    a_goodbye_is_closed_within_a_second,
    a_goodbye_that_nobody_hears_is_closed_within_a_second,
    a_goodbye_during_a_join_ends_it,
    an_unanswered_dial_can_be_closed_at_any_time,
    an_ending_is_reported_once,
    the_census_after_is_the_census_before,
    a_refused_dial_reports_refused_then_closed,
    an_unreachable_far_side_fails_the_dial,
    a_hostile_far_side_is_a_typed_failure,
    a_lost_signaling_plane_leaves_media_alone,
    a_resume_on_a_new_socket_keeps_the_media,
    a_resume_with_an_ice_restart_brings_both_planes_back,
    a_failed_dial_takes_nothing_of_the_old_link,
    a_rejoin_replaces_its_own_ghost_in_silence,
    an_ice_restart_carries_the_media_again,
    a_redial_replaces_a_dial_under_way,
    a_stale_epoch_is_refused_and_changes_nothing,
    a_go_away_is_passed_on_and_the_link_goes_on,
    frames_go_out_in_order,
    frames_come_in_in_order,
    no_frame_leaves_before_the_gate_opens,
    no_frame_leaves_after_the_gate_closed,
    a_closed_link_takes_no_frames,
    a_watch_of_a_network_that_stays_is_silent_and_leaves_nothing,
    nothing_of_presence_happens_before_the_first_poll,
    presence_is_up_first_and_once,
    a_ping_of_presence_brings_a_sign_of_life,
    a_question_about_an_unknown_ring_is_answered,
    a_refused_presence_says_so_and_is_over,
    an_unreachable_far_side_is_a_lost_presence,
    a_closed_presence_says_so_once_and_leaves_nothing,
    a_dropped_presence_leaves_nothing,
}

/// What became of one check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The transport keeps the rule.
    Held,
    /// The rig could not show it, and why.
    Skipped(String),
    /// The transport breaks the rule, and how.
    Broken(String),
}

/// What became of the whole suite.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Each check by its name, in the order they were run.
    pub outcomes: Vec<(&'static str, Outcome)>,
}

impl Report {
    /// The checks that the rig could not show.
    pub fn skipped(&self) -> Vec<&'static str> {
        self.names(|outcome| matches!(outcome, Outcome::Skipped(_)))
    }

    /// The rules that the transport breaks.
    pub fn broken(&self) -> Vec<&'static str> {
        self.names(|outcome| matches!(outcome, Outcome::Broken(_)))
    }

    fn names(&self, which: impl Fn(&Outcome) -> bool) -> Vec<&'static str> {
        self.outcomes.iter().filter(|(_, outcome)| which(outcome)).map(|(name, _)| *name).collect()
    }

    /// Fails a test with every broken rule, and prints what was skipped.
    ///
    /// # Panics
    /// If a rule is broken.
    pub fn assert_held(&self) {
        println!("{self}");
        assert!(self.broken().is_empty(), "the transport breaks its contract:\n{self}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, outcome) in &self.outcomes {
            match outcome {
                Outcome::Held => writeln!(f, "held     {name}")?,
                Outcome::Skipped(why) => writeln!(f, "skipped  {name}: {why}")?,
                Outcome::Broken(how) => writeln!(f, "BROKEN   {name}: {how}")?,
            }
        }
        Ok(())
    }
}

/// Runs every check against the rig, one after the other.
pub async fn run_all(rig: &dyn Rig) -> Report {
    let mut report = Report::default();
    for check in CHECKS {
        report.outcomes.push((check.name, run_one(check, rig).await));
    }
    report
}

/// Runs one check. A panic of the transport is a broken rule, not the end of the run.
pub async fn run_one(check: &Named, rig: &dyn Rig) -> Outcome {
    let mut checking = (check.run)(rig);
    let caught = poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| checking.as_mut().poll(cx))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(check)) => Poll::Ready(Ok(check)),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await;
    match caught {
        Ok(Ok(())) => Outcome::Held,
        Ok(Err(Miss::NotSupported(not))) => Outcome::Skipped(not.to_string()),
        Ok(Err(Miss::Broken(how))) => Outcome::Broken(how),
        Err(panic) => Outcome::Broken(format!("panicked: {}", words_of(&*panic))),
    }
}

fn words_of(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without a word")
}
