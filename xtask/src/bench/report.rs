//! What a bench target answers on its standard output, and the table it becomes.

use std::fmt::Write as _;

use serde::Deserialize;

/// One table: a bench target prints one or several, as JSON objects one after the other.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Report {
    /// The section's name; a later answer of the same name replaces it.
    pub(super) name: String,
    pub(super) rows: Vec<Row>,
    /// What a reader must know to believe the numbers.
    #[serde(default)]
    notes: Vec<String>,
}

/// One measured thing.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    what: String,
    /// `ns`, `ms`, `bytes`, `count`, …
    unit: String,
    median: f64,
    p95: f64,
    /// How many were measured.
    n: u64,
    /// What the design promises, as `≤ 12`; judged against the median, or as `p95 ≤ 30` against that.
    #[serde(default)]
    target: Option<String>,
}

impl Row {
    /// One value, counted over `n` runs.
    pub(crate) fn once(what: &str, unit: &str, value: f64, n: u64, target: Option<&str>) -> Self {
        let target = target.map(str::to_owned);
        Self { what: what.to_owned(), unit: unit.to_owned(), median: value, p95: value, n, target }
    }
}

impl Report {
    pub(super) fn new(name: &str, rows: &[Row], notes: &[String]) -> Self {
        Self { name: name.to_owned(), rows: rows.to_vec(), notes: notes.to_vec() }
    }

    pub(super) fn parse_all(answer: &str) -> Result<Vec<Self>, String> {
        let objects = serde_json::Deserializer::from_str(answer).into_iter::<Self>();
        let reports = objects.collect::<Result<Vec<_>, _>>().map_err(|error| {
            format!("the answer is not the JSON that CONTRIBUTING.md describes ({error}); tables go to standard error")
        })?;
        if reports.is_empty() {
            return Err(
                "no answer on standard output; print one JSON object as CONTRIBUTING.md describes".to_owned()
            );
        }
        Ok(reports)
    }

    pub(super) fn section(&self, machine: &str) -> String {
        let mut out = format!("## {}\n\n{machine}\n\n", self.name);
        out.push_str(
            "| what | unit | median | p95 | n | target | held |\n|---|---|---:|---:|---:|---|---|\n",
        );
        for row in &self.rows {
            let target = row.target.as_deref().unwrap_or("");
            let held = match row.target.as_deref().map(|target| holds(target, row)) {
                Some(Some(true)) => "yes",
                Some(Some(false)) => "**no**",
                Some(None) => "not judged",
                None => "",
            };
            let (median, p95) = (number(row.median), number(row.p95));
            // A `String` takes every write.
            let _ = writeln!(
                out,
                "| {} | {} | {median} | {p95} | {} | {target} | {held} |",
                row.what, row.unit, row.n
            );
        }
        for note in &self.notes {
            let _ = write!(out, "\n- {note}");
        }
        out
    }
}

/// Whether a row keeps what it promises; several promises are parted by commas. `None`: cannot be read.
fn holds(target: &str, row: &Row) -> Option<bool> {
    let mut all = true;
    for promise in target.split(',') {
        let promise = promise.trim();
        let (value, promise) = match promise.strip_prefix("p95") {
            Some(rest) => (row.p95, rest.trim_start()),
            None => (row.median, promise),
        };
        let (relation, bound) = promise.split_once(' ')?;
        let bound: f64 =
            bound.trim().trim_end_matches(row.unit.as_str()).trim_end_matches('%').trim().parse().ok()?;
        all &= match relation {
            "≤" => value <= bound,
            "<" => value < bound,
            "=" => value == bound,
            "≥" => value >= bound,
            _ => return None,
        };
    }
    Some(all)
}

/// Three figures are enough for a measurement on a shared machine.
fn number(value: f64) -> String {
    let size = value.abs();
    if value.fract() == 0.0 || size >= 100.0 {
        format!("{value:.0}")
    } else if size >= 10.0 {
        format!("{value:.1}")
    } else if size >= 1.0 {
        format!("{value:.2}")
    } else {
        format!("{value:.3}")
    }
}

/// The page with one section replaced, or added at the end.
pub(super) fn put(page: &str, name: &str, section: &str) -> String {
    let (open, close) = (format!("<!-- bench: {name} -->"), format!("<!-- /bench: {name} -->"));
    let block = format!("{open}\n{}\n{close}", section.trim_end());
    match (page.find(&open), page.find(&close)) {
        (Some(start), Some(end)) if start < end => {
            format!("{}{block}{}", &page[..start], &page[end + close.len()..])
        }
        _ => format!("{}\n\n{block}\n", page.trim_end()),
    }
}

#[cfg(test)]
mod tests;
