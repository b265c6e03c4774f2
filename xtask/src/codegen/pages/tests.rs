//! Pages say what they are made from.

use super::{block, crates, subcommands};
use crate::tidy::lists::Lists;

const HELP: &str = "Keeps the line.

Usage: offhook <COMMAND>

Commands:
  demo   Shows it
         in two lines
  serve  Serves
  help   Print this message

Options:
  -h, --help  Print help
";

#[test]
fn every_command_but_help_gets_a_block() {
    assert_eq!(subcommands(HELP), ["demo", "serve"]);
    assert_eq!(subcommands("Usage: offhook"), [""; 0]);
}

#[test]
fn a_block_has_no_trailing_blanks() {
    assert_eq!(block("offhook", "a  \nb\n\n"), "\n## offhook\n\n```text\na\nb\n```\n");
}

#[test]
fn the_map_of_crates_is_the_list_that_tidy_holds() {
    let lists =
        "top = []\n[package.a]\nfolder = 'crates/a'\nabout = 'A.'\ndependencies = ['bytes', 'tokio?[rt]']";
    let page = crates(&Lists::parse(lists).expect("the lists parse"));
    assert!(page.ends_with("| `a` | `crates/a` | A. | `bytes` `tokio?` |\n"), "{page}");
}
