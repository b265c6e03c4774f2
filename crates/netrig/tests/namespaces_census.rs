//! After a lab nothing is left: no thread, no file, no namespace, no interface. Alone in its program, for it counts
//! what the process has.
#![cfg(all(feature = "namespaces", target_os = "linux"))]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it stands")]

use std::{
    collections::BTreeSet,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use offhook_netrig::namespaces::{Access, Lab};

/// Threads, open files, and the network namespaces of the threads; the machine's interfaces; its named namespaces.
#[derive(Debug, PartialEq, Eq)]
struct Census {
    threads: usize,
    files: usize,
    namespaces: BTreeSet<PathBuf>,
    links: String,
    named: String,
}

fn ip(args: &[&str]) -> String {
    String::from_utf8(Command::new("ip").args(args).output().unwrap().stdout).unwrap()
}

fn census() -> Census {
    let threads: Vec<_> = fs::read_dir("/proc/self/task").unwrap().flatten().collect();
    // A thread may end between the list and the look at it.
    let namespaces =
        threads.iter().filter_map(|thread| fs::read_link(thread.path().join("ns/net")).ok()).collect();
    Census {
        threads: threads.len(),
        files: fs::read_dir("/proc/self/fd").unwrap().count(),
        namespaces,
        links: ip(&["-o", "-br", "link", "show"]),
        named: ip(&["netns", "list"]),
    }
}

fn returns_to(before: &Census) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while census() != *before {
        assert!(Instant::now() < deadline, "left behind: {:#?}\nbefore: {before:#?}", census());
        thread::yield_now();
    }
}

fn work(lab: &Lab) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let network = lab.network(Access::Nat).unwrap();
    let (one, two) = (lab.host("one").unwrap(), lab.host("two").unwrap());
    let (first, second) = (one.plug(&network).unwrap(), two.plug(&network).unwrap());
    let there = census();
    assert!(there.namespaces.len() >= 3, "{there:#?}");
    let waits = one.run(std::future::pending::<()>).unwrap();
    runtime.block_on(two.run(async || ()).unwrap()).unwrap();
    first.unplug().unwrap();
    // The rest is dropped, the run with it, and the interface after its host.
    drop((one, two));
    drop((waits, second));
}

#[test]
fn nothing_is_left_of_a_lab_also_after_a_panic() {
    let lab = match Lab::new(7) {
        Ok(lab) => lab,
        Err(unavailable) => return eprintln!("skipped: {unavailable}"),
    };
    drop(lab);
    let before = census();
    for _ in 0..3 {
        let lab = Lab::new(7).unwrap();
        work(&lab);
        drop(lab);
        returns_to(&before);
    }
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let lab = Lab::new(7).unwrap();
        let network = lab.network(Access::Open).unwrap();
        let host = lab.host("host").unwrap();
        let _interface = host.plug(&network).unwrap();
        let _waits = host.run(std::future::pending::<()>).unwrap();
        panic!("a failed test");
    }));
    assert!(panicked.is_err());
    returns_to(&before);
}
