//! What of an engine's error may be shown.

use super::shown;

#[test]
fn an_engines_error_shows_its_words_and_not_what_it_quotes() {
    assert_eq!(shown(&"cannot bind 10.1.2.3:4000"), "cannot bind");
    assert_eq!(shown(&"syntax: `a=ice-pwd:secret`"), "syntax");
    assert_eq!(shown(&"`x`"), "the engine gave no plain reason");
}
