//! The witness is no rubber stamp.
use super::*;

const PROMPTS: [&str; 4] = ["original", "sepia", "invert", "pixelate"];

#[test]
fn a_picture_is_judged_by_its_paint_and_by_its_place_in_the_clip() {
    let witness = Witness::prepare(&Clip::sample(), &PROMPTS, |_| {}).expect("the sample decodes");
    for (index, prompt) in PROMPTS.iter().enumerate() {
        let mut picture = witness.original(40).clone();
        Recipe::read(prompt).expect("known").apply(&mut picture);
        let verdict = witness.judge(&picture).expect("same size");
        assert_eq!((verdict.prompt, verdict.picture), (Some(index), 40), "{prompt}");
    }
}

#[test]
fn a_foreign_picture_is_nobodys() {
    let witness = Witness::prepare(&Clip::sample(), &PROMPTS, |_| {}).expect("the sample decodes");
    let mut noise = I420::black(640, 360).expect("a size");
    for (at, sample) in noise.planes_mut().0.iter_mut().enumerate() {
        *sample = if (at / 61) % 2 == 0 { 0 } else { 255 };
    }
    noise.planes_mut().1.fill(255);
    noise.planes_mut().2.fill(0);
    assert_eq!(witness.judge(&noise).expect("same size").prompt, None);
}
