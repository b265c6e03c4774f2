//! What a level promises its readers.

use super::*;

#[test]
fn a_watcher_sees_the_newest_value_and_then_the_end() {
    let level = Level::new(1);
    let mut watcher = level.watcher();
    let mut cx = Context::from_waker(Waker::noop());
    assert_eq!(level.poll_changed(&mut watcher, &mut cx), Poll::Ready(Some(1)));
    assert_eq!(level.poll_changed(&mut watcher, &mut cx), Poll::Pending);
    for n in 2..5 {
        level.update(|value| {
            *value = n;
            true
        });
    }
    level.update(|_| false);
    level.close();
    assert_eq!(level.poll_changed(&mut watcher, &mut cx), Poll::Ready(Some(4)));
    assert_eq!(level.poll_changed(&mut watcher, &mut cx), Poll::Ready(None));
}

#[test]
fn watchers_that_went_away_leave_nothing_behind() {
    let level = Level::new(0);
    (0..1000).for_each(|_| drop(level.watcher()));
    let kept = level.watcher();
    assert_eq!(lock(&level.0).watchers.len(), 1);
    drop(kept);
}
