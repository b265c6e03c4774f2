//! Devices that are required, and devices that are only wished for (F61).

use crate::common::*;
use offhook::transport::media::Kind;
use offhook::{Back, DeviceError, Join, JoinErrorKind, Lack, LeftOut, MediaLack, Preferred};
use offhook_media::{Clip, Voice, voice};

/// A microphone that cannot be had.
fn microphone(lack: Lack) -> impl FnOnce() -> Result<Voice, DeviceError> + Send {
    move || Err(DeviceError::new("the microphone", lack, "as it was made to"))
}

fn camera(lack: Lack) -> impl FnOnce() -> Result<Clip, DeviceError> + Send {
    move || Err(DeviceError::new("the camera", lack, "as it was made to"))
}

fn sample() -> Result<Clip, DeviceError> {
    Ok(Clip::sample())
}

// F61
#[tokio::test(start_paused = true)]
async fn a_required_device_that_no_way_opens_fails_the_join_before_any_io_with_the_best_cause() {
    let (client, remote) = by_hand();
    for (first, second, told) in [
        (Lack::Absent, Lack::Absent, MediaLack::Absent),
        (Lack::Absent, Lack::Unusable, MediaLack::Unusable),
        (Lack::Declined, Lack::Unusable, MediaLack::Declined),
    ] {
        let opened = Preferred::new(Kind::Video).or("back", camera(first)).or("front", camera(second)).open();
        let error = idle(&client).join(Join::new().publish(opened)).await.expect_err("there is none");
        assert_eq!(error.kind(), JoinErrorKind::NoUserMedia(told));
    }
    assert!(remote.log().is_empty(), "nobody was asked");
}

// F61
#[tokio::test(start_paused = true)]
async fn the_first_way_that_opens_is_what_is_published() {
    let (client, remote) = by_hand();
    let opened = Preferred::new(Kind::Video).or("camera", camera(Lack::Unusable)).or("clip", sample).open();
    assert_eq!(opened.taken(), Some("clip"));
    let joining = idle(&client).join(Join::new().publish(opened));
    let dial = remote.dial().await;
    assert_eq!(dial.seen().publishes.len(), 1);
    dial.accept();
    joining.await.expect("a clip stands in for the camera").leave().await.released().await;
}

// F61
#[tokio::test(start_paused = true)]
async fn a_device_that_was_only_wished_for_is_left_out_and_reported() {
    let (client, remote) = by_hand();
    let join = Join::new()
        .publish(Clip::sample())
        .publish_if_there(Preferred::new(Kind::Audio).or("microphone", microphone(Lack::Declined)).open())
        .publish_if_there(voice().0);
    let left_out: Vec<(&str, MediaLack)> =
        join.left_out().iter().map(|left: &LeftOut| (left.label(), left.lack())).collect();
    assert_eq!(left_out, [("audio", MediaLack::Declined)]);
    let joining = idle(&client).join(join);
    let dial = remote.dial().await;
    assert_eq!(dial.seen().publishes.len(), 2, "the clip, and the second wish");
    // A join that comes back still says what it is without.
    let (back, join) = joining.cancel().await;
    assert!(matches!(back, Back::Idle(_)));
    assert_eq!(join.left_out().len(), 1);
}
