//! The log of a run: every event with its time, as it happens, into `events.jsonl` and, with
//! `--json`, onto stdout. The timeline and the summary are made from it.

use serde_json::{Map, Value, json};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// One line.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Seconds since the run began.
    pub(crate) at: f64,
    /// What it is.
    pub(crate) event: &'static str,
    /// Its particulars.
    pub(crate) fields: Map<String, Value>,
}

impl Entry {
    /// A particular that is text.
    pub(crate) fn text(&self, field: &str) -> &str {
        self.fields.get(field).and_then(Value::as_str).unwrap_or_default()
    }
}

/// Everything that happened.
pub(crate) struct Log {
    inner: Mutex<Inner>,
    stdout: bool,
}

struct Inner {
    began: Instant,
    entries: Vec<Entry>,
    file: BufWriter<File>,
}

impl Log {
    /// An empty log, and its file.
    pub(crate) fn create(path: &Path, stdout: bool) -> std::io::Result<Self> {
        let file = BufWriter::new(File::create(path)?);
        Ok(Self { inner: Mutex::new(Inner { began: Instant::now(), entries: Vec::new(), file }), stdout })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Time begins now.
    pub(crate) fn begin(&self) {
        self.lock().began = Instant::now();
    }

    /// Seconds since it began.
    pub(crate) fn now(&self) -> f64 {
        self.lock().began.elapsed().as_secs_f64()
    }

    /// One more thing happened; gives back when.
    pub(crate) fn say(&self, event: &'static str, fields: Value) -> f64 {
        let fields = match fields {
            Value::Object(fields) => fields,
            Value::Null => Map::new(),
            other => Map::from_iter([("value".to_owned(), other)]),
        };
        let mut inner = self.lock();
        let at = inner.began.elapsed().as_secs_f64();
        let mut line = Map::from_iter([
            ("at_ms".to_owned(), json!((at * 10_000.0).round() / 10.0)),
            ("event".to_owned(), json!(event)),
        ]);
        line.extend(fields.clone());
        let line = Value::Object(line);
        let shown = super::printable::line(&line);
        // A full disk is told at the end, when the file is flushed.
        let _ = writeln!(inner.file, "{line}");
        if self.stdout {
            let _ = writeln!(std::io::stdout(), "{shown}");
        }
        inner.entries.push(Entry { at, event, fields });
        at
    }

    /// What happened so far.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.lock().entries.clone()
    }

    /// Writes out what is still held back.
    pub(crate) fn flush(&self) -> std::io::Result<()> {
        self.lock().file.flush()
    }
}
