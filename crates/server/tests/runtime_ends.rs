//! The runtime under the server goes away in the middle: no thread is left waiting for pictures.
//! In a process of its own, because it counts the threads of the whole process.

#[path = "facts/wire.rs"]
mod wire;

use std::sync::mpsc;
use std::time::{Duration, Instant};
use wire::{PATIENCE, Wire, server};

/// Threads that paint, by the name they go by.
fn painters() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux");
    let names = tasks.flatten().filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
    names.filter(|name| name.trim() == "offhook-studio").count()
}

#[test]
fn a_runtime_that_ends_with_members_inside_ends_and_so_do_their_painters() {
    let (done, is_done) = mpsc::sync_channel(1);
    std::thread::spawn(move || {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).enable_all().build().expect("a runtime");
        let members = runtime.block_on(async {
            let server = server().await;
            let members = (Wire::enter(&server, "ada", 1).await, Wire::enter(&server, "bob", 2).await);
            assert_eq!(server.census().members, 2);
            // A thread gives itself its name once it runs.
            let deadline = Instant::now() + PATIENCE;
            while painters() < 2 {
                assert!(Instant::now() < deadline, "{} painters of 2", painters());
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            (server, members)
        });
        // Waits for whatever the runtime lent a thread to.
        drop(runtime);
        drop(members);
        let _ = done.send(());
    });
    is_done.recv_timeout(PATIENCE).expect("the runtime waits for somebody");
    let deadline = Instant::now() + PATIENCE;
    while painters() > 0 {
        assert!(Instant::now() < deadline, "{} painters wait for pictures that never come", painters());
        std::thread::sleep(Duration::from_millis(2));
    }
}
