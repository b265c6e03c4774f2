//! Facts about taking over and borrowing (R17).

use super::*;
use crate::clip::Clip;
use bytes::Bytes;

fn clip() -> Clip {
    let bytes = Bytes::from_static(include_bytes!("../../assets/bunny-640x360-25fps.h264"));
    Clip::from_bytes("clip", bytes).unwrap()
}

#[test]
fn a_source_given_by_value_is_taken_over_with_a_pump() {
    let publication = Publication::from(clip());
    assert!(matches!(publication, Publication::Taken(_)));
    assert_eq!(publication.codec(), Codec::H264);
    let (track, pump) = publication.into_track("camera");
    assert_eq!(track.spec().label, "camera");
    assert!(pump.is_some());
}

/// D18: a close stopped the caller's stream; here a borrowed one lives on.
#[test]
fn a_borrowed_track_lives_on_when_its_borrower_is_gone_and_is_borrowed_again() {
    let (track, pump) = SourceTrack::new("camera", clip());
    let (borrowed, none) = Publication::from(&track).into_track("ignored");
    assert!(none.is_none(), "whoever lends the track runs its pump");
    assert_eq!(borrowed.spec().label, "camera");
    let tap = borrowed.tap();
    drop((tap, borrowed));
    assert_eq!(track.track().taps(), 0);
    let (again, _) = Publication::from(track.track()).into_track("ignored");
    let _tap = again.tap();
    assert!(pump.sender().is_tapped());
}

/// D18, the other half: one's own track ends with the session.
#[test]
fn a_taken_track_ends_with_its_pump() {
    let (track, pump) = Publication::from(clip()).into_track("camera");
    let mut tap = track.tap();
    drop(pump);
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(matches!(tap.poll_next(&mut cx), std::task::Poll::Ready(None)));
}

#[test]
fn a_boxed_source_is_a_source_and_debug_shows_no_frames() {
    let boxed: Box<dyn Source> = Box::new(clip());
    assert_eq!(format!("{:?}", Publication::from(boxed)), "Taken(H264)");
}
