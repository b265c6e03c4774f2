//! Code stays, prose goes.

use super::{blank, find_word};

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(blank(text), expected);
    assert_eq!(blank(text).lines().count(), text.lines().count());
}

#[test]
fn comments_go_and_nest() {
    check("a // b\nc", "a     \nc");
    check("a /* b /* c */ d */ e", "a                   e");
    check("/// todo!()\nfn f() {}", "           \nfn f() {}");
}

#[test]
fn strings_go_with_their_escapes_and_hashes() {
    check(r#"f("a\"b") + g"#, "f(      ) + g");
    check(r##"f(r#"a"b"#) + g"##, "f(        ) + g");
    check(r#"f(b"x", br"y")"#, "f(    ,      )");
}

#[test]
fn lifetimes_stay_and_characters_go() {
    check("fn f<'a>(x: &'a str, c: char) { c == '\"' }", "fn f<'a>(x: &'a str, c: char) { c ==     }");
    check(r"c == '\'' || d", "c ==      || d");
}

#[test]
fn a_word_inside_a_name_is_not_that_word() {
    assert_eq!(find_word("offhook_rtc::x", "rtc"), None);
    assert_eq!(find_word("use rtc::x", "rtc::"), Some(4));
    assert_eq!(find_word("unsleep(1)", "sleep("), None);
}
