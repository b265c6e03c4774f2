//! Nothing that is printed steers a terminal, and all of it can be read back.

use super::{is_harmful, line};
use serde_json::json;

// S17
#[test]
fn every_script_is_shown_and_nothing_that_steers_is() {
    let said = json!({
        "escape": "\u{1b}[2J\u{1b}]0;title\u{7}",
        "second set": "\u{9b}31m\u{90}q\u{9c}",
        "turned": "\u{202e}gpj.exe\u{202c} \u{2066}x\u{2069} \u{200f}",
        "lines": "one\ntwo\u{2028}three\r",
        "unseen": "a\u{200b}b\u{feff}",
        "scripts": "Grüße, привет, γειά, שלום, مرحبا, नमस्ते, 你好, こんにちは, 안녕, 🎉",
    });
    let shown = line(&said);
    assert!(!shown.chars().any(is_harmful), "{shown:?}");
    assert!(shown.contains("שלום") && shown.contains("مرحبا") && shown.contains("🎉"), "{shown}");
    assert!(shown.contains("\\u001b[2J") && shown.contains("\\u202egpj"), "{shown}");
    let back: serde_json::Value = serde_json::from_str(&shown).expect("the same JSON");
    assert_eq!(back, said);
}
