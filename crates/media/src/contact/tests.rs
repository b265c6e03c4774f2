//! Facts about the contact sheet.

use super::*;
use crate::pattern::Pattern;

fn pair(label: &str, width: u32, height: u32) -> Pair {
    let mut pattern = Pattern::new(width, height).unwrap();
    let returned = pattern.frame(30);
    Pair { label: label.to_owned(), note: "8 ms".to_owned(), sent: pattern.next().unwrap(), returned }
}

#[test]
fn the_same_pairs_give_the_same_bytes() {
    let draw = || {
        let mut sheet = ContactSheet::new("offhook demo", "sent beside returned");
        ["sepia", "edges", "pixelate", "invert"].iter().for_each(|label| sheet.push(pair(label, 640, 360)));
        sheet.draw().unwrap().to_png()
    };
    assert_eq!(draw(), draw());
}

#[test]
fn both_pictures_of_a_pair_are_on_the_sheet_side_by_side() {
    let mut sheet = ContactSheet::new("title", "");
    let mut pair = pair("red and blue", 640, 360);
    let fill = |picture: &mut I420, colour| picture.fill_rect(0, 0, 640, 360, colour);
    fill(&mut pair.sent, [81, 90, 240]);
    fill(&mut pair.returned, [41, 240, 110]);
    sheet.push(pair);
    let page = sheet.draw().unwrap();
    let count =
        |test: &dyn Fn(Colour) -> bool| page.pixels().chunks(3).filter(|p| test([p[0], p[1], p[2]])).count();
    let area = (PICTURE * (PICTURE * 9 / 16 / 2 * 2)) as usize;
    assert_eq!(count(&|[r, g, b]| r > 240 && g < 20 && b < 20), area);
    assert_eq!(count(&|[r, g, b]| b > 240 && r < 20 && g < 20), area);
    assert!(count(&|colour| colour == INK) > 500, "the label and the title are there");
}

#[test]
fn more_pairs_make_the_sheet_taller_and_never_overlap_the_margin() {
    let mut sheet =
        ContactSheet::new("a title so long that it will not fit on the sheet at all, by far", "x");
    assert!(sheet.is_empty() && sheet.draw().is_ok(), "an empty sheet has a title and nothing else");
    let mut heights = Vec::new();
    for number in 0..7 {
        sheet.push(pair(&"long prompt ".repeat(number + 1), 320, 240));
        let page = sheet.draw().unwrap();
        heights.push(page.height());
        for y in 0..page.height() {
            for x in (0..MARGIN - 1).chain(page.width() - MARGIN + 1..page.width()) {
                assert_eq!(page.pixel(x, y), Some(PAPER), "{number} pairs, at {x},{y}");
            }
        }
    }
    assert_eq!(sheet.len(), 7);
    assert!(heights[6] > heights[4] && heights[4] > heights[2]);
}

#[test]
fn a_footer_has_room_of_its_own_below_the_last_row() {
    let mut sheet = ContactSheet::new("title", "");
    sheet.push(pair("one", 640, 360));
    let plain = sheet.draw().unwrap();
    let signed = sheet.footer("whose pictures these are").draw().unwrap();
    assert!(signed.height() > plain.height());
    let below = (plain.height() - MARGIN / 2 - 4..signed.height())
        .any(|y| (0..signed.width()).any(|x| signed.pixel(x, y) == Some(FAINT)));
    assert!(below);
}

#[test]
fn tall_and_tiny_pictures_are_shown_too() {
    for (width, height) in [(2, 2), (2, 2000), (1920, 2), (360, 640)] {
        let mut sheet = ContactSheet::new("t", "s");
        sheet.push(pair("odd", width, height));
        assert!(sheet.draw().is_ok(), "{width}x{height}");
    }
}
