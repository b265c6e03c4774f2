//! Messages over recoveries: once and in order, whichever link was told to say them (F63, R15).

use crate::far_side::*;
use crate::line::Line;
use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use offhook::{Clip, Event, Join, Plan, SendError};
use std::time::Duration;

/// F63, F30, R15: said while sockets are lost again and again, before, in and after each outage; those
/// who listen hear each once and in order, and each has its receipt.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_arrive_once_and_in_order_however_often_the_socket_is_lost() {
    let line = Line::clear().await;
    let direct = client(&line.server, "bob");
    let join = || Join::new().publish(Clip::sample());
    let bob = soon("the join", direct.session("studio", "7").join(join())).await.expect("he is let in");
    let ada = soon("the join", line.client.session("studio", "7").join(join())).await.expect("she is let in");
    let (mut adas, mut bobs) = (ada.events(), bob.events());
    let mut receipts = FuturesOrdered::new();
    let mut said = 0_u32;
    // After a fourth it would be made anew, and what is then unknown is said to be.
    for _ in 0..4 {
        line.tcp.reset();
        let mut recovered = std::pin::pin!(event("the recovery", &mut adas, |event| match event {
            Event::Recovered { plan, .. } => Some(*plan),
            _ => None,
        }));
        // All the time until it is back, and a little longer.
        let mut more = 3;
        while more > 0 {
            receipts.push_back(ada.send("count", said.to_be_bytes().to_vec()));
            said += 1;
            if more < 3 {
                more -= 1;
            } else if let Ok(plan) = tokio::time::timeout(Duration::from_millis(25), &mut recovered).await {
                assert!(matches!(plan, Plan::Resume { .. }), "{plan:?}");
                more -= 1;
            }
        }
    }
    let mut taken = 0;
    while let Some(receipt) = soon("a receipt", receipts.next()).await {
        match receipt {
            Ok(()) => taken += 1,
            Err(SendError::RateLimited { .. }) => panic!("the test says too much"),
            Err(error) => panic!("of {said}, after {taken}: {error}"),
        }
    }
    for number in 0..said {
        let heard = event("a message", &mut bobs, |event| match event {
            Event::Message { payload, .. } => Some(payload.to_vec()),
            _ => None,
        });
        assert_eq!(heard.await, number.to_be_bytes(), "of {said}");
    }
    drop((ada.leave(), bob.leave()));
    direct.shutdown().await;
    line.end().await;
}
