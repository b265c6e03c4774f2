//! A phase of our own.
use offhook_lifecycle::*;

struct Mine;

impl Phase for Mine {
    type Data = ();
    const NAME: &'static str = "Mine";
}

fn main() {}
