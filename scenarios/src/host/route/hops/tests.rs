//! Ways over relays, known by hand.

#![allow(clippy::unwrap_used)]

use super::*;

const PUBLIC: Channel = Channel::Public;

/// Parties 0 and 1 (one group each), relays from 2 on; each pair is a link that goes both ways.
fn net(relays: u32, links: &[(u32, u32)]) -> Hops {
    let both = (0..).zip(links).flat_map(|(link, &(a, b))| {
        let edge = |direction, from, to| Edge {
            link: LinkId(link),
            direction,
            from,
            to,
        };
        [edge(Direction::Up, a, b), edge(Direction::Down, b, a)]
    });
    let edges: Vec<_> = both.map(|edge| (PUBLIC, edge)).collect();
    let limits = vec![64; relays as usize];
    Hops::new((vec![0, 1, 2], 2 + relays), 2, limits, &edges).unwrap()
}

#[test]
fn a_ring_is_walked_the_shorter_way_round() {
    // Relays 2 to 6 in a ring; party 0 at relay 2, party 1 at relay 5.
    let ring = net(5, &[(2, 3), (3, 4), (4, 5), (5, 6), (6, 2), (0, 2), (1, 5)]);
    let next = |from, to| ring.next_link(from, to, PUBLIC);
    assert_eq!(next(0, 1), Some((LinkId(5), Direction::Up)));
    assert_eq!(next(2, 1), Some((LinkId(4), Direction::Down)));
    assert_eq!(next(6, 1), Some((LinkId(3), Direction::Down)));
    assert_eq!(next(5, 1), Some((LinkId(6), Direction::Down)));
    assert_eq!(ring.distance(0, 1, PUBLIC), Some(4));
    assert_eq!(next(3, 1), Some((LinkId(1), Direction::Up)));
    assert_eq!(ring.next_link(0, 1, Channel::Secure), None);
}

#[test]
fn of_two_shortest_ways_the_lower_link_wins() {
    // A square: from 2 to 5 over 3 or over 4.
    let square = net(4, &[(2, 4), (2, 3), (3, 5), (4, 5), (0, 2), (1, 5)]);
    let next = |from, to| square.next_link(from, to, PUBLIC).map(|way| way.0);
    assert_eq!(next(2, 1), Some(LinkId(0)));
    assert_eq!(next(5, 0), Some(LinkId(2)));
    // And so it is where a party has two links of its own.
    let two = net(2, &[(0, 3), (0, 2), (1, 2), (1, 3)]);
    let next = |from, to| two.next_link(from, to, PUBLIC).map(|way| way.0);
    assert_eq!(next(0, 1), Some(LinkId(0)));
    assert_eq!(next(1, 0), Some(LinkId(2)));
}

#[test]
fn what_no_way_leads_to_is_not_reached() {
    let apart = net(2, &[(0, 2), (1, 3)]);
    assert_eq!(apart.next_link(0, 1, PUBLIC), None);
    assert_eq!(apart.partner((0, 0), 1, 0), None);
    assert!(!apart.reaches(0, 1));
    let joined = net(2, &[(0, 2), (1, 3), (2, 3)]);
    assert!(joined.reaches(0, 1));
    assert_eq!(joined.partner((0, 0), 1, 7), Some(0));
    assert_eq!(joined.distance(0, 1, PUBLIC), Some(3));
}

#[test]
fn parties_pass_nothing_on() {
    // 0 - 2 - 1 - 3: party 1 stands between two relays, so relay 3 is no way to party 0.
    let line = net(2, &[(0, 2), (2, 1), (1, 3)]);
    assert_eq!(line.distance(0, 1, PUBLIC), Some(2));
    assert_eq!(line.next_link(3, 0, PUBLIC), None);
}
