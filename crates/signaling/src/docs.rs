//! `docs/protocol.md` and `docs/protocol.schema.json`, written from the types, the limits and the
//! examples. `cargo xtask codegen` writes the files or compares them; the prose is `docs/flow.md`.

mod markdown;
mod schema;

pub use markdown::protocol_markdown;
pub use schema::protocol_schema;

/// Short lists and objects stay on one line, up to this many characters.
const ONE_LINE: usize = 72;

/// JSON text, indented, in its own member order; strings longer than `longest` characters are cut.
fn indented(text: &str, longest: usize) -> String {
    let mut out = String::new();
    let tokens = tokens(text, longest);
    let mut depth = 0usize;
    let mut rest = tokens.as_slice();
    while let Some((token, after)) = rest.split_first() {
        rest = after;
        match token.as_str() {
            "{" | "[" => {
                if let Some(length) = one_line(token, rest) {
                    out.push_str(token);
                    let (inner, after) = rest.split_at(length);
                    inner.iter().for_each(|token| push_spaced(&mut out, token));
                    rest = after;
                } else {
                    depth += 1;
                    out.push_str(token);
                    new_line(&mut out, depth);
                }
            }
            "}" | "]" => {
                depth = depth.saturating_sub(1);
                new_line(&mut out, depth);
                out.push_str(token);
            }
            "," => {
                out.push(',');
                new_line(&mut out, depth);
            }
            _ => push_spaced(&mut out, token),
        }
    }
    out
}

/// How many tokens, the closing one included, make this list or object where it fits one line.
fn one_line(open: &str, rest: &[String]) -> Option<usize> {
    let mut width = open.len();
    for (index, token) in rest.iter().enumerate() {
        width += token.chars().count() + 1;
        match token.as_str() {
            _ if width > ONE_LINE => return None,
            "{" | "[" => return None,
            "}" | "]" => return Some(index + 1),
            _ => {}
        }
    }
    None
}

fn push_spaced(out: &mut String, token: &str) {
    out.push_str(token);
    if matches!(token, "," | ":") {
        out.push(' ');
    }
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.push_str(&"  ".repeat(depth));
}

fn tokens(text: &str, longest: usize) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let mut token = String::from(c);
        if c == '"' {
            let (mut length, mut escaped) = (0usize, false);
            for c in chars.by_ref() {
                let ends = c == '"' && !escaped;
                // An escape is one character, backslash and letter: it is shown whole or not at all.
                if length < longest || ends {
                    token.push(c);
                } else if length == longest && !escaped {
                    token.push('…');
                }
                if ends {
                    break;
                }
                escaped = c == '\\' && !escaped;
                length += usize::from(!escaped);
            }
        } else if !matches!(c, '{' | '}' | '[' | ']' | ',' | ':') {
            while let Some(c) = chars.next_if(|c| !matches!(c, '{' | '}' | '[' | ']' | ',' | ':')) {
                token.push(c);
            }
        }
        tokens.push(token);
    }
    tokens
}
