//! Facts about the cell.

use super::*;
use std::sync::Arc;

#[test]
fn the_newest_is_held_and_what_nobody_took_is_counted() {
    let cell = Latest::new();
    assert_eq!(cell.take(), None);
    assert!(cell.put(1) && cell.put(2) && cell.put(3));
    assert_eq!((cell.take(), cell.take(), cell.lost()), (Some(3), None, 2));
}

#[test]
fn who_waits_is_woken_by_a_value_and_by_the_close() {
    let cell = Arc::new(Latest::new());
    let theirs = cell.clone();
    let waiting = std::thread::spawn(move || {
        let long = Duration::from_secs(60);
        (theirs.wait(long), theirs.wait(long))
    });
    assert!(cell.put(7));
    // The second wait may have begun or not: it ends either way.
    while cell.lock().value.is_some() {
        std::thread::yield_now();
    }
    cell.close();
    assert_eq!(waiting.join().unwrap(), (Some(7), None));
    assert!(!cell.put(8) && cell.is_closed());
}
