//! E4: what is remembered of failing nodes, for whom and for how long.
use super::*;

const ADA: InstanceId = InstanceId([1; 16]);

fn fails(nodes: &Nodes, node: &str, times: u32) {
    (0..times).for_each(|_| nodes.failed(ADA, node, Instant::now()));
}

#[tokio::test(start_paused = true)]
async fn a_node_is_avoided_from_its_second_failure_on_and_by_nobody_else() {
    let nodes = Nodes::default();
    fails(&nodes, "a", 1);
    assert!(nodes.to_avoid(ADA, Instant::now()).is_empty(), "that may have been the line");
    fails(&nodes, "b", 2);
    fails(&nodes, "a", 1);
    assert_eq!(nodes.to_avoid(ADA, Instant::now()), ["b", "a"]);
    assert!(nodes.to_avoid(InstanceId([2; 16]), Instant::now()).is_empty());
    nodes.forget(ADA);
    assert!(nodes.to_avoid(ADA, Instant::now()).is_empty());
}

#[tokio::test(start_paused = true)]
async fn no_more_nodes_are_remembered_than_a_join_may_name_and_none_for_ever() {
    let nodes = Nodes::default();
    for number in 0..9 {
        fails(&nodes, &number.to_string(), 2);
    }
    assert_eq!(nodes.to_avoid(ADA, Instant::now()), ["5", "6", "7", "8"]);
    tokio::time::advance(REMEMBERED).await;
    assert!(nodes.to_avoid(ADA, Instant::now()).is_empty());
    for number in 0..10_000_u32 {
        let mut id = [0; 16];
        id[..4].copy_from_slice(&number.to_be_bytes());
        nodes.failed(InstanceId(id), "a", Instant::now());
    }
    assert_eq!(nodes.lock().len(), SESSIONS);
}
