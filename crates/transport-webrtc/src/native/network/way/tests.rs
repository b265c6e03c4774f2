//! What is said of a way, over a routing table in the test's hand.

use super::NetworkFact::{Changed, Down, Up};
use super::*;
use std::collections::HashMap;

#[derive(Default)]
struct Table {
    sources: Mutex<HashMap<SocketAddr, IpAddr>>,
    ours: Mutex<Vec<IpAddr>>,
    /// Nothing can be found out.
    dumb: Mutex<bool>,
}

impl Routes for Table {
    fn source(&self, to: SocketAddr) -> io::Result<Option<IpAddr>> {
        if *self.dumb.lock().unwrap_or_else(PoisonError::into_inner) {
            return Err(io::Error::other("no descriptor is left"));
        }
        Ok(self.sources.lock().unwrap_or_else(PoisonError::into_inner).get(&to).copied())
    }

    fn is_ours(&self, address: IpAddr) -> bool {
        self.ours.lock().unwrap_or_else(PoisonError::into_inner).contains(&address)
    }
}

impl Table {
    fn route(&self, to: SocketAddr, from: Option<&str>) {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        match from {
            Some(from) => sources.insert(to, ip(from)),
            None => sources.remove(&to),
        };
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("written by hand")
}

fn place(text: &str) -> SocketAddr {
    SocketAddr::new(ip(text), 443)
}

/// A way over this table, and a far side that was reached at its first place.
fn reached(places: &[&str], from: &str, named: bool) -> (Arc<Table>, Arc<Destination>, Way) {
    let table = Arc::new(Table::default());
    let places: Vec<_> = places.iter().map(|text| place(text)).collect();
    table.route(places[0], Some(from));
    let destination = Arc::new(Destination::new(table.clone()));
    destination.reached(places[0], ip(from), &places, named);
    let way = Way::to(destination.clone());
    (table, destination, way)
}

/// F33: gone, back, another one, each said once.
#[test]
fn each_change_of_the_way_is_said_once() {
    let (table, _, mut way) = reached(&["198.51.100.1"], "10.0.0.2", false);
    let there = place("198.51.100.1");
    assert_eq!(way.look(), None);
    for (from, said) in [
        (None, Down),
        (Some("10.0.0.2"), Up),
        (Some("10.1.0.9"), Changed),
        (None, Down),
        (Some("10.0.0.2"), Up),
    ] {
        table.route(there, from);
        assert_eq!(way.look(), Some(said), "{from:?}");
        assert_eq!(way.look(), None, "{from:?}, and nothing more");
    }
}

#[test]
fn before_a_dial_knows_an_address_nothing_is_said() {
    let table = Arc::new(Table::default());
    let destination = Arc::new(Destination::new(table.clone()));
    let mut way = Way::to(destination.clone());
    assert_eq!(way.look(), None);
    // How things stand at the first dial is where it starts from, without a route as well.
    destination.heading(&[place("198.51.100.1")], false);
    assert_eq!(way.look(), None);
    table.route(place("198.51.100.1"), Some("10.0.0.2"));
    assert_eq!(way.look(), Some(Up));
}

/// Between two looks a dial may have arrived over the new way: that is no change any more.
#[test]
fn what_a_dial_was_made_over_is_not_said_afterwards() {
    let (table, destination, mut way) = reached(&["198.51.100.1"], "10.0.0.2", false);
    let there = place("198.51.100.1");
    assert_eq!(way.look(), None);
    table.route(there, Some("10.1.0.9"));
    destination.reached(there, ip("10.1.0.9"), &[there], false);
    assert_eq!(way.look(), None);
    table.route(there, Some("10.0.0.2"));
    assert_eq!(way.look(), Some(Changed), "and back is one");
    // A move to another server: its way counts from then on.
    let other = place("203.0.113.5");
    table.route(other, Some("10.0.0.2"));
    destination.reached(other, ip("10.0.0.2"), &[other], false);
    table.route(there, None);
    assert_eq!(way.look(), None);
    table.route(other, None);
    assert_eq!(way.look(), Some(Down));
}

/// F33: a network with nothing but the other family is one.
#[test]
fn a_far_side_that_can_be_reached_otherwise_is_not_gone() {
    let (table, _, mut way) = reached(&["2001:db8:7::1", "198.51.100.1"], "2001:db8:1::2", false);
    table.route(place("2001:db8:7::1"), None);
    table.route(place("198.51.100.1"), Some("10.0.0.2"));
    assert_eq!(way.look(), Some(Changed));
    table.route(place("198.51.100.1"), None);
    assert_eq!(way.look(), Some(Down));
}

/// What a name stands for may be another address there, so that a default route is a way.
#[test]
fn a_name_is_not_gone_while_there_is_any_way_out() {
    for named in [true, false] {
        let (table, _, mut way) = reached(&["198.51.100.1"], "10.0.0.2", named);
        table.route(place("198.51.100.1"), None);
        table.route(ANYWHERE[1], Some("2001:db8:1::2"));
        assert_eq!(way.look(), Some(if named { Changed } else { Down }));
    }
    let (table, _, mut way) = reached(&["127.0.0.1"], "127.0.0.1", true);
    table.route(place("127.0.0.1"), None);
    table.route(ANYWHERE[0], Some("10.0.0.2"));
    assert_eq!(way.look(), Some(Down), "this machine is not out there");
}

/// RFC 8981: an address that is replaced once a day, and kept for what was made over it.
#[test]
fn a_temporary_address_that_is_followed_by_another_is_no_change_until_it_is_gone() {
    let there = place("2001:db8:7::1");
    let (table, _, mut way) = reached(&["2001:db8:7::1"], "2001:db8:1::aaaa", false);
    table.ours.lock().unwrap_or_else(PoisonError::into_inner).push(ip("2001:db8:1::aaaa"));
    table.route(there, Some("2001:db8:1::bbbb"));
    assert_eq!(way.look(), None);
    table.ours.lock().unwrap_or_else(PoisonError::into_inner).clear();
    assert_eq!(way.look(), Some(Changed));
    // Another network is another one, whoever still has the old address.
    table.ours.lock().unwrap_or_else(PoisonError::into_inner).push(ip("2001:db8:1::bbbb"));
    table.route(there, Some("2001:db8:2::bbbb"));
    assert_eq!(way.look(), Some(Changed));
}

/// Out of descriptors, say: that is not the network's fault.
#[test]
fn what_cannot_be_found_out_is_not_a_network_that_is_gone() {
    let (table, destination, mut way) = reached(&["198.51.100.1"], "10.0.0.2", true);
    *table.dumb.lock().unwrap_or_else(PoisonError::into_inner) = true;
    assert_eq!(way.look(), None);
    let fresh = Destination::new(table.clone());
    fresh.heading(&[place("198.51.100.1")], false);
    assert_eq!(Way::to(Arc::new(fresh)).look(), None);
    *table.dumb.lock().unwrap_or_else(PoisonError::into_inner) = false;
    assert_eq!(way.look(), None);
    drop(destination);
}

#[test]
fn the_table_of_the_system_knows_the_way_to_this_machine() {
    assert_eq!(System.source(place("127.0.0.1")).expect("sockets can be had"), Some(ip("127.0.0.1")));
    assert!(System.is_ours(ip("127.0.0.1")));
    assert!(!System.is_ours(ip("192.0.2.77")));
}
