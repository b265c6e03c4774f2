//! Starting other programs and saying what to do when they fail.

use std::path::Path;
use std::process::{Command, Stdio};

/// `cargo` in the repository's root, by the same toolchain that runs this.
pub(crate) fn cargo(root: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root).stdin(Stdio::null());
    // What the cargo that runs this says of xtask: build scripts look at it, and would all run again, and with them
    // half of the workspace, whenever a build here follows one there.
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_of_this_package(&name.to_string_lossy())) {
        command.env_remove(name);
    }
    command
}

fn is_of_this_package(variable: &str) -> bool {
    variable.starts_with("CARGO_PKG_") || variable.starts_with("CARGO_MANIFEST_")
}

/// Runs to the end; its output goes where ours goes.
pub(crate) fn succeed(command: &mut Command) -> Result<(), String> {
    let status = command.status().map_err(|error| starts_not(command, &error))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("`{}` failed ({status}); its output is above", shown(command)))
    }
}

/// Runs to the end and gives what it wrote to standard output; its standard error stays visible.
pub(crate) fn read(command: &mut Command) -> Result<String, String> {
    let output = command.stderr(Stdio::inherit()).output().map_err(|error| starts_not(command, &error))?;
    if !output.status.success() {
        return Err(format!("`{}` failed ({}); its output is above", shown(command), output.status));
    }
    String::from_utf8(output.stdout)
        .map_err(|_| format!("`{}` wrote something that is not text", shown(command)))
}

/// Whether a program can be started at all.
pub(crate) fn exists(program: &str, argument: &str) -> bool {
    says_yes(program, &[argument])
}

/// Whether a program starts, whatever becomes of it.
pub(crate) fn starts(program: &str, argument: &str) -> bool {
    Command::new(program).arg(argument).stdin(Stdio::null()).output().is_ok()
}

/// Whether a program starts, and succeeds; what it says is not shown.
pub(crate) fn says_yes(program: &str, arguments: &[&str]) -> bool {
    let quiet = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    quiet.is_ok_and(|output| output.status.success())
}

fn starts_not(command: &Command, error: &std::io::Error) -> String {
    format!("`{}` does not start ({error}); is it installed?", shown(command))
}

/// The command without the folder its program is in.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    let words = command.get_args().map(|word| word.to_string_lossy());
    std::iter::once(program.to_string_lossy()).chain(words).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
