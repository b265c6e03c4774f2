//! What the studio promises: each filter is seen, unknown words are refused with the known ones.

use super::Reference;
use super::filters::Filter;
use super::prompt::{PromptError, Recipe};
use offhook_media::{I420, Rgb, Still};

/// A picture with light, colour and shape in it, the same on no two axes.
fn picture() -> I420 {
    let mut picture = I420::black(64, 48).expect("even and small");
    let width = 64;
    for (at, y) in picture.planes_mut().0.iter_mut().enumerate() {
        let (column, row) = (at % width, at / width);
        *y = (32 + column * 2 + row + if (column / 9 + row / 7) % 2 == 0 { 60 } else { 0 }) as u8;
    }
    for (at, u) in picture.planes_mut().1.iter_mut().enumerate() {
        *u = (60 + (at % (width / 2)) * 4) as u8;
    }
    for (at, v) in picture.planes_mut().2.iter_mut().enumerate() {
        *v = (200 - (at / (width / 2)) * 5) as u8;
    }
    picture
}

fn difference(a: &I420, b: &I420) -> f64 {
    let planes = [(a.y(), b.y()), (a.u(), b.u()), (a.v(), b.v())];
    let of = |(a, b): (&[u8], &[u8])| {
        a.iter().zip(b).map(|(&a, &b)| f64::from(a.abs_diff(b))).sum::<f64>() / a.len() as f64
    };
    planes.into_iter().map(of).fold(0.0, f64::max)
}

// F50
#[test]
fn every_filter_is_seen_and_no_two_look_alike() {
    let painted: Vec<(Filter, I420)> = Filter::ALL
        .into_iter()
        .map(|filter| {
            let mut copy = picture();
            filter.apply(&mut copy);
            (filter, copy)
        })
        .collect();
    assert!(painted.len() >= 8);
    for (index, (filter, copy)) in painted.iter().enumerate() {
        let floor = if *filter == Filter::Blur { 3.0 } else { 5.0 };
        assert!(difference(copy, &picture()) > floor, "{filter:?} cannot be seen");
        for (other, another) in &painted[index + 1..] {
            assert!(difference(copy, another) > 2.0, "{filter:?} looks like {other:?}");
        }
    }
}

#[test]
fn turning_twice_is_not_turning() {
    for filter in [Filter::Mirror, Filter::Flip, Filter::Invert, Filter::HueSwap] {
        let mut copy = picture();
        filter.apply(&mut copy);
        filter.apply(&mut copy);
        assert_eq!(difference(&copy, &picture()), 0.0, "{filter:?}");
    }
}

#[test]
fn the_smallest_picture_breaks_no_filter() {
    for filter in Filter::ALL {
        let mut tiny = I420::black(2, 2).expect("even and small");
        filter.apply(&mut tiny);
    }
}

#[test]
fn words_around_a_filter_do_not_matter() {
    assert_eq!(Recipe::read("posterize"), Recipe::read("Please make it POSTERIZED, now!"));
    assert!(Recipe::read("original").is_ok_and(|recipe| recipe.is_plain()));
}

#[test]
fn text_without_a_known_word_is_refused_with_the_known_ones() {
    let Err(error) = Recipe::read("a dragon over the sea") else { panic!("it was taken") };
    assert_eq!(error, PromptError::Unknown);
    assert!(Filter::ALL.iter().all(|filter| error.to_string().contains(filter.name())));
    assert_eq!(Recipe::read(""), Err(PromptError::Unknown));
    assert_eq!(Recipe::read("blur edges mirror flip"), Err(PromptError::TooMany));
}

/// Two levels of light and one strong colour, as a browser's test camera sends it.
fn two_levels() -> I420 {
    let mut picture = I420::black(640, 360).expect("even and not large");
    let levels = |at: usize| if (200..300).contains(&(at % 640)) { 172 } else { 84 };
    picture.planes_mut().0.iter_mut().enumerate().for_each(|(at, y)| *y = levels(at));
    picture.planes_mut().1.fill(60);
    picture.planes_mut().2.fill(70);
    picture
}

// The light of a picture is its own: taking the colour away leaves it, also on the wire.
#[test]
fn greyscale_leaves_the_light_through_the_codec() {
    use offhook_media::h264::{Decoder, Encoder, EncoderOptions};
    let mut encoder = Encoder::new(EncoderOptions::default()).expect("an encoder");
    let mut decoder = Decoder::new().expect("a decoder");
    let recipe = Recipe::read("make it greyscale, please").expect("a known word");
    for number in 0..20u32 {
        let mut picture = two_levels();
        if number > 5 {
            recipe.apply(&mut picture);
        }
        let frame = encoder.encode(&picture, std::time::Duration::from_millis(40) * number).expect("encodes");
        let Some(frame) = frame else { continue };
        let Some(shown) = decoder.decode_frame(&frame).expect("decodes") else { continue };
        let (dark, light) = (shown.y()[640 * 100 + 50], shown.y()[640 * 100 + 250]);
        assert!(dark.abs_diff(84) < 12 && light.abs_diff(172) < 12, "picture {number}: {dark} {light}");
        if number > 8 {
            assert!(shown.u()[320 * 50 + 25].abs_diff(128) < 6, "picture {number}");
        }
    }
}

fn red(width: u32, height: u32) -> Reference {
    let file = Rgb::filled(width, height, [230, 10, 10]).to_png();
    Reference::new("red", Still::decode(&file).expect("a good file"))
}

// F51
#[test]
fn an_image_lies_in_the_lower_right_and_touches_nothing_else() {
    for (width, height) in [(160, 90), (1000, 10), (10, 1000), (1, 1)] {
        let recipe = Recipe::default().over(Some(red(width, height)));
        assert!(!recipe.is_plain());
        let mut painted = picture();
        recipe.apply(&mut painted);
        let before = picture();
        let (mut touched, mut apart) = (0, 0);
        for (at, (&new, &old)) in painted.v().iter().zip(before.v()).enumerate() {
            let (x, y) = (at % 32, at / 32);
            let is_corner = x >= 32 / 2 && y >= 24 / 2;
            touched += usize::from(is_corner && new > 200 && new != old);
            apart += usize::from(!is_corner && new != old);
        }
        assert!(touched > 0, "{width}x{height} is not seen");
        assert_eq!(apart, 0, "{width}x{height} is seen where it should not be");
    }
}

// F51: it is a part of the picture for what the prompt asks for.
#[test]
fn filters_repaint_the_image_with_the_rest() {
    let recipe = Recipe::read("greyscale").expect("a known word").over(Some(red(160, 90)));
    let mut painted = picture();
    recipe.apply(&mut painted);
    assert!(painted.u().iter().chain(painted.v()).all(|&chroma| chroma == 128));
    let mut plain = picture();
    Recipe::read("greyscale").expect("a known word").apply(&mut plain);
    assert!(difference(&painted, &plain) > 1.0, "its light is there");
}

#[test]
fn the_smallest_picture_takes_an_image_and_breaks_nothing() {
    for (width, height) in [(2, 2), (16, 16), (18, 400), (400, 18)] {
        let mut tiny = I420::black(width, height).expect("even and small");
        Recipe::default().over(Some(red(3, 5))).apply(&mut tiny);
    }
}
