//! Routes over single links.

use super::*;

fn star(many_is_a: bool) -> Routes {
    let (group_a, group_b) = if many_is_a { (0, 1) } else { (1, 0) };
    Routes::new(
        2,
        vec![LinkRoute {
            channel: Channel::Public,
            directions: DirectionMask::BOTH,
            group_a,
            group_b,
            first: 10,
            many_is_a,
            many: 4,
            few: 2,
            picks: Picks::Modulo,
        }],
    )
}

#[test]
fn a_device_reaches_only_the_server_it_is_linked_with() {
    let routes = star(true);
    let find = |from, to| routes.find(from, to, Channel::Public);
    assert_eq!(find((0, 3), (1, 1)), Some((LinkId(13), Direction::Up)));
    assert_eq!(find((1, 1), (0, 3)), Some((LinkId(13), Direction::Down)));
    assert_eq!(find((0, 3), (1, 0)), None);
    assert_eq!(routes.find((0, 3), (1, 1), Channel::Secure), None);
}

#[test]
fn a_topology_joins_any_pairs() {
    let mut links = star(true).links;
    links[0].picks = Picks::Pairs(vec![(0, 0), (0, 1), (2, 1)]);
    links[0].many = 3;
    let routes = Routes::new(2, links);
    let find = |from, to| routes.find(from, to, Channel::Public);
    assert_eq!(find((0, 0), (1, 1)), Some((LinkId(11), Direction::Up)));
    assert_eq!(find((1, 1), (0, 2)), Some((LinkId(12), Direction::Down)));
    assert_eq!(find((0, 1), (1, 0)), None);
    assert_eq!(routes.partner((0, 0), 1, 3), Some(1));
    assert_eq!(routes.partner((0, 1), 1, 0), None);
    assert_eq!(routes.partner((1, 1), 0, 1), Some(2));
    let node = |group: usize, member| 10 * u32::try_from(group).unwrap_or(0) + member;
    assert_eq!(routes.neighbours((0, 0), Channel::Public, node), [10, 11]);
    assert_eq!(routes.neighbours((1, 1), Channel::Public, node), [0, 2]);
}

#[test]
fn the_direction_follows_the_order_of_the_ends_in_the_file() {
    let routes = star(false);
    let find = |from, to| routes.find(from, to, Channel::Public);
    assert_eq!(find((0, 3), (1, 1)), Some((LinkId(13), Direction::Down)));
    assert_eq!(find((1, 1), (0, 3)), Some((LinkId(13), Direction::Up)));
}

#[test]
fn two_links_of_one_direction_share_the_traffic() {
    let one_way = |first, directions| {
        let mut link = star(true).links[0].clone();
        (link.first, link.directions) = (first, directions);
        link
    };
    let up = one_way(10, DirectionMask::UP);
    let routes = Routes::new(2, vec![up.clone(), one_way(20, DirectionMask::DOWN)]);
    let find = |from, to| routes.find(from, to, Channel::Public);
    assert_eq!(find((0, 3), (1, 1)), Some((LinkId(13), Direction::Up)));
    assert_eq!(find((1, 1), (0, 3)), Some((LinkId(23), Direction::Down)));
    let alone = Routes::new(2, vec![up]);
    assert_eq!(alone.find((1, 1), (0, 3), Channel::Public), None);
}
