//! Parameters of the three roles: what there is, typed values, and checks.

use std::sync::Arc;

use super::messages::{HEADER_BYTES, JOB_BYTES_MAX};
use super::route::{Route, SHARE_SLACK};
use super::{SINK, SOURCE, STATION};
use crate::entropy::Entropy;
use crate::law::Sampler;
use crate::parameter::{ParameterError, ParameterKind, ParameterSpec, Value, Values};
use crate::roster::{Group, Party, Roster};
use crate::wire::Layout;

const REPLY_HELP: &str = "answer a job that leaves the network here";

pub(super) const SOURCE_PARAMS: &[ParameterSpec] = &[
    ParameterSpec {
        name: "size",
        kind: ParameterKind::BytesLaw,
        default: "64B",
        help: "size of a job's frame; a draw outside 16 B to 16 MiB is taken as the nearer end",
    },
    ParameterSpec {
        name: "class",
        kind: ParameterKind::IntegerLaw,
        default: "0",
        help: "priority class, 0 to 255, lower first; a larger draw is taken as 255",
    },
    ParameterSpec {
        name: "reply",
        kind: ParameterKind::Bool,
        default: "false",
        help: "wait for the answer",
    },
    ParameterSpec {
        name: "route",
        kind: ParameterKind::Shares,
        default: "",
        help: "shares over the groups it sends to, 1 in all; without it: the command's peer",
    },
];

pub(super) const STATION_PARAMS: &[ParameterSpec] = &[
    ParameterSpec {
        name: "service",
        kind: ParameterKind::DurationLaw,
        default: "0s",
        help: "service time of a job",
    },
    ParameterSpec {
        name: "servers",
        kind: ParameterKind::Integer {
            min: 1,
            max: 1_000_000,
        },
        default: "1",
        help: "parallel servers",
    },
    ParameterSpec {
        name: "capacity",
        kind: ParameterKind::OptionalInteger {
            min: 1,
            max: u32::MAX as u64,
        },
        default: "none",
        help: "most jobs in the station, those in service included",
    },
    ParameterSpec {
        name: "priority",
        kind: ParameterKind::Choice(&["none", "non-preemptive"]),
        default: "none",
        help: "whether a lower class overtakes waiting jobs",
    },
    ParameterSpec {
        name: "route",
        kind: ParameterKind::Shares,
        default: "",
        help: "shares over the groups a served job goes to; the rest leaves the network",
    },
    ParameterSpec {
        name: "reply",
        kind: ParameterKind::Bool,
        default: "false",
        help: REPLY_HELP,
    },
    ParameterSpec {
        name: "discipline",
        kind: ParameterKind::Choice(&["fifo"]),
        default: "fifo",
        help: "order of service within a class",
    },
];

pub(super) const SINK_PARAMS: &[ParameterSpec] = &[ParameterSpec {
    name: "reply",
    kind: ParameterKind::Bool,
    default: "false",
    help: REPLY_HELP,
}];

/// A random quantity of a job.
#[derive(Clone, Debug)]
pub(super) enum Quantity {
    /// Always this; nothing is drawn.
    Constant(u64),
    /// One 8-byte request a job.
    Drawn(Arc<dyn Sampler>),
}

impl Quantity {
    fn from_values(values: &Values, name: &str, default: u64) -> Self {
        match values.get(name) {
            Some(Value::Law(law)) => law
                .constant()
                .map_or_else(|| Self::Drawn(Arc::clone(law)), Self::Constant),
            Some(Value::Integer(value)) => Self::Constant(*value),
            _ => Self::Constant(default),
        }
    }

    pub(super) fn draw(&self, entropy: &mut dyn Entropy) -> u64 {
        match self {
            Self::Constant(value) => *value,
            Self::Drawn(law) => {
                let mut word = [0; 8];
                entropy.fill(&mut word);
                law.sample(u64::from_be_bytes(word))
            }
        }
    }
}

/// Parameters of a group of sources.
#[derive(Debug)]
pub(super) struct SourceParams {
    pub(super) layouts: Arc<[Layout]>,
    pub(super) reply: bool,
    size: Quantity,
    class: Quantity,
}

impl SourceParams {
    pub(super) fn new(values: &Values, layouts: &Arc<[Layout]>) -> Self {
        Self {
            layouts: Arc::clone(layouts),
            reply: values.flag("reply", false),
            size: Quantity::from_values(values, "size", 64),
            class: Quantity::from_values(values, "class", 0),
        }
    }

    /// Size of the next job, bytes, then its class: in this order.
    pub(super) fn draw_size_and_class(&self, entropy: &mut dyn Entropy) -> (u32, u8) {
        let size = self.size.draw(entropy);
        let class = self.class.draw(entropy);
        (
            u32::try_from(size)
                .unwrap_or(u32::MAX)
                .clamp(HEADER_BYTES, JOB_BYTES_MAX),
            u8::try_from(class).unwrap_or(u8::MAX),
        )
    }
}

/// Parameters of a group of stations.
#[derive(Debug)]
pub(super) struct StationParams {
    pub(super) layouts: Arc<[Layout]>,
    /// Service time, ns.
    pub(super) service_ns: Quantity,
    pub(super) servers: u32,
    /// Most jobs in the station; `u64::MAX` for no limit.
    pub(super) capacity: u64,
    pub(super) by_class: bool,
    pub(super) reply: bool,
}

impl StationParams {
    pub(super) fn new(values: &Values, layouts: &Arc<[Layout]>) -> Self {
        Self {
            layouts: Arc::clone(layouts),
            service_ns: Quantity::from_values(values, "service", 0),
            servers: u32::try_from(values.integer("servers", 1)).unwrap_or(u32::MAX),
            capacity: values.integer("capacity", u64::MAX),
            by_class: values.text("priority", "none") == "non-preemptive",
            reply: values.flag("reply", false),
        }
    }
}

/// Parameters of a group of sinks.
#[derive(Debug)]
pub(super) struct SinkParams {
    pub(super) layouts: Arc<[Layout]>,
    pub(super) reply: bool,
}

impl SinkParams {
    pub(super) fn new(values: &Values, layouts: &Arc<[Layout]>) -> Self {
        Self {
            layouts: Arc::clone(layouts),
            reply: values.flag("reply", false),
        }
    }
}

/// The shares given as `route`, `None` when there are none.
pub(super) fn shares(values: &Values) -> Option<&[(String, f64)]> {
    match values.get("route") {
        Some(Value::Shares(shares)) => Some(shares),
        _ => None,
    }
}

/// Checks every group of a world.
pub(super) fn check(roster: &Roster) -> Result<(), ParameterError> {
    for (index, group) in roster.groups.iter().enumerate() {
        check_values(group)?;
        if let Some(shares) = shares(&group.params) {
            check_shares(group, shares)?;
            for party in roster.group(index) {
                check_links(roster, group, party, shares)?;
            }
        }
    }
    check_answers(roster)
}

fn error(group: &Group, param: &str, reason: String, hint: &str) -> ParameterError {
    ParameterError {
        name: format!("{}.{param}", group.name),
        reason,
        hint: hint.into(),
    }
}

fn check_values(group: &Group) -> Result<(), ParameterError> {
    let within = |name: &str, min: u64, max: u64, hint: &str| {
        let quantity = Quantity::from_values(&group.params, name, min);
        match quantity {
            Quantity::Constant(value) if !(min..=max).contains(&value) => Err(error(
                group,
                name,
                format!("{value} is not within {min} to {max}"),
                hint,
            )),
            _ => Ok(()),
        }
    };
    match group.role {
        SOURCE => {
            let size_hint = "a job's frame has a header of 16 bytes";
            within(
                "size",
                u64::from(HEADER_BYTES),
                u64::from(JOB_BYTES_MAX),
                size_hint,
            )?;
            within("class", 0, 255, "a class is one byte")
        }
        STATION => {
            within("servers", 1, 1_000_000, "give at least one server")?;
            within(
                "capacity",
                1,
                u64::MAX,
                "count the jobs in service too, or write `none`",
            )
        }
        _ => Ok(()),
    }
}

fn check_shares(group: &Group, shares: &[(String, f64)]) -> Result<(), ParameterError> {
    if let Some((name, share)) = shares
        .iter()
        .find(|(_, share)| !(0.0..=1.0).contains(share))
    {
        let param = format!("route.{name}");
        let reason = format!("the share {share} is not within 0 to 1");
        return Err(error(group, &param, reason, "shares are probabilities"));
    }
    let sum: f64 = shares.iter().map(|(_, share)| share).sum();
    if sum > 1.0 + SHARE_SLACK {
        let reason = format!("the shares add up to {sum}, more than 1");
        return Err(error(group, "route", reason, "lower one of them"));
    }
    if group.role == SOURCE && sum < 1.0 - SHARE_SLACK {
        let reason = format!("the shares of a source add up to {sum}, not 1");
        let hint = "a source sends every job somewhere; give the rest to a sink";
        return Err(error(group, "route", reason, hint));
    }
    Ok(())
}

fn check_links(
    roster: &Roster,
    group: &Group,
    party: &Party,
    shares: &[(String, f64)],
) -> Result<(), ParameterError> {
    Route::resolve(roster, party, shares)
        .map(|_| ())
        .map_err(|target| {
            let param = format!("route.{target}");
            let reason = format!("{}[{}] has no link to `{target}`", group.name, party.member);
            error(group, &param, reason, "add a link between the two groups")
        })
}

/// Answers must be wanted, given, and able to find their source.
fn check_answers(roster: &Roster) -> Result<(), ParameterError> {
    let replies = |group: &&Group| group.params.flag("reply", false);
    let Some(asks) = roster
        .groups
        .iter()
        .filter(replies)
        .find(|group| group.role == SOURCE)
    else {
        return Ok(());
    };
    let answers = |role: u8| role == STATION || role == SINK;
    if !roster
        .groups
        .iter()
        .filter(replies)
        .any(|group| answers(group.role))
    {
        let reason = "the source waits for answers, but no station and no sink gives any".into();
        let hint = "set `reply = true` at the station or sink where jobs leave the network";
        return Err(error(asks, "reply", reason, hint));
    }
    let forwards = roster
        .groups
        .iter()
        .any(|group| group.role == STATION && shares(&group.params).is_some());
    let sources = roster
        .parties
        .iter()
        .filter(|party| party.role == SOURCE)
        .count();
    if forwards && sources > usize::from(u16::MAX) {
        let reason = format!(
            "answers to forwarded jobs find their source by a 2-byte number, \
             and there are {sources} sources"
        );
        let hint = "use at most 65535 sources, or let the first station answer";
        return Err(error(asks, "reply", reason, hint));
    }
    Ok(())
}
