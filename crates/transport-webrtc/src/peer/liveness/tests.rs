//! When a path counts as silent, and that nobody was silent while this process did not run (E3).

use super::*;

const SILENT: Duration = Duration::from_secs(5);

fn at(begin: Instant, seconds: u64) -> Instant {
    begin + Duration::from_secs(seconds)
}

// E3
#[test]
fn silence_is_told_once_and_an_answer_ends_it() {
    let begin = Instant::now();
    let mut path = Path::new(begin);
    assert_eq!(path.look(0, 0, at(begin, 4), SILENT), None);
    let silent = Duration::from_secs(5);
    assert_eq!(path.look(0, 0, at(begin, 5), SILENT), Some(PeerEvent::PathSilent { silent }));
    assert_eq!(path.look(0, 0, at(begin, 6), SILENT), None);
    assert_eq!(path.look(1, 0, at(begin, 7), SILENT), Some(PeerEvent::PathAnswered));
    assert_eq!(path.look(1, 0, at(begin, 11), SILENT), None);
}

// E3, S12
#[test]
fn time_in_which_nobody_looked_is_no_silence_but_counts_for_consent() {
    let begin = Instant::now();
    let mut path = Path::new(begin);
    // Ten seconds in which this process did not run, after one in which it did.
    path.excuse(Duration::from_secs(10), at(begin, 11));
    assert_eq!(path.look(0, 0, at(begin, 11), SILENT), None);
    assert_eq!(path.answered, begin);
    let silent = Duration::from_secs(5);
    assert_eq!(path.look(0, 0, at(begin, 15), SILENT), Some(PeerEvent::PathSilent { silent }));
    // A little late is everybody at times.
    let mut path = Path::new(begin);
    path.excuse(Duration::from_millis(50), at(begin, 1));
    assert_eq!(path.at, begin);
    // And never into the future.
    path.excuse(Duration::from_secs(60), at(begin, 2));
    assert_eq!(path.at, at(begin, 2));
}
