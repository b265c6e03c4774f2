//! Regions are replaced, nothing around them is, and a difference is found.

use super::{Place, entry, first_difference, replace_region};
use crate::tree::root;

#[test]
fn only_the_named_region_changes() {
    let text = "a\n<!-- generated: x -->\nold\n<!-- /generated -->\nb\n<!-- generated: y -->\nkept\n<!-- /generated -->\n";
    let new = replace_region(text, "x", "new\n").expect("the region is there");
    assert_eq!(new, text.replace("old", "new"));
    assert_eq!(
        replace_region(&new, "x", "new\n").as_deref(),
        Some(new.as_str()),
        "writing twice changes nothing"
    );
}

#[test]
fn a_missing_region_is_an_error_that_names_it() {
    let place = Place::Region { file: "README.md", name: "x" };
    let said = place.fill(Some("no markers"), "new").expect_err("there is no region");
    assert!(said.contains("README.md") && said.contains("generated: x"), "{said}");
}

#[test]
fn a_file_ends_with_exactly_one_newline() {
    assert_eq!(Place::File("a").fill(None, "text\n\n").as_deref(), Ok("text\n"));
}

#[test]
fn the_first_differing_line_is_counted_from_one() {
    assert_eq!(first_difference("a\nb\n", "a\nc\n"), 2);
    assert_eq!(first_difference("", "a\n"), 1);
}

#[test]
fn a_check_finds_a_stale_file_and_writes_nothing() {
    let dir = root().join("target/xtask-tests").join(format!("codegen-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a folder under target can be made");
    let place = Place::File("page.md");
    std::fs::write(dir.join("page.md"), "one\ntwo\n").expect("a file under target can be written");
    let made = |_: &std::path::Path| Ok("one\nthree".to_owned());
    assert_eq!(entry(&dir, place, made, true), Ok(Some(2)));
    assert_eq!(std::fs::read_to_string(dir.join("page.md")).ok().as_deref(), Some("one\ntwo\n"));
    assert_eq!(entry(&dir, place, made, false), Ok(Some(2)));
    assert_eq!(entry(&dir, place, made, true), Ok(None));
    assert!(entry(&dir, place, |_| Err("why".to_owned()), false).is_err());
    std::fs::remove_dir_all(&dir).expect("the test's own folder can be removed");
}
