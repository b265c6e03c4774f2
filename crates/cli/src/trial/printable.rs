//! What goes onto a terminal of what far sides and other members chose: the one place where it is
//! made harmless. JSON escapes the controls of ASCII by itself, and nothing beyond them.

#[cfg(test)]
mod tests;

use serde_json::Value;
use std::fmt::Write;

/// A value as JSON on one line, with everything escaped that could steer a terminal or turn the
/// order of what is read: it is the same JSON still.
pub(crate) fn line(value: &Value) -> String {
    let text = value.to_string();
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if is_harmful(c) {
            // All of these lie below U+10000, and in JSON outside of ASCII only inside of strings.
            let _ = write!(safe, "\\u{:04x}", u32::from(c));
        } else {
            safe.push(c);
        }
    }
    safe
}

/// Controls of both sets (the second begins escape sequences on some terminals), line and paragraph
/// separators, and the marks that turn the direction of text (UAX 9) or are not seen.
fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        )
}
