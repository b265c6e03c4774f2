//! The facts of gates that are shared.

use super::*;

// R4
#[test]
fn media_passes_while_one_gate_is_open_and_never_after_the_last_was_shut() {
    let (old, new) = (Gate::new(), Gate::new());
    let gates = Gates::from(old.clone());
    assert_eq!(gates.pass(|| ()), None, "a fresh gate is muted");
    old.open();
    gates.add(new.clone());
    let mut times = 0;
    assert_eq!(gates.pass(|| times += 1), Some(()));
    assert_eq!(times, 1, "whatever is open, it is sent once");
    old.close();
    assert_eq!((gates.level(), gates.pass(|| ())), (GateLevel::Muted, None));
    new.open();
    assert_eq!((gates.level(), gates.pass(|| ())), (GateLevel::Open, Some(())));
    new.close();
    assert_eq!((gates.level(), gates.pass(|| ())), (GateLevel::Closed, None));
    gates.add(Gate::new());
    assert_eq!(gates.level(), GateLevel::Muted);
}
