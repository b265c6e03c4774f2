//! Version negotiation over every pair of small ranges.
#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests, too, stop at the first surprise

use offhook_signaling::{EmptyRange, Versions};

#[test]
fn the_highest_common_version_is_spoken_and_none_is_a_typed_refusal() {
    let ranges = || (0..6u32).flat_map(|min| (min..6).map(move |max| Versions::new(min, max).unwrap()));
    for ours in ranges() {
        for theirs in ranges() {
            let highest = (0..6).rev().find(|v| ours.contains(*v) && theirs.contains(*v));
            assert_eq!(ours.negotiate(theirs).ok(), highest, "{ours:?} {theirs:?}");
            if highest.is_none() {
                assert_eq!(ours.negotiate(theirs).unwrap_err().supported, ours);
            }
        }
    }
}

#[test]
fn an_empty_range_is_refused_also_on_the_wire() {
    assert_eq!(Versions::new(3, 2), Err(EmptyRange { min: 3, max: 2 }));
    assert!(serde_json::from_str::<Versions>("[3,2]").is_err());
    assert!(serde_json::from_str::<Versions>("[1]").is_err());
    assert_eq!(serde_json::to_string(&Versions::new(1, 4).unwrap()).unwrap(), "[1,4]");
}
