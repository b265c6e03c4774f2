//! Facts about the order of preference, with openers that say what they were made to.

use super::*;
use crate::device::DeviceError;
use crate::source::Publication;
use crate::voice::{Voice, voice};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

fn lacks(lack: Lack) -> impl FnOnce() -> Result<Voice, DeviceError> + Send {
    move || Err(DeviceError::new("the microphone", lack, "as it was made to"))
}

fn opens() -> Result<Voice, DeviceError> {
    Ok(voice().0)
}

/// A source that opened and cannot be read all the same.
struct Gone;

impl Source for Gone {
    fn codec(&self) -> Codec {
        Codec::Opus
    }

    fn next_due(&self) -> Duration {
        Duration::ZERO
    }

    fn lack(&self) -> Option<Lack> {
        Some(Lack::Declined)
    }

    fn next_frame(&mut self, _: bool) -> Result<Next, SourceError> {
        Ok(Next::Over)
    }
}

// F61
#[test]
fn the_first_that_opens_is_taken_and_what_is_behind_it_is_never_touched() {
    let touched = Arc::new(AtomicU32::new(0));
    let behind = {
        let touched = touched.clone();
        move || {
            touched.fetch_add(1, Ordering::Relaxed);
            opens()
        }
    };
    let mut opened = Preferred::new(Kind::Audio)
        .or("the headset", lacks(Lack::Absent))
        .or("the built-in one", lacks(Lack::Unusable))
        .or("the line in", opens)
        .or("the last resort", behind)
        .open();
    assert_eq!(opened.taken(), Some("the line in"));
    assert_eq!(touched.load(Ordering::Relaxed), 0);
    let passed: Vec<_> = opened.passed_over().iter().map(|passed| (passed.name(), passed.lack())).collect();
    assert_eq!(passed, [("the headset", Lack::Absent), ("the built-in one", Lack::Unusable)]);
    assert_eq!(
        opened.passed_over()[0].to_string(),
        "the headset: the microphone: as it was made to; plug it in, or choose another"
    );
    assert_eq!(opened.lack(), None);
    assert!(matches!(opened.next_frame(false), Ok(Next::Frame(_))), "it is the source that was taken");
    assert_eq!(opened.next_due(), Duration::from_millis(20));
}

// F61
#[test]
fn of_several_causes_the_one_nearest_to_being_mended_is_told() {
    use Lack::{Absent, Declined, Unusable};
    for (causes, told) in [
        (vec![], Absent),
        (vec![Absent, Absent], Absent),
        (vec![Absent, Unusable, Absent], Unusable),
        (vec![Unusable, Declined, Absent], Declined),
        (vec![Declined, Unusable], Declined),
    ] {
        let preferred = causes.iter().fold(Preferred::new(Kind::Audio), |preferred, lack| {
            preferred.or(format!("{lack:?}"), lacks(*lack))
        });
        let opened = preferred.open();
        assert_eq!((opened.taken(), opened.lack()), (None, Some(told)), "{causes:?}");
        let publication = Publication::from(opened);
        assert_eq!((publication.codec(), publication.lack()), (Codec::Opus, Some(told)), "as a join asks");
    }
}

// F61
#[test]
fn a_source_that_opens_and_lacks_something_or_is_of_the_other_kind_is_passed_over() {
    let opened =
        Preferred::new(Kind::Audio).or("gone", || Ok::<_, DeviceError>(Gone)).or("silence", opens).open();
    assert_eq!(opened.taken(), Some("silence"));
    assert_eq!(opened.passed_over()[0].lack(), Lack::Declined);
    assert!(opened.passed_over()[0].why().is_none());

    let opened = Preferred::new(Kind::Video).or("a microphone", opens).open();
    assert_eq!((opened.lack(), opened.codec()), (Some(Lack::Unusable), Codec::H264));
    assert_eq!(opened.passed_over()[0].to_string(), "a microphone: it opened, and cannot be used here");
    assert!(opened.into_source().is_none());
}
