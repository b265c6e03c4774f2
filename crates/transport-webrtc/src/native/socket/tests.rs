//! Which places are tried when, on paused time.

use super::*;
use std::future::pending;
use std::sync::Mutex;

fn places(ports: &[u16]) -> VecDeque<SocketAddr> {
    ports.iter().map(|port| SocketAddr::from(([192, 0, 2, 1], *port))).collect()
}

/// An attempt begun in the hole is lost, one begun afterwards is answered at once.
#[tokio::test(start_paused = true)]
async fn a_path_that_comes_back_is_found_within_a_quarter_of_a_second() {
    let begin = Instant::now();
    let back = Duration::from_millis(4_130);
    race(places(&[1]), |_| async move {
        if begin.elapsed() < back {
            pending::<()>().await;
        }
        Ok(())
    })
    .await
    .expect("it is back");
    assert!(begin.elapsed() <= back + ATTEMPT_EVERY, "{:?}", begin.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_second_place_is_tried_beside_a_silent_first() {
    let begin = Instant::now();
    let port = race(places(&[1, 2]), |place| async move {
        if place.port() == 1 {
            pending::<()>().await;
        }
        Ok(place.port())
    })
    .await;
    assert_eq!(port, Ok(2));
    assert_eq!(begin.elapsed(), ATTEMPT_EVERY);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_moves_on_at_once_and_the_last_one_is_the_answer() {
    let begin = Instant::now();
    let tried = Mutex::new(Vec::new());
    let answer = race(places(&[1, 2, 3]), |place| {
        tried.lock().expect("one thread").push(place.port());
        async { Err::<(), _>(io::ErrorKind::ConnectionRefused.into()) }
    })
    .await;
    assert_eq!(answer, Err(io::ErrorKind::ConnectionRefused));
    assert_eq!(*tried.lock().expect("one thread"), [1, 2, 3]);
    assert_eq!(begin.elapsed(), Duration::ZERO);
    assert_eq!(race(places(&[]), |_| async { Ok(()) }).await, Err(io::ErrorKind::NotFound));
}

/// R16: a hole makes no heap of sockets.
#[tokio::test(start_paused = true)]
async fn only_so_many_attempts_are_kept_up() {
    let alive = std::sync::Arc::new(());
    let most = Mutex::new(0);
    let trying = race(places(&[1]), |_| {
        let held = alive.clone();
        let mut most = most.lock().expect("one thread");
        *most = (*most).max(std::sync::Arc::strong_count(&alive) - 1);
        async move {
            let _held = held;
            pending::<io::Result<()>>().await
        }
    });
    assert!(tokio::time::timeout(Duration::from_secs(60), trying).await.is_err());
    assert_eq!(*most.lock().expect("one thread"), ATTEMPTS);
}
