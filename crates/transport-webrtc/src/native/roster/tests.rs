//! What is known of members, and what of it at the limit.

use super::{MOST, Roster};
use offhook_signaling::Instance;
use offhook_transport::media::Kind;
use offhook_transport::{Member, MemberTrack};

fn instance(number: usize) -> Instance {
    Instance(number as u128)
}

fn member(number: usize, labels: &[&str]) -> (Instance, Member) {
    let track = |label: &&str| MemberTrack {
        label: (*label).to_owned(),
        kind: Kind::Video,
        muted: false,
        waits: false,
    };
    let id = instance(number).to_string();
    let tracks = labels.iter().map(track).collect();
    (instance(number), Member { id, name: format!("member {number}"), away: false, tracks })
}

fn waiting(member: &Member) -> Vec<&str> {
    member.tracks.iter().filter(|track| track.waits).map(|track| &*track.label).collect()
}

/// F62: the word may come before the roster that names the track, and holds over its changes.
#[test]
fn a_track_that_waits_does_so_until_the_far_side_says_otherwise() {
    let mut roster = Roster::default();
    assert_eq!(roster.wait(instance(1), vec!["screen".into()]), None, "nobody knows who that is");
    let (one, came) = member(1, &["camera", "screen"]);
    assert_eq!(waiting(&roster.put(one, came)), ["screen"]);
    let (one, changed) = member(1, &["screen"]);
    assert_eq!(waiting(&roster.put(one, changed)), ["screen"]);
    assert_eq!(roster.wait(one, vec!["screen".into()]), None, "that is no news");
    let there = || vec![member(1, &["screen", "voice"]), member(2, &["screen"])];
    let same = roster.begin(there(), &[], [(one, vec!["screen".to_owned()])].into_iter());
    assert_eq!(same.iter().map(waiting).collect::<Vec<_>>(), [vec!["screen"], vec![]]);
    let anew = roster.begin(there(), &[], std::iter::empty());
    assert!(anew.iter().all(|member| waiting(member).is_empty()), "the far side said all there is");
    roster.wait(one, vec!["screen".into()]);
    let free = roster.wait(one, Vec::new()).expect("it is news");
    assert_eq!(waiting(&free), [] as [&str; 0]);
    roster.wait(one, vec!["voice".into()]);
    roster.take(one);
    let (one, back) = member(1, &["voice"]);
    assert_eq!(waiting(&roster.put(one, back)), [] as [&str; 0], "of one who left nothing is kept");
}

/// F63: a snapshot need not say everybody whom it names.
#[test]
fn who_is_still_to_be_said_stays_as_they_were_known() {
    let mut roster = Roster::default();
    for number in 1..=3 {
        let (of, known) = member(number, &["camera"]);
        roster.put(of, known);
    }
    roster.begin(vec![member(1, &["camera"])], &[instance(2)], std::iter::empty());
    assert_eq!(roster.take(instance(2)).name, "member 2");
    assert_eq!(roster.take(instance(3)).name, instance(3).to_string(), "nobody named them");
}

#[test]
fn whoever_is_beyond_the_limit_is_told_to_come_and_to_go_and_not_remembered() {
    let mut roster = Roster::default();
    for number in 0..2 * MOST {
        let (of, came) = member(number, &["camera"]);
        assert_eq!(roster.put(of, came.clone()), came);
        roster.wait(of, vec!["camera".into()]);
    }
    assert_eq!((roster.members.len(), roster.waiting.len()), (MOST, MOST));
    assert_eq!(roster.take(instance(0)).name, "member 0");
    let unknown = roster.take(instance(2 * MOST - 1));
    assert_eq!((unknown.id.clone(), unknown.name, unknown.tracks), (unknown.id.clone(), unknown.id, vec![]));
    // Who changes when there is room is known from then on.
    let (late, changed) = member(MOST, &[]);
    roster.put(late, changed);
    assert_eq!(roster.take(late).name, format!("member {MOST}"));
}
