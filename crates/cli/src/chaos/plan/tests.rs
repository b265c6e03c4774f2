//! The same seed gives the same plan, and the plan is one that can be judged.
use super::*;
use crate::trial::witness::Witness;
use offhook_media::Clip;
use offhook_server::studio::Recipe;
use std::collections::BTreeSet;

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn the_same_seed_gives_the_same_plan_and_another_seed_another() {
    for seed in 0..50 {
        assert_eq!(Plan::seeded(seed, MINUTE), Plan::seeded(seed, MINUTE));
        assert_ne!(Plan::seeded(seed, MINUTE).wishes, Plan::seeded(seed + 1, MINUTE).wishes);
        assert_ne!(Plan::seeded(seed, MINUTE).faults, Plan::seeded(seed + 1, MINUTE).faults);
        assert_ne!(Plan::seeded(seed, MINUTE).turns, Plan::seeded(seed + 1, MINUTE).turns);
    }
}

#[test]
fn this_seed_asks_for_this_on_every_machine() {
    let wishes = Plan::seeded(7, Duration::from_secs(20)).wishes;
    let told: Vec<_> = wishes.iter().take(4).map(|(at, wish)| format!("{} {wish}", at.as_millis())).collect();
    assert_eq!(told, ["887 ask for ink", "1833 ask for flip", "3549 mute", "3607 ask for sepia"]);
}

#[test]
fn this_seed_has_this_go_wrong_on_every_machine() {
    assert_eq!(Plan::seeded(7, Duration::from_secs(40)).to_string(), GOLDEN.trim_matches('\n'));
}

#[test]
fn every_turn_of_a_server_and_everything_that_is_told_comes_up() {
    let (mut turns, mut told) = (BTreeSet::new(), BTreeSet::new());
    for seed in 0..40 {
        let plan = Plan::seeded(seed, MINUTE);
        turns.extend(plan.turns.iter().map(|act| act.turn.to_string()));
        told.extend(plan.told.iter().map(|(_, hint)| hint.to_string()));
    }
    assert_eq!((turns.len(), told.len()), (7, 6), "{turns:?} {told:?}");
}

#[test]
fn a_network_that_is_told_gone_is_told_back_and_turns_follow_one_another() {
    for seed in 0..200 {
        let plan = Plan::seeded(seed, MINUTE);
        let mut gone = None;
        for (at, hint) in &plan.told {
            match hint {
                Hint::Down | Hint::Sleeps => assert_eq!(gone.replace(*hint), None, "{seed} {at:?}"),
                Hint::Up => assert_eq!(gone.take(), Some(Hint::Down), "{seed} {at:?}"),
                Hint::Wakes => assert_eq!(gone.take(), Some(Hint::Sleeps), "{seed} {at:?}"),
                Hint::UpUnasked | Hint::Changed => assert_eq!(gone, None, "{seed} {at:?}"),
            }
        }
        assert_eq!(gone, None, "{seed}");
        assert!(plan.turns.windows(2).all(|two| two[0].end() < two[1].at), "{seed}");
        let last = plan.turns.iter().map(|act| act.end() + act.spread()).max().unwrap_or_default();
        assert!(last + BACK <= MINUTE, "{seed}: {last:?}");
    }
}

#[test]
fn a_plan_asks_all_along_ends_unmuted_and_repeats_no_look_soon() {
    for seed in 0..200 {
        let plan = Plan::seeded(seed, MINUTE);
        assert!(!plan.faults.steps().is_empty(), "{seed}");
        let muted = plan.wishes.iter().rev().find_map(|(_, wish)| match wish {
            Wish::Muted(muted) => Some(*muted),
            Wish::Prompt(_) => None,
        });
        assert_eq!(muted, Some(false), "{seed}");
        let looks: Vec<usize> = plan
            .wishes
            .iter()
            .filter_map(|(_, wish)| match wish {
                Wish::Prompt(look) => Some(*look),
                Wish::Muted(_) => None,
            })
            .chain([plan.last])
            .collect();
        assert!(looks.len() >= 20, "{seed}: {}", looks.len());
        assert!(
            looks.windows(NOT_AGAIN).all(|last| (1..last.len()).all(|at| !last[..at].contains(&last[at])))
        );
    }
}

#[test]
fn the_looks_are_told_apart_without_doubt() {
    let witness = Witness::prepare(&Clip::sample(), &LOOKS, |_| {}).expect("the sample decodes");
    for (index, look) in LOOKS.iter().enumerate() {
        for at in (0..125).step_by(4) {
            let mut picture = witness.original(at).clone();
            Recipe::read(look).expect("known").apply(&mut picture);
            let verdict = witness.judge(&picture).expect("same size");
            assert_eq!(verdict.certain(), Some(index), "{look} at {at}");
            assert!(verdict.near.contains(&at), "{look} at {at}: {:?}", verdict.near);
        }
    }
}

const GOLDEN: &str = "
    1.123 s  told: network up, unasked
    5.560 s  server: move to nowhere within 4.816 s
   14.500 s  network: cut-tcp for 1.049 s
   15.869 s  server: crash within 1.150 s
   18.079 s  network: cut for 5.502 s
   40.000 s  end
";
