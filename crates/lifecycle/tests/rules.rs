//! One property per rule R1–R19 of the machine: random lives, and what must hold in each of them.
//! What a rule asks of hosts and transports is proved with them; a comment here says where.

#[path = "rules/ending.rs"]
mod ending;
#[path = "rules/life.rs"]
mod life;
#[path = "rules/recovering.rs"]
mod recovering;
mod rig;
#[path = "rules/wishes.rs"]
mod wishes;
