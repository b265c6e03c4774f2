//! How large a picture the studio asks for.

use super::*;

#[test]
fn a_studio_that_does_not_keep_up_wants_less_of_the_same_shape_and_says_why() {
    let best = VideoWish::new(1280, 720, 30).expect("it can be meant");
    let is = |width, height, limited_by| wire::VideoWish { width, height, fps: 30, limited_by };
    assert_eq!(wanted(best, None), is(1280, 720, wire::LimitedBy::None));
    assert_eq!(wanted(best, Some(360)), is(640, 360, wire::LimitedBy::Cpu));
    assert_eq!(wanted(best, Some(540)), is(960, 540, wire::LimitedBy::Cpu));
    assert_eq!(wanted(best, Some(1080)), is(1280, 720, wire::LimitedBy::None), "more than is wanted");
}
