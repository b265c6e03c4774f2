//! Phases are sealed: nobody else makes one.
struct Mine;

impl offhook::Phase for Mine {
    type Data = ();
    const NAME: &'static str = "Mine";
}

fn main() {}
