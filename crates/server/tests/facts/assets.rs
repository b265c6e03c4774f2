//! What a session needs is loaded before anybody is in it (F57): once, told to all, given up with
//! the last who waits, and typed when it fails.

use crate::wire::{Wire, builder, empty, goodbye, join, settled};
use offhook_server::AssetsFailed;
use offhook_signaling::{ErrorCode, FromClient, FromServer, Join, Step};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Semaphore;

/// The next word about the loading.
async fn word(wire: &mut Wire, wanted: &str) -> Option<u8> {
    wire.until(wanted, |message| match message {
        FromServer::Progress(progress) if progress.text.as_deref() == Some(wanted) => {
            assert_eq!(progress.step, Step::Preparing);
            Some(progress.percent)
        }
        FromServer::Joined(_) => panic!("in before {wanted}"),
        _ => None,
    })
    .await
}

async fn dial(server: &offhook_server::Server, join: Join) -> Wire {
    let mut wire = Wire::dial(server).await;
    wire.say_once(&FromClient::Join(join)).await;
    wire
}

// F57
#[tokio::test]
async fn a_session_is_loaded_once_and_everybody_who_waits_is_told_how_far_it_is() {
    let (gate, loads) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
    let (step, count) = (gate.clone(), loads.clone());
    let server = builder()
        .assets(move |loading| {
            let (step, count) = (step.clone(), count.clone());
            async move {
                count.fetch_add(1, Ordering::SeqCst);
                assert_eq!((loading.kind(), loading.id(), loading.model()), ("studio", "1", Some("studio")));
                for (text, percent) in [("the face", 30), ("the voice", 80)] {
                    loading.progress(text, percent);
                    step.acquire().await.expect("never closed").forget();
                }
                Ok(())
            }
        })
        .start()
        .await
        .expect("a port");
    let with_model = |user, n| Join { model: Some("studio".into()), ..join(user, n) };
    let mut ada = dial(&server, with_model("ada", 1)).await;
    assert_eq!(word(&mut ada, "the face").await, Some(30));
    let mut bob = dial(&server, with_model("bob", 2)).await;
    assert_eq!(word(&mut bob, "the face").await, Some(30));
    gate.add_permits(1);
    assert_eq!(word(&mut ada, "the voice").await, Some(80));
    assert_eq!(word(&mut bob, "the voice").await, Some(80));
    gate.add_permits(1);
    ada.joined().await;
    bob.joined().await;
    // It is there: the next one does not wait.
    let mut cy = dial(&server, with_model("cy", 3)).await;
    cy.joined().await;
    assert_eq!(loads.load(Ordering::SeqCst), 1);
}

/// Says when it is dropped.
struct Gone(Arc<AtomicUsize>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

// F57
#[tokio::test]
async fn a_loading_that_nobody_waits_for_any_more_is_given_up_and_its_place_with_it() {
    let (begun, gone) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counts, drops) = (begun.clone(), gone.clone());
    let server = builder()
        .assets(move |loading| {
            counts.fetch_add(1, Ordering::SeqCst);
            let held = Gone(drops.clone());
            async move {
                loading.progress("for ever", None);
                std::future::pending::<()>().await;
                drop(held);
                Ok(())
            }
        })
        .start()
        .await
        .expect("a port");
    let mut ada = dial(&server, join("ada", 1)).await;
    word(&mut ada, "for ever").await;
    assert_eq!(server.census().members, 1, "its place is kept for it");
    ada.say_once(&goodbye()).await;
    empty(&server).await;
    settled("the work is dropped", || gone.load(Ordering::SeqCst) == 1).await;
    // The next one begins anew.
    let mut bob = dial(&server, join("bob", 2)).await;
    word(&mut bob, "for ever").await;
    assert_eq!(begun.load(Ordering::SeqCst), 2);
    drop(bob.lose());
    empty(&server).await;
}

// F57
#[tokio::test]
async fn a_loading_that_fails_or_panics_refuses_the_join_and_the_next_one_tries_anew() {
    let tries = Arc::new(AtomicUsize::new(0));
    let count = tries.clone();
    let server = builder()
        .assets(move |_| {
            let n = count.fetch_add(1, Ordering::SeqCst);
            async move {
                match n {
                    0 => Err(AssetsFailed("no such persona".into())),
                    1 => panic!("as an embedder's code may"),
                    _ => Ok(()),
                }
            }
        })
        .start()
        .await
        .expect("a port");
    for words in ["no such persona", "panicked"] {
        let mut wire = dial(&server, join("ada", 1)).await;
        let error = wire.until("the refusal", |message| match message {
            FromServer::Error(error) => Some(error),
            _ => None,
        });
        let error = error.await;
        assert_eq!(error.code, ErrorCode::Unavailable);
        assert!(error.text.contains(words), "{}", error.text);
        empty(&server).await;
    }
    dial(&server, join("ada", 1)).await.joined().await;
    assert_eq!(tries.load(Ordering::SeqCst), 3);
}
