//! Worlds that are refused before anything is built.

use super::*;

fn refusal(groups: &[(&str, u8, usize, Given<'_>)]) -> (String, String) {
    let error = instance().check(&roster(groups)).unwrap_err();
    (error.name, error.reason)
}

#[test]
fn a_frame_smaller_than_its_header_is_refused() {
    let (name, reason) = refusal(&[("load", SOURCE, 1, &[("size", Value::Integer(15))])]);
    assert_eq!(name, "load.size");
    assert_eq!(reason, "15 is not within 16 to 16777216");
}

#[test]
fn a_class_beyond_a_byte_is_refused() {
    let (name, _) = refusal(&[("load", SOURCE, 1, &[("class", Value::Integer(256))])]);
    assert_eq!(name, "load.class");
}

#[test]
fn a_route_to_a_group_without_a_link_is_refused() {
    let route = shares(&[("nowhere", 1.0)]);
    let (name, reason) = refusal(&[("load", SOURCE, 1, &[("route", route)])]);
    assert_eq!(name, "load.route.nowhere");
    assert_eq!(reason, "load[0] has no link to `nowhere`");
}

#[test]
fn shares_beyond_one_are_refused_and_a_source_must_give_all() {
    let station = |route| -> (String, String) {
        refusal(&[
            ("cpu", STATION, 1, &[("route", route)]),
            ("end", SINK, 1, &[]),
        ])
    };
    assert_eq!(station(shares(&[("end", 1.5)])).0, "cpu.route.end");
    assert_eq!(
        station(shares(&[("end", 0.75), ("cpu", 0.5)])).1,
        "the shares add up to 1.25, more than 1"
    );
    let route = shares(&[("end", 0.5)]);
    let (name, reason) = refusal(&[
        ("load", SOURCE, 1, &[("route", route)]),
        ("end", SINK, 1, &[]),
    ]);
    assert_eq!(name, "load.route");
    assert_eq!(reason, "the shares of a source add up to 0.5, not 1");
}

#[test]
fn waiting_for_answers_that_nobody_gives_is_refused() {
    let (name, _) = refusal(&[
        ("load", SOURCE, 1, &[("reply", Value::Bool(true))]),
        ("end", SINK, 1, &[]),
    ]);
    assert_eq!(name, "load.reply");
}

#[test]
fn only_the_first_variant_exists() {
    let error = Traffic
        .configure("hardened", &Values::default())
        .unwrap_err();
    assert_eq!(error.name, "variant");
}

#[test]
fn neighbours_with_equal_routes_share_one() {
    let route = shares(&[("end", 1.0)]);
    let roster = roster(&[
        ("load", SOURCE, 100, &[("route", route)]),
        ("end", SINK, 1, &[]),
    ]);
    assert_eq!(sources(&roster, 0).len(), 100);
    assert!(size_of::<Source>() <= 96, "{}", size_of::<Source>());
}
