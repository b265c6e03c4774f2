//! What errors show of the words of others.

use super::*;

/// S17, F08
#[test]
fn the_words_of_others_steer_no_terminal_and_read_as_they_were() {
    assert_eq!(tame("the server's \"certificate\""), "the server's \"certificate\"");
    assert_eq!(tame("a\u{1b}[2J\u{202e}b\n"), "a\\u{1b}[2J\\u{202e}b\\n");
    assert_eq!(shown(&"x\n".repeat(99)).len(), LENGTH / 2 * 3, "of each two characters one is escaped");
}
