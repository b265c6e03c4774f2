//! What is written about a run: the summary, the contact sheet, the timeline, and the verdict.

use crate::args::Demo;
use crate::trial::log::{Entry, Log};
use crate::trial::timeline::{Mark, Paint, Row, Span, Timeline, spans};
use crate::trial::witness::Witness;
use offhook_media::{ContactSheet, I420, Pair};
use serde::Serialize;
use std::collections::HashMap;

/// One prompt and how it went.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct PromptRow {
    pub(crate) text: String,
    /// From asking to the far side's acknowledgement.
    pub(crate) ack_ms: Option<f64>,
    /// From asking to the third decoded picture in a row that shows it.
    pub(crate) visible_ms: Option<f64>,
}

/// One thing that had to hold.
#[derive(Clone, Debug, Serialize)]
struct Check {
    what: String,
    held: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

/// The summary, as `summary.json` has it.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    pub(crate) joined_ms: Option<f64>,
    pub(crate) first_frame_ms: Option<f64>,
    pub(crate) frames_sent: u64,
    pub(crate) frames_received: u64,
    pub(crate) prompts: Vec<PromptRow>,
    pub(crate) recovered_ms: Option<f64>,
    pub(crate) states: Vec<String>,
    pub(crate) ended: Option<String>,
    pub(crate) leaked_tasks: usize,
    pub(crate) leaked_sockets: usize,
    checks: Vec<Check>,
    #[serde(skip)]
    pairs: Vec<Pair>,
}

impl Report {
    /// Notes whether something held.
    pub(crate) fn check(&mut self, what: &str, held: bool) {
        self.checks.push(Check { what: what.to_owned(), held, why: None });
    }

    /// Notes that something did not hold, and why.
    pub(crate) fn fail(&mut self, what: &str, why: &str) {
        self.checks.push(Check { what: what.to_owned(), held: false, why: Some(why.to_owned()) });
    }

    /// Notes what was left at the end.
    pub(crate) fn leaked(&mut self, tasks: usize, sockets: usize) {
        self.leaked_tasks = tasks;
        self.leaked_sockets = sockets;
        self.check("no task and no socket is left", tasks == 0 && sockets == 0);
    }

    /// Did everything hold?
    pub(crate) fn held(&self) -> bool {
        !self.checks.is_empty() && self.checks.iter().all(|check| check.held)
    }

    /// Keeps a pair for each prompt that was seen.
    pub(crate) fn keep(&mut self, witness: &Witness, kept: &HashMap<usize, (usize, I420)>) {
        let mut prompts: Vec<_> = kept.iter().collect();
        prompts.sort_by_key(|(prompt, _)| **prompt);
        for (prompt, (picture, returned)) in prompts {
            let row = prompt.checked_sub(1).and_then(|at| self.prompts.get(at));
            let note = row
                .and_then(|row| row.visible_ms)
                .map_or(String::new(), |ms| format!("seen after {ms:.0} ms"));
            self.pairs.push(Pair {
                label: if *prompt == 0 { "no prompt".into() } else { witness.prompt(*prompt).to_owned() },
                note,
                sent: witness.original(*picture).clone(),
                returned: returned.clone(),
            });
        }
    }

    /// The states that were seen, in order.
    pub(crate) fn take_states(&mut self, log: &Log) {
        let entries = log.entries();
        let states = entries.iter().filter(|entry| entry.event == "state").map(|entry| entry.text("state"));
        self.states = states.map(str::to_owned).collect();
    }

    /// Writes everything into the folder.
    pub(crate) fn write(&self, args: &Demo, log: &Log) -> std::io::Result<()> {
        let entries = log.entries();
        log.flush()?;
        let mut summary = serde_json::to_string_pretty(self)?;
        summary.push('\n');
        std::fs::write(args.out.join("summary.json"), summary)?;
        self.timeline(&entries).write(&args.out.join("timeline.svg"))?;
        if !self.pairs.is_empty() {
            let subtitle = format!(
                "joined in {:.0} ms, recovered in {:.0} ms",
                self.joined_ms.unwrap_or_default(),
                self.recovered_ms.unwrap_or_default()
            );
            let mut sheet = ContactSheet::new("offhook demo: sent | returned", subtitle);
            if args.input.input.is_none() && !args.input.pattern {
                sheet = sheet.footer(offhook_media::clip::SAMPLE_ATTRIBUTION);
            }
            self.pairs.iter().for_each(|pair| sheet.push(pair.clone()));
            let drawn = sheet.draw().map_err(std::io::Error::other)?;
            drawn.write_png(args.out.join("contact-sheet.png")).map_err(std::io::Error::other)?;
        }
        Ok(())
    }

    fn timeline(&self, entries: &[Entry]) -> Timeline {
        let end = entries.last().map_or(1.0, |entry| entry.at).max(1.0);
        let pick = |event: &str, field: &str| -> Vec<(f64, String)> {
            let of = entries.iter().filter(|entry| entry.event == event);
            of.map(|entry| (entry.at, entry.text(field).to_owned())).collect()
        };
        let cuts: Vec<_> = entries.iter().filter(|entry| entry.event == "network").collect();
        let network = cuts.chunks(2).map(|cut| Span {
            name: "no network".into(),
            from: cut[0].at,
            to: cut.get(1).map_or(end, |back| back.at),
        });
        let mark = |entry: &Entry| {
            let name = match entry.event {
                "prompt" => format!("asked: {}", entry.text("text")),
                "link_lost" => format!("{} lost: {}", entry.text("plane"), entry.text("fault")),
                "recovered" => format!("recovered by {}", entry.text("plan")),
                "generation_started" => "generation started".into(),
                "ended" => format!("ended: {}", entry.text("reason")),
                _ => return None,
            };
            Some(Mark { name, at: entry.at })
        };
        Timeline {
            title: "offhook demo".into(),
            end,
            rows: vec![
                Row { name: "state", paint: Paint::State, spans: spans(pick("state", "state"), end) },
                Row { name: "network", paint: Paint::Trouble, spans: network.collect() },
                Row { name: "picture", paint: Paint::Each, spans: spans(pick("picture", "shows"), end) },
            ],
            events: entries.iter().filter_map(mark).collect(),
        }
    }

    /// Says how it went.
    pub(crate) fn print(&self, args: &Demo, log: &Log) {
        if args.json {
            // Already on stdout line by line; the summary is the last.
            if let Ok(Ok(fields)) =
                serde_json::to_value(self).map(|value| value.as_object().cloned().ok_or(()))
            {
                log.say("summary", serde_json::Value::Object(fields));
            }
        } else {
            for check in &self.checks {
                let sign = if check.held { "ok  " } else { "FAIL" };
                let why = check.why.as_deref().map_or(String::new(), |why| format!(": {why}"));
                println!("{sign} {}{why}", check.what);
            }
            for row in &self.prompts {
                let shown = |ms: Option<f64>| ms.map_or("never".to_owned(), |ms| format!("{ms:.0} ms"));
                println!(
                    "     {:<20} acknowledged {:>8}, seen {:>8}",
                    row.text,
                    shown(row.ack_ms),
                    shown(row.visible_ms)
                );
            }
            println!("     {}", self.states.join(" > "));
            println!("look at {0}/contact-sheet.png and {0}/timeline.svg", args.out.display());
        }
        for check in self.checks.iter().filter(|check| !check.held) {
            eprintln!("offhook: did not hold: {}", check.what);
        }
    }
}
