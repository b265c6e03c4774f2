//! What is shown and written of a run: the plan beforehand, then the timeline as a table and a
//! picture, and the verdict.

use super::plan::Plan;
use super::record::{Answer, Seen};
use super::rules::{Held, Verdict, judge};
use crate::args::Chaos;
use crate::trial::log::{Entry, Log};
use crate::trial::timeline::{Mark, Paint, Row, Span, Timeline, spans};
use offhook::Event;
use serde::Serialize;
use serde_json::{Value, json};

/// Says beforehand what shall happen, so that a run that hangs can be replayed too.
pub(super) fn announce(plan: &Plan, args: &Chaos, log: &Log) {
    let faults: Vec<_> = plan.faults.steps().iter().map(|step| {
        json!({ "at_ms": step.at.as_millis() as u64, "fault": step.fault.to_string(), "ms": step.lasting.as_millis() as u64 })
    }).collect();
    let turns: Vec<_> = plan.turns.iter().map(|act| {
        json!({ "at_ms": act.at.as_millis() as u64, "turn": act.turn.to_string(), "ms": act.lasting.as_millis() as u64 })
    }).collect();
    let told: Vec<_> = plan
        .told
        .iter()
        .map(|(at, hint)| json!({ "at_ms": at.as_millis() as u64, "hint": hint.to_string() }))
        .collect();
    let wishes: Vec<_> = plan
        .wishes
        .iter()
        .map(|(at, wish)| json!({ "at_ms": at.as_millis() as u64, "wish": wish.to_string() }))
        .collect();
    log.say(
        "plan",
        json!({
            "seed": plan.seed,
            "seconds": args.seconds,
            "faults": faults,
            "turns": turns,
            "told": told,
            "wishes": wishes,
        }),
    );
    if !args.json {
        println!("seed {0}; the same again: offhook chaos --seed {0} --seconds {1}", plan.seed, args.seconds);
        println!("{plan}\n");
    }
}

/// The summary, as `summary.json` has it.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    seed: u64,
    seconds: f64,
    held: bool,
    broken_off: bool,
    /// Of the network.
    faults: usize,
    /// Of the servers.
    turns: usize,
    /// Moves to another server that succeeded.
    moves: usize,
    pictures: usize,
    prompts: usize,
    acknowledged: usize,
    states: Vec<String>,
    verdicts: Vec<Verdict>,
}

impl Report {
    /// Judges what was seen.
    pub(super) fn judge(plan: &Plan, seen: &Seen, broken_off: bool) -> Self {
        let verdicts = judge(plan, seen);
        let moved = |event: &Event| matches!(event, Event::MigrationFinished { moved: true });
        let acknowledged = |answer: &Option<(f64, Answer)>| matches!(answer, Some((_, Answer::Applied)));
        Self {
            seed: plan.seed,
            seconds: plan.faults.length().as_secs_f64(),
            held: verdicts.iter().all(|verdict| verdict.held != Held::No),
            broken_off,
            faults: seen.faults,
            turns: seen.turns,
            moves: seen.events.iter().filter(|(_, event)| moved(event)).count(),
            pictures: seen.returned.len(),
            prompts: seen.prompts.len(),
            acknowledged: seen.prompts.iter().filter(|asked| acknowledged(&asked.answered)).count(),
            states: seen.states.iter().map(|(_, state)| state.name().to_owned()).collect(),
            verdicts,
        }
    }

    /// Did every rule hold that could be checked?
    pub(super) fn held(&self) -> bool {
        self.held && !self.broken_off
    }

    /// Writes everything into the folder.
    pub(super) fn write(&self, args: &Chaos, log: &Log) -> std::io::Result<()> {
        let entries = log.entries();
        log.flush()?;
        let mut summary = serde_json::to_string_pretty(self)?;
        summary.push('\n');
        std::fs::write(args.out.join("summary.json"), summary)?;
        timeline(self.seed, &entries).write(&args.out.join("timeline.svg"))
    }

    /// Says how it went.
    pub(super) fn print(&self, args: &Chaos, log: &Log) {
        if args.json {
            // Already on stdout line by line; the summary is the last.
            if let Ok(Value::Object(fields)) = serde_json::to_value(self) {
                log.say("summary", Value::Object(fields));
            }
        } else {
            table(&log.entries()).iter().for_each(|line| println!("{line}"));
            println!();
            for verdict in &self.verdicts {
                let sign = match verdict.held {
                    Held::Yes => "ok  ",
                    Held::No => "FAIL",
                    Held::NotChecked => "  - ",
                };
                println!("{sign} {:<8} {}: {}", verdict.rules, verdict.what, verdict.seen);
            }
            println!("look at {}/timeline.svg", args.out.display());
        }
        for verdict in self.verdicts.iter().filter(|verdict| verdict.held == Held::No) {
            eprintln!("offhook: did not hold: {} ({}): {}", verdict.what, verdict.rules, verdict.seen);
        }
        if !self.held() {
            eprintln!(
                "offhook: the same again: offhook chaos --seed {} --seconds {}",
                self.seed, args.seconds
            );
        }
    }
}

/// One line a thing that happened: when, in which state, what.
fn table(entries: &[Entry]) -> Vec<String> {
    let mut state = "Idle".to_owned();
    let mut lines = vec![format!("{:>9}  {:<18} what", "time", "state")];
    for entry in entries {
        if entry.event == "state" {
            state = entry.text("state").to_owned();
        }
        if let Some(what) = told(entry) {
            lines.push(format!("{:>7.3} s  {state:<18} {what}", entry.at));
        }
    }
    lines
}

/// What is told of an entry; nothing of those that only a program wants.
fn told(entry: &Entry) -> Option<String> {
    let on = |field: &str| entry.fields.get(field).and_then(Value::as_bool).unwrap_or_default();
    let number = |field: &str| entry.fields.get(field).and_then(Value::as_f64).unwrap_or_default();
    Some(match entry.event {
        "state" => format!("now {}", entry.text("state")),
        "fault" if on("on") => format!("network: {}", entry.text("fault")),
        "fault" => format!("network: {} is over", entry.text("fault")),
        "turn" if on("on") => format!("{} server: {}", entry.text("server"), entry.text("turn")),
        "turn" if !entry.text("not").is_empty() => {
            format!("{} server: no {} ({})", entry.text("server"), entry.text("turn"), entry.text("not"))
        }
        "turn" => format!("{} server: {} is over", entry.text("server"), entry.text("turn")),
        "told" => format!("told: {}", entry.text("hint")),
        "server" => format!("at the {} server", entry.text("server")),
        "migration_started" => "a move begins".to_owned(),
        "migration_finished" if on("moved") => "moved".to_owned(),
        "migration_finished" => "the move failed".to_owned(),
        "prompt" => format!("asked for {}", entry.text("text")),
        "answer" => format!("{}: {}", entry.text("text"), entry.text("answer")),
        "mute" => if on("muted") { "camera muted" } else { "camera on" }.to_owned(),
        "picture" => format!("pictures show {}", entry.text("shows")),
        "link_lost" => format!("{} lost: {}", entry.text("plane"), entry.text("fault")),
        "attempt" => {
            let error = entry.text("error");
            let how = if error.is_empty() { "carried" } else { error };
            format!("{} {how} after {:.0} ms", entry.text("plan"), number("took_ms"))
        }
        "recovered" => format!(
            "recovered by {} after {:.0} ms, media away for {:.0} ms",
            entry.text("plan"),
            number("after_ms"),
            number("media_interrupted_ms")
        ),
        "error" => format!("error: {}", entry.text("code")),
        "ended" => format!("ended: {}", entry.text("reason")),
        "released" => format!("everything released {:.0} ms after leaving", number("after_ms")),
        _ => return None,
    })
}

fn timeline(seed: u64, entries: &[Entry]) -> Timeline {
    let end = entries.last().map_or(1.0, |entry| entry.at).max(1.0);
    let of = |event: &'static str| entries.iter().filter(move |entry| entry.event == event);
    let changes = |event: &'static str, field: &'static str| {
        of(event).map(|entry| (entry.at, entry.text(field).to_owned())).collect::<Vec<_>>()
    };
    let stretches = |event: &'static str, name: &'static str| {
        // A beginning and its end say the same name, one after the other; what has no length has no end.
        let all: Vec<&Entry> = of(event).collect();
        let on = |entry: &Entry| entry.fields.get("on").and_then(Value::as_bool).unwrap_or_default();
        let begun = all.iter().enumerate().filter(|(_, entry)| on(entry)).map(|(place, entry)| Span {
            name: entry.text(name).to_owned(),
            from: entry.at,
            to: match all.get(place + 1) {
                Some(next) if !on(next) => next.at,
                _ => entry.at,
            },
        });
        begun.collect::<Vec<_>>()
    };
    let muted: Vec<&Entry> = of("mute").collect();
    let muted = muted.chunks(2).filter_map(|pair| {
        let to = pair.get(1).map_or(end, |on| on.at);
        pair.first().map(|off| Span { name: "muted".into(), from: off.at, to })
    });
    let mark = |entry: &Entry| {
        let name = match entry.event {
            "prompt" => format!("ask: {}", entry.text("text")),
            // The others are bars.
            "fault" if entry.fields.get("moment") == Some(&Value::Bool(true)) => {
                entry.text("fault").to_owned()
            }
            "told" => format!("told: {}", entry.text("hint")),
            "migration_finished" if entry.fields.get("moved") == Some(&Value::Bool(true)) => {
                "moved".to_owned()
            }
            "migration_finished" => "move failed".to_owned(),
            "link_lost" => format!("{} lost: {}", entry.text("plane"), entry.text("fault")),
            "recovered" => format!("recovered by {}", entry.text("plan")),
            "ended" => format!("ended: {}", entry.text("reason")),
            _ => return None,
        };
        Some(Mark { name, at: entry.at })
    };
    Timeline {
        title: format!("offhook chaos, seed {seed}"),
        end,
        rows: vec![
            Row { name: "state", paint: Paint::State, spans: spans(changes("state", "state"), end) },
            Row { name: "network", paint: Paint::Trouble, spans: stretches("fault", "fault") },
            Row { name: "servers", paint: Paint::Turn, spans: stretches("turn", "turn") },
            Row { name: "session at", paint: Paint::Each, spans: spans(changes("server", "server"), end) },
            Row { name: "camera", paint: Paint::Wish, spans: muted.collect() },
            Row { name: "picture", paint: Paint::Each, spans: spans(changes("picture", "shows"), end) },
        ],
        events: entries.iter().filter_map(mark).collect(),
    }
}
