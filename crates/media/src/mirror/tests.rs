//! What a mirror does to a picture, and when.

use super::*;
use crate::pattern::Pattern;
use proptest::prelude::*;

/// F60: every pixel, in every plane; planes of chroma whose rows are odd as well.
#[test]
fn a_mirrored_picture_has_left_and_right_changed_over_in_every_plane() {
    for (width, height) in [(2, 2), (6, 4), (10, 6), (64, 48), (322, 242)] {
        let (luma, chroma) = ((width * height) as usize, (width * height / 4) as usize);
        let plane =
            |size: usize, step: usize| (0..size).map(|at| (at * step % 251) as u8).collect::<Vec<_>>();
        let (y, u, v) = (plane(luma, 7), plane(chroma, 11), plane(chroma, 13));
        let picture = I420::from_planes(width, height, y, u, v).unwrap();
        let mirrored = picture.clone().mirrored();
        assert_eq!((mirrored.width(), mirrored.height()), (width, height));
        for (was, is, row) in [
            (picture.y(), mirrored.y(), width as usize),
            (picture.u(), mirrored.u(), width as usize / 2),
            (picture.v(), mirrored.v(), width as usize / 2),
        ] {
            for (at, value) in is.iter().enumerate() {
                let (line, column) = (at / row, at % row);
                assert_eq!(*value, was[line * row + row - 1 - column], "{width}x{height}, {at}");
            }
        }
    }
}

/// F60
#[test]
fn the_switch_holds_from_the_next_picture_on_and_for_everybody_who_has_it() {
    let (own, published) = (Mirror::new(), Mirror::new());
    let pattern = Pattern::new(64, 48).unwrap();
    let mut seen = Vec::new();
    let mut sent = pattern.clone().inspect(|picture| seen.push(picture.clone())).mirrored(&published);
    let mut other = pattern.clone().mirrored(&published.clone());
    let mut view = pattern.clone().mirrored(&own);
    for number in 0..6 {
        let on = (2..4).contains(&number);
        published.set(on);
        assert_eq!(published.is_on(), on);
        let plain = pattern.frame(number);
        let expected = if on { plain.clone().mirrored() } else { plain.clone() };
        assert_ne!(plain.clone().mirrored(), plain, "the pattern has a left and a right");
        assert_eq!(sent.next(), Some(expected.clone()), "picture {number}");
        assert_eq!(other.next(), Some(expected));
        assert_eq!(view.next(), Some(plain), "its switch is another one");
    }
    drop(sent);
    assert_eq!(seen, (0..6).map(|number| pattern.frame(number)).collect::<Vec<_>>(), "before the mirror");
    assert_eq!(other.into_inner().next(), Some(pattern.frame(6)));
}

#[test]
fn pictures_that_end_end_mirrored_too() {
    let mirror = Mirror::new();
    mirror.set(true);
    let pictures: Vec<_> = Pattern::new(64, 48).unwrap().take(2).collect();
    let mut two = pictures.into_iter().mirrored(&mirror);
    assert_eq!(two.size_hint(), (2, Some(2)));
    assert!(two.by_ref().count() == 2 && two.next().is_none());
}

proptest! {
    #![proptest_config(crate::test_config(
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../proptest-regressions/media-mirror.txt")
    ))]

    #[test]
    fn twice_is_as_it_was(width in 1_u32..40, height in 1_u32..20, seed: u8) {
        let (width, height) = (width * 2, height * 2);
        let bytes = (width * height * 3 / 2) as usize;
        let packed: Vec<u8> = (0..bytes).map(|at| (at as u8).wrapping_mul(31).wrapping_add(seed)).collect();
        let picture = I420::from_packed(width, height, &packed).unwrap();
        prop_assert_eq!(picture.clone().mirrored().mirrored(), picture);
    }
}
