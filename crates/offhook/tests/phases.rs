//! Where the time of a dial goes (F73): in the summary, in the events, and as spans. A binary of its
//! own: the interest of spans is cached for the whole process.

#[path = "session/common.rs"]
#[allow(dead_code, reason = "shared with the other tests")]
mod common;

use common::*;
use offhook::transport::{FaultKind, Plane, Progress};
use offhook::{Join, Phases, Step};
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tracing_subscriber::fmt::format::FmtSpan;

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// A log of which each line has its time, as the paused clock has it.
#[derive(Clone)]
struct Log {
    began: Instant,
    lines: Arc<Mutex<Vec<(Duration, String)>>>,
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let line = String::from_utf8_lossy(bytes).into_owned();
        self.lines.lock().expect("not poisoned").push((self.began.elapsed(), line));
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// When each span of a dial of this plan opened and closed, in the order in which they closed.
    fn spans(&self, plan: &str) -> Vec<(&'static str, Duration, Duration)> {
        let lines = self.lines.lock().expect("not poisoned");
        let plan = format!("plan=\"{plan}\"");
        let of = |line: &str, span: &str| match span {
            "dial" => line.contains(&format!("{plan}}}: ")),
            inner => line.contains(&format!("{plan}}}:{inner}: ")),
        };
        let at = |span: &str, what: &str| {
            let found = lines.iter().filter(|(_, line)| of(line, span) && line.contains(what));
            let times: Vec<_> = found.map(|(at, _)| *at).collect();
            assert!(times.len() < 2, "{span} of {plan}: {what} at {times:?}");
            times.first().copied()
        };
        let mut spans: Vec<_> = ["searching", "preparing", "connecting", "dial"]
            .into_iter()
            .filter_map(|span| Some((span, at(span, ": new")?, at(span, ": close")?)))
            .collect();
        spans.sort_by_key(|(_, _, closed)| *closed);
        spans
    }
}

/// F73: of a join that had to wait, and of the resume that followed.
#[tokio::test(start_paused = true)]
async fn every_step_of_every_attempt_is_timed_in_the_summary_and_as_spans() {
    let log = Log { began: Instant::now(), lines: Arc::default() };
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::INFO)
        .with_span_events(FmtSpan::NEW | FmtSpan::CLOSE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let (client, remote) = by_hand();
    let joining = idle(&client).join(Join::new());
    let dial = remote.dial().await;
    sleep(seconds(1)).await;
    dial.progress(Progress::Preparing { text: None, percent: None });
    sleep(seconds(3)).await;
    dial.progress(Progress::Preparing { text: None, percent: Some(50) });
    sleep(seconds(2)).await;
    dial.up(dial.a_welcome());
    dial.carried(Plane::Signaling);
    sleep(seconds(4)).await;
    dial.carried(Plane::Media);
    let session = joining.await.expect("let in");

    dial.lose(Plane::Signaling, FaultKind::Closed);
    let again = remote.dial().await;
    sleep(seconds(2)).await;
    again.accept();
    sleep(seconds(1)).await;
    let left = session.leave().await;

    let join = Phases { searching: seconds(1), preparing: seconds(5), connecting: seconds(4) };
    let resume = Phases { searching: seconds(2), ..Phases::default() };
    let attempts = left.summary().attempts;
    let timed: Vec<_> =
        attempts.iter().map(|attempt| (attempt.plan.code(), attempt.step, attempt.phases)).collect();
    assert_eq!(timed, [("join", Step::Connecting, join), ("resume", Step::Connecting, resume)]);
    assert!(attempts.iter().all(|attempt| attempt.phases.total() == attempt.took), "{attempts:?}");

    let wanted = [("searching", 0, 1), ("preparing", 1, 6), ("connecting", 6, 10), ("dial", 0, 10)];
    assert_eq!(log.spans("join"), wanted.map(|(span, from, to)| (span, seconds(from), seconds(to))));
    let resumed = log.spans("resume");
    let began = resumed.iter().map(|(_, opened, _)| *opened).min().expect("it was dialled");
    let took: Vec<_> =
        resumed.iter().map(|(span, from, to)| (*span, from.abs_diff(began), to.abs_diff(began))).collect();
    assert!(took.contains(&("searching", seconds(0), seconds(2))), "{took:?}");
    assert!(took.contains(&("dial", seconds(0), seconds(2))), "{took:?}");
}
