//! A laptop that switches networks: another interface, another address, another NAT. In network
//! namespaces, for root; elsewhere the table says that it was not measured.

use crate::laptop::{Learns, switch_networks};
use crate::ms;
use crate::table::Table;

/// Once a switch is told by the application, once found by the session alone, once by its silence.
pub(crate) fn run(runs: usize) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime is what this measures on");
    let mut table = Table::new("change of address");
    for (learns, who, target) in [
        (Learns::FromTheApplication, "told by the application", Some("≤ 2000")),
        (Learns::FromTheSystem, "found by the session", Some("≤ 2000")),
        (Learns::BySilence, "found by its silence alone", None),
    ] {
        let mut flowing = Vec::new();
        for _ in 0..runs {
            let Some(switched) = runtime.block_on(switch_networks(learns)) else { break };
            flowing.push(ms(switched.flowing));
        }
        if flowing.is_empty() {
            table.note("not measured: needs root and network namespaces");
            break;
        }
        let what = format!("from the switch to a picture painted as asked after it, {who}");
        table.row(&what, "ms", &mut flowing, target);
    }
    table.note(
        "two networks, each behind a NAT of its own; the old interface is gone, the new one just there",
    );
    table.print();
}
