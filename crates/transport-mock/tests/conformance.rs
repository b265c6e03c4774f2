//! The mock passes the suite that every transport passes, wholly: nothing is skipped. And the
//! suite is worth passing: each check finds out a transport that breaks its rule.

mod rig;

use offhook_transport::conformance::{CHECKS, Outcome, run_all, run_one};
use rig::MockRig;
use rig::breach::Breach;

#[tokio::test(start_paused = true)]
async fn the_mock_keeps_every_rule_and_skips_none() {
    let report = run_all(&MockRig::default()).await;
    report.assert_held();
    assert_eq!(report.skipped(), [""; 0]);
}

/// Who must be found out by which check.
const FOUND_OUT: &[(Breach, &[&str])] = &[
    (Breach::PollsInDial, &["nothing_happens_before_the_first_poll"]),
    (Breach::UpTwice, &["a_join_reports_progress_then_up_then_carried_on_each_plane"]),
    (Breach::NoProgress, &["a_join_reports_progress_then_up_then_carried_on_each_plane"]),
    (Breach::CarriedBeforeUp, &["carried_comes_only_after_up"]),
    (
        Breach::NoUp,
        &["a_join_reports_progress_then_up_then_carried_on_each_plane", "carried_comes_only_after_up"],
    ),
    (Breach::NoAlive, &["a_ping_brings_a_sign_of_life_on_each_plane", "a_full_queue_gives_the_action_back"]),
    (Breach::NoSent, &["a_message_is_answered_by_its_id"]),
    (
        Breach::LeaksOnDrop,
        &["poll_next_can_be_abandoned_at_any_time", "drop_is_close", "the_census_after_is_the_census_before"],
    ),
    (
        Breach::NoFailure,
        &["a_far_side_that_goes_away_fails_the_dial", "a_hostile_far_side_is_a_typed_failure"],
    ),
    (Breach::AcksAnotherRevision, &["the_carried_revision_is_acked", "an_apply_is_acked_by_revision"]),
    (Breach::NamesNoItem, &["a_refused_apply_says_which_item", "a_refused_initial_state_refuses_the_join"]),
    (Breach::ClosedTwice, &["closed_is_last_and_then_none", "close_twice_is_close_once"]),
    (Breach::FullAfterClose, &["act_after_close_is_taken_and_ignored"]),
    (Breach::EndlessQueue, &["a_full_queue_gives_the_action_back"]),
    (
        Breach::DeafToGoodbye,
        &[
            "a_goodbye_is_closed_within_a_second",
            "a_goodbye_that_nobody_hears_is_closed_within_a_second",
            "a_goodbye_during_a_join_ends_it",
        ],
    ),
    (Breach::AnswersItself, &["an_unanswered_dial_can_be_closed_at_any_time"]),
    (Breach::EndedTwice, &["an_ending_is_reported_once"]),
    (Breach::FailsAfterRefusal, &["a_refused_dial_reports_refused_then_closed"]),
    (Breach::RefusesForUnreachable, &["an_unreachable_far_side_fails_the_dial"]),
    (Breach::PanicsOnGarbage, &["a_hostile_far_side_is_a_typed_failure"]),
    (
        Breach::LosesMediaWithSignaling,
        &[
            "a_lost_signaling_plane_leaves_media_alone",
            "a_resume_on_a_new_socket_keeps_the_media",
            "a_redial_replaces_a_dial_under_way",
        ],
    ),
    (Breach::HidesItsEpoch, &["a_stale_epoch_is_refused_and_changes_nothing"]),
    (Breach::InheritsNothing, &["a_resume_on_a_new_socket_keeps_the_media"]),
    (Breach::RestartsNoIce, &["a_resume_with_an_ice_restart_brings_both_planes_back"]),
    (Breach::FailedDialTakesAll, &["a_failed_dial_takes_nothing_of_the_old_link"]),
    (Breach::RejoinEndsOld, &["a_rejoin_replaces_its_own_ghost_in_silence"]),
    (Breach::DeafToRestart, &["an_ice_restart_carries_the_media_again"]),
    (Breach::GoAwayIsTheEnd, &["a_go_away_is_passed_on_and_the_link_goes_on"]),
    (Breach::SwapsFrames, &["frames_go_out_in_order"]),
    (Breach::TakesNoFrames, &["frames_come_in_in_order"]),
    (
        Breach::IgnoresGate,
        &["no_frame_leaves_before_the_gate_opens", "no_frame_leaves_after_the_gate_closed"],
    ),
    (Breach::NeverCarries, &["a_late_answer_is_still_an_answer"]),
    (Breach::KeepsTheTrack, &["a_closed_link_takes_no_frames"]),
    (Breach::CriesWolf, &["a_watch_of_a_network_that_stays_is_silent_and_leaves_nothing"]),
    (Breach::KeepsWatching, &["a_watch_of_a_network_that_stays_is_silent_and_leaves_nothing"]),
    (Breach::PresentUnasked, &["nothing_of_presence_happens_before_the_first_poll"]),
    (Breach::PresentTwice, &["presence_is_up_first_and_once"]),
    (Breach::PresentWithoutPulse, &["a_ping_of_presence_brings_a_sign_of_life"]),
    (Breach::KnowsNothingOfRings, &["a_question_about_an_unknown_ring_is_answered"]),
    (Breach::LostForRefused, &["a_refused_presence_says_so_and_is_over"]),
    (Breach::RefusedForLost, &["an_unreachable_far_side_is_a_lost_presence"]),
    (Breach::LastWordTwice, &["a_closed_presence_says_so_once_and_leaves_nothing"]),
    (Breach::KeepsPresence, &["a_dropped_presence_leaves_nothing"]),
];

#[tokio::test(start_paused = true)]
async fn each_check_finds_out_who_breaks_its_rule() {
    for (breach, by) in FOUND_OUT {
        for name in *by {
            let check = CHECKS.iter().find(|check| check.name == *name).expect("the check is in the suite");
            let rig = MockRig::breaking(*breach);
            let outcome = run_one(check, &rig).await;
            assert!(matches!(outcome, Outcome::Broken(_)), "{name} did not find {breach:?} out: {outcome:?}");
        }
    }
}

#[test]
fn no_check_is_without_a_transport_that_fails_it() {
    let shown: Vec<_> = FOUND_OUT.iter().flat_map(|(_, by)| *by).collect();
    for check in CHECKS {
        assert!(shown.contains(&&check.name), "{} was never shown to fail", check.name);
    }
}
