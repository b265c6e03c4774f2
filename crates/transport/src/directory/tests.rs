//! What is told between two looks at a session.

use super::*;

fn ada(away: bool) -> Attendee {
    Attendee { id: "1".into(), user: "ada".into(), name: "Ada".into(), viewer: false, away }
}

fn with(attendees: &[Attendee]) -> SessionInfo {
    let present = u32::try_from(attendees.len()).expect("a few");
    SessionInfo { session: "s".into(), present, attendees: attendees.to_vec(), ..SessionInfo::default() }
}

// F01
#[test]
fn each_change_between_two_looks_is_told_once_and_in_order() {
    let bob = Attendee { id: "2".into(), user: "bob".into(), ..ada(false) };
    let (empty, one, two) = (with(&[]), with(&[ada(false)]), with(&[ada(true), bob.clone()]));
    assert_eq!(empty.changes(&one), [SessionNews::Started, SessionNews::MemberAdded(ada(false))]);
    assert_eq!(
        one.changes(&two),
        [SessionNews::MemberUpdated(ada(true)), SessionNews::MemberAdded(bob.clone())]
    );
    assert_eq!(
        two.changes(&empty),
        [SessionNews::MemberRemoved(ada(true)), SessionNews::MemberRemoved(bob), SessionNews::Ended]
    );
    assert_eq!(one.changes(&one), []);
}

// F01
#[test]
fn what_is_said_of_a_session_its_queue_and_its_director_are_told_by_themselves() {
    let profile = Profile::new().metadata("title", "Monday").member("ada").director_required();
    let newer = SessionInfo { profile: profile.clone(), waiting: 3, directed: true, ..with(&[]) };
    let age_is_no_news = SessionInfo { age: Duration::from_secs(9), ..with(&[]) };
    assert_eq!(with(&[]).changes(&age_is_no_news), []);
    assert_eq!(
        with(&[]).changes(&newer),
        [SessionNews::Updated(Box::new(profile)), SessionNews::Directed(true), SessionNews::Waiting(3)]
    );
}
