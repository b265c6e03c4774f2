//! A joined session comes from a join, and from nowhere else.
use offhook::{Joined, Session};

#[allow(unreachable_code)]
fn main() {
    let _forged: Session<Joined> = Session { inner: panic!() };
}
