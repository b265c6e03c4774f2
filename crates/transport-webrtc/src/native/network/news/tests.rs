//! When it is looked, on paused time, and that this system's kernel is listened to.

use super::*;
use std::sync::Mutex;
use std::sync::PoisonError;
use tokio::time::Instant;

/// F33, on Windows, macOS, and in a sandbox that closes netlink.
#[tokio::test(start_paused = true)]
async fn where_nobody_says_anything_it_is_looked_once_a_second() {
    let begin = Instant::now();
    let looks = Mutex::new(Vec::new());
    let look = || looks.lock().unwrap_or_else(PoisonError::into_inner).push(begin.elapsed().as_secs());
    let telling = News::ticks().tell(look);
    let _ = timeout(Duration::from_millis(4_500), telling).await;
    assert_eq!(*looks.lock().unwrap_or_else(PoisonError::into_inner), [0, 1, 2, 3, 4]);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_kernel_of_this_system_is_listened_to() {
    assert!(matches!(News::open(), News::Kernel(_)), "this sandbox closes netlink");
}
