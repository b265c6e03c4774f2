//! The same seed gives the same plan, and the plan is one that can be judged.
use super::*;
use crate::trial::witness::Witness;
use offhook_media::Clip;
use offhook_server::studio::Recipe;

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn the_same_seed_gives_the_same_plan_and_another_seed_another() {
    for seed in 0..50 {
        assert_eq!(Plan::seeded(seed, MINUTE), Plan::seeded(seed, MINUTE));
        assert_ne!(Plan::seeded(seed, MINUTE).wishes, Plan::seeded(seed + 1, MINUTE).wishes);
        assert_ne!(Plan::seeded(seed, MINUTE).faults, Plan::seeded(seed + 1, MINUTE).faults);
    }
}

#[test]
fn this_seed_asks_for_this_on_every_machine() {
    let wishes = Plan::seeded(7, Duration::from_secs(20)).wishes;
    let told: Vec<_> = wishes.iter().take(4).map(|(at, wish)| format!("{} {wish}", at.as_millis())).collect();
    assert_eq!(told, ["887 ask for ink", "1833 ask for flip", "3549 mute", "3607 ask for sepia"]);
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
