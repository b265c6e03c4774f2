//! What a measurement was made on: processor, cores, compiler, day. No host name and no path.

use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

/// One line for a table's head.
pub(super) fn describe() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let cpu = std::fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| model(&text).map(str::to_owned));
    let cpu = cpu.unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let (year, month, day) = today();
    format!(
        "{year:04}-{month:02}-{day:02} · {cpu}, {cores} cores · {} · {}",
        std::env::consts::OS,
        compiler()
    )
}

fn model(cpuinfo: &str) -> Option<&str> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim())
}

/// `rustc 1.95.0`, without the commit.
fn compiler() -> String {
    let output = Command::new("rustc").arg("--version").stdin(Stdio::null()).output();
    let said = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let words: Vec<&str> = said.split_whitespace().take(2).collect();
    if words.is_empty() { "unknown compiler".to_owned() } else { words.join(" ") }
}

fn today() -> (i64, i64, i64) {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    civil(i64::try_from(seconds / 86_400).unwrap_or_default())
}

/// Year, month and day of a count of days since 1970-01-01 (proleptic Gregorian, UTC).
fn civil(days: i64) -> (i64, i64, i64) {
    // Eras of 400 years that begin on a 1 March, so that the leap day is the last of its year.
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests;
