//! S4.
use super::Doormat;

#[test]
fn a_ticket_is_used_once_and_a_credential_by_one_instance() {
    let mat = Doormat::default();
    assert!(mat.use_once("t", 100, 50));
    assert!(!mat.use_once("t", 100, 50));
    assert!(mat.bind("c", "a", 100, 50));
    assert!(mat.bind("c", "a", 100, 50), "its own retry");
    assert!(!mat.bind("c", "b", 100, 50), "another instance");
}
