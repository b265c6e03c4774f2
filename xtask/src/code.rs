//! A reader of Rust text that is just good enough to tell code from comments and literals.
//!
//! The rules in `tidy/` look for words; this is what keeps them from tripping over prose.

/// Replaces comments and the insides of string and character literals by spaces.
///
/// Every line keeps its number, and every character outside of them its column.
pub(crate) fn blank(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        let end = match c {
            '/' if chars.get(at + 1) == Some(&'/') => line_end(&chars, at),
            '/' if chars.get(at + 1) == Some(&'*') => comment_end(&chars, at),
            '"' => string_end(&chars, at),
            'r' | 'b' | 'c' if !follows_word(&chars, at) => raw_string_end(&chars, at).unwrap_or(at),
            '\'' => char_end(&chars, at).unwrap_or(at),
            _ => at,
        };
        if end == at {
            out.push(c);
            at += 1;
        } else {
            out.extend(chars[at..end].iter().map(|&c| if c == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    out
}

/// Where `word` stands in `line` as a word of its own: not inside a longer name.
pub(crate) fn find_word(line: &str, word: &str) -> Option<usize> {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let opens_with_name = word.starts_with(is_name);
    let ends_with_name = word.ends_with(is_name);
    line.match_indices(word).map(|(at, _)| at).find(|&at| {
        let before = line[..at].chars().next_back().is_some_and(is_name);
        let after = line[at + word.len()..].chars().next().is_some_and(is_name);
        !(opens_with_name && before || ends_with_name && after)
    })
}

fn line_end(chars: &[char], from: usize) -> usize {
    chars[from..].iter().position(|&c| c == '\n').map_or(chars.len(), |n| from + n)
}

/// Block comments nest.
fn comment_end(chars: &[char], from: usize) -> usize {
    let (mut depth, mut at) = (0_u32, from);
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    chars.len()
}

fn string_end(chars: &[char], from: usize) -> usize {
    let mut at = from + 1;
    while let Some(&c) = chars.get(at) {
        match c {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    chars.len()
}

/// `r"…"`, `r#"…"#`, `br"…"` and their like; `b"…"` and `c"…"` have escapes as plain strings have.
fn raw_string_end(chars: &[char], from: usize) -> Option<usize> {
    let mut at = from;
    if matches!(chars[at], 'b' | 'c') {
        at += 1;
        if chars.get(at) == Some(&'"') {
            return Some(string_end(chars, at));
        }
    }
    if chars.get(at) != Some(&'r') {
        return None;
    }
    at += 1;
    let hashes = chars[at..].iter().take_while(|&&c| c == '#').count();
    at += hashes;
    if chars.get(at) != Some(&'"') {
        return None;
    }
    at += 1;
    while at < chars.len() {
        if chars[at] == '"' && chars[at + 1..].iter().take(hashes).filter(|&&c| c == '#').count() == hashes {
            return Some(at + 1 + hashes);
        }
        at += 1;
    }
    Some(chars.len())
}

/// A character literal, as against a lifetime.
fn char_end(chars: &[char], from: usize) -> Option<usize> {
    match (chars.get(from + 1)?, chars.get(from + 2)) {
        ('\\', _) => {
            let close = chars.get(from + 3..)?.iter().position(|&c| c == '\'')?;
            Some(from + 3 + close + 1)
        }
        (_, Some('\'')) => Some(from + 3),
        _ => None,
    }
}

fn follows_word(chars: &[char], at: usize) -> bool {
    at.checked_sub(1).and_then(|at| chars.get(at)).is_some_and(|c| c.is_alphanumeric() || *c == '_')
}

#[cfg(test)]
mod tests;
