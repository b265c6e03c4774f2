//! Whether an item is defined in a file: good enough to keep a page's links true, no parser.
//!
//! Pages name an item as a reader would: `Session::join`, `Event::Ended`, `MAX_IMAGE`.

use crate::code::find_word;
use crate::tree::Source;

/// What stands before the name of an item where it is defined.
const KEYWORDS: [&str; 9] = ["fn", "struct", "enum", "trait", "type", "const", "static", "mod", "union"];

/// The last part of the item's name is defined here, and the part before it is at least named.
pub(crate) fn defines(source: &Source, item: &str) -> bool {
    let mut parts = item.rsplit("::");
    let name = parts.next().unwrap_or_default();
    !name.is_empty()
        && source.code().lines().any(|line| is_definition(line, name))
        && parts.next().is_none_or(|owner| source.code().lines().any(|line| find_word(line, owner).is_some()))
}

fn is_definition(line: &str, name: &str) -> bool {
    let Some(at) = find_word(line, name) else { return false };
    let (before, after) = (line[..at].trim(), line[at + name.len()..].trim_start());
    let keyword = before.rsplit(' ').next().unwrap_or_default();
    if KEYWORDS.contains(&keyword) {
        return true;
    }
    // A variant or a field: first of its line, and followed by what may follow one.
    let first = before.is_empty() || before == "pub";
    let variant =
        name.starts_with(char::is_uppercase) && (after.is_empty() || after.starts_with([',', '(', '{', '=']));
    let field = before == "pub" && after.starts_with(':');
    // A path or a call begins like a variant; it ends like a statement.
    first && (field || variant) && !after.ends_with([';', ')']) && !after.contains("=>")
}

#[cfg(test)]
mod tests;
