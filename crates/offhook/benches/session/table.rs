//! Medians and 95th percentiles, as a table for people and a line for `cargo xtask bench`.

use std::fmt::Write;

/// One table.
pub(crate) struct Table {
    name: String,
    rows: Vec<String>,
    notes: Vec<String>,
    text: String,
}

impl Table {
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.into(), rows: Vec::new(), notes: Vec::new(), text: format!("{name}\n") }
    }

    /// Adds a row; samples come in any order. Nothing measured adds nothing.
    pub(crate) fn row(&mut self, what: &str, unit: &str, samples: &mut [f64], target: Option<&str>) {
        if samples.is_empty() {
            return;
        }
        samples.sort_by(f64::total_cmp);
        let at = |share: f64| {
            samples[((samples.len() as f64 * share).ceil() as usize).clamp(1, samples.len()) - 1]
        };
        let (median, p95, n) = (at(0.5), at(0.95), samples.len());
        let target_json = target.map_or(String::new(), |target| format!(r#","target":"{target}""#));
        self.rows.push(format!(
            r#"{{"what":"{what}","unit":"{unit}","median":{median:.4},"p95":{p95:.4},"n":{n}{target_json}}}"#
        ));
        // Writing to a string cannot fail.
        let _ = writeln!(
            self.text,
            "  {what:<58} {median:>10.3} {p95:>10.3} {unit:<8} n={n} {}",
            target.unwrap_or_default()
        );
    }

    pub(crate) fn note(&mut self, note: &str) {
        self.notes.push(format!("\"{note}\""));
    }

    pub(crate) fn print(&self) {
        eprintln!("{}", self.text);
        println!(
            r#"{{"name":"{}","rows":[{}],"notes":[{}]}}"#,
            self.name,
            self.rows.join(","),
            self.notes.join(",")
        );
    }
}
