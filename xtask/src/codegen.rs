//! `cargo xtask codegen [--check]`: files and marked regions that are written from the code.
//!
//! Owns the table of what is generated and how a difference is shown; the text of each entry comes from
//! the code it describes, through `codegen/pages.rs`.

mod pages;
mod proofs;

use std::path::Path;

use crate::tidy::lists::Lists;

/// Where generated text stands.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// The whole file.
    File(&'static str),
    /// Between `<!-- generated: name -->` and `<!-- /generated -->`.
    Region { file: &'static str, name: &'static str },
}

type Make = fn(&Path) -> Result<String, String>;

const TABLE: &[(Place, Make)] = &[
    (Place::Region { file: "ARCHITECTURE.md", name: "crates" }, |root| {
        Ok(pages::crates(&Lists::load(root)?))
    }),
    (Place::File("docs/lifecycle.md"), |_| Ok(pages::lifecycle())),
    (Place::File("docs/presence.md"), |_| Ok(pages::presence())),
    (Place::File("docs/lifecycle.svg"), |_| Ok(pages::picture())),
    (Place::File("crates/cli/src/chaos/table.rs"), |_| Ok(pages::chaos_table())),
    (Place::File("docs/protocol.md"), |_| Ok(offhook_signaling::docs::protocol_markdown())),
    (Place::File("docs/protocol.schema.json"), |_| Ok(offhook_signaling::docs::protocol_schema())),
    (Place::File("docs/cli.md"), pages::cli),
    (Place::File("docs/features.md"), proofs::features),
    (Place::File("docs/proofs.md"), proofs::page),
];

/// Writes every entry, or with `check` reports those that differ and writes nothing.
///
/// An entry that cannot be made does not keep the others from being written.
pub(crate) fn run(root: &Path, check: bool) -> Result<(), String> {
    let (mut differing, mut failed) = (Vec::new(), Vec::new());
    for (place, make) in TABLE {
        match entry(root, *place, *make, check) {
            Ok(None) => {}
            Ok(Some(line)) => {
                differing.push(format!("{}:{line}: differs from what the code gives", place.file()));
            }
            Err(message) => failed.push(format!("{}: {message}", place.file())),
        }
    }
    println!("codegen: {} entries, {} differed, {} failed", TABLE.len(), differing.len(), failed.len());
    if check && !differing.is_empty() {
        failed.push(format!("{} — run `cargo xtask codegen` and look at `git diff`", differing.join("\n")));
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n")) }
}

/// Makes one entry, and gives the first line in which the file differed from it.
fn entry(root: &Path, place: Place, make: Make, check: bool) -> Result<Option<usize>, String> {
    let path = root.join(place.file());
    let old = std::fs::read_to_string(&path).ok();
    let new = place.fill(old.as_deref(), &make(root)?)?;
    if old.as_deref() == Some(new.as_str()) {
        return Ok(None);
    }
    if !check {
        std::fs::write(&path, &new).map_err(|error| format!("cannot be written ({error})"))?;
        println!("wrote {}", place.file());
    }
    Ok(Some(first_difference(old.as_deref().unwrap_or_default(), &new)))
}

impl Place {
    fn file(self) -> &'static str {
        match self {
            Self::File(file) | Self::Region { file, .. } => file,
        }
    }

    /// The file's whole new text.
    fn fill(self, old: Option<&str>, made: &str) -> Result<String, String> {
        let made = format!("{}\n", made.trim_end());
        match self {
            Self::File(_) => Ok(made),
            Self::Region { file, name } => {
                replace_region(old.unwrap_or_default(), name, &made).ok_or_else(|| {
                    format!(
                        "{file} has no region `<!-- generated: {name} -->` … `<!-- /generated -->`; add it"
                    )
                })
            }
        }
    }
}

/// The text with one region's inside replaced; `None` when the markers are not there.
fn replace_region(text: &str, name: &str, made: &str) -> Option<String> {
    let open = format!("<!-- generated: {name} -->\n");
    let start = text.find(&open)? + open.len();
    let end = start + text[start..].find("<!-- /generated -->")?;
    Some(format!("{}{made}{}", &text[..start], &text[end..]))
}

/// The first line that differs, from 1.
fn first_difference(old: &str, new: &str) -> usize {
    let same = old.lines().zip(new.lines()).take_while(|(old, new)| old == new).count();
    same + 1
}

#[cfg(test)]
mod tests;
