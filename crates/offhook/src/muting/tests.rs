//! F60, R14.
use super::*;
use crate::sources::Track;
use offhook_media::Publication;
use offhook_transport::media::{Codec, TrackSpec, local};

const VIDEO: Mutes = Mutes { audio: false, video: true };
const NOTHING: Mutes = Mutes { audio: false, video: false };

#[test]
fn a_mute_on_its_way_holds_whatever_the_ledger_says_of_what_was_before() {
    let (_sender, theirs) = local(TrackSpec { codec: Codec::H264, label: "camera".into() });
    let (track, _feeder) = Track::new("camera".into(), Publication::from(&theirs));
    let mut notes = Notes { tracks: vec![track.clone()], ..Notes::default() };
    let is_muted = || track.track.is_muted();
    notes.mutes(VIDEO);
    notes.mutes(VIDEO);
    assert!(is_muted(), "at once");
    notes.follow(NOTHING);
    assert!(is_muted(), "an older state is in effect, and this one is not entered");
    notes.muting.entered(VIDEO);
    notes.follow(NOTHING);
    assert!(is_muted(), "there is one more");
    notes.muting.entered(VIDEO);
    notes.follow(VIDEO);
    assert!(is_muted(), "it is desired now");
    notes.follow(NOTHING);
    assert!(!is_muted(), "and then not any more");
    assert!(!theirs.is_muted(), "what is borrowed is not touched");
}
