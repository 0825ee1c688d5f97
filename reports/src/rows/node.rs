//! `nodes.csv` and `links.csv`: totals and queueing figures of each place where packets wait.

use crate::table::table;

/// Queueing figures of one server: a node's processor or one direction of a link.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Queueing {
    /// Packets that came, dropped ones included.
    pub arrivals: u64,
    /// Packets refused for want of room.
    pub drops: u64,
    /// Mean time from arrival to start of service, over served packets, in ns.
    pub mean_wait_ns: Option<f64>,
    /// Mean time from arrival to end of service, over served packets, in ns.
    pub mean_sojourn_ns: Option<f64>,
    /// Time average of packets waiting and in service.
    pub mean_in_system: Option<f64>,
    /// Share of time in which it was busy, 0 to 1.
    pub utilisation: Option<f64>,
}

table! {
    /// The table of nodes.
    Nodes, "nodes.csv",
    "one row per node, in the order of the scenario's groups";
    /// Totals of one node over the whole run.
    Node<'a> {
        node: &'a str, "text", "Name of the node: its group, with an index where the group has several nodes.";
        role: &'a str, "text", "Its role in the protocol.";
        attempts: u64, "count", "Attempt steps it initiated.";
        accepted: u64, "count", "Of these, accepted or completed.";
        arrivals: u64, "count", "Packets that arrived, dropped ones included.";
        drops: u64, "count", "Packets refused by its full backlog.";
        mean_wait_ns: Option<f64>, "ns", "Mean time from arrival to start of service; empty if nothing was served.";
        mean_sojourn_ns: Option<f64>, "ns", "Mean time from arrival to end of service; empty if nothing was served.";
        mean_in_system: Option<f64>, "count", "Time average of packets waiting and in service.";
        utilisation: Option<f64>, "share", "Share of time in which its processor was busy.";
        cpu_ns: u64, "ns", "Virtual processor time by its profile.";
        energy_nj: u64, "nJ", "Energy of computing, writing, radio and sleep by its profile and supply; 0 without.";
        durable_writes: u64, "count", "Completed writes to durable storage.";
        tx_ns: u64, "ns", "Time on the air, sending; 0 without a radio.";
        rx_ns: u64, "ns", "Time on the air, receiving; 0 without a radio.";
        cpu_energy_nj: u64, "nJ", "Energy of computing.";
        flash_energy_nj: u64, "nJ", "Energy of durable writes.";
        radio_energy_nj: u64, "nJ", "Energy of the radio: sending, receiving, and asleep or listening.";
        sleep_energy_nj: u64, "nJ", "Energy of everything else, by `sleep_power`.";
        writes_lost: u64, "count", "Writes to records that were worn out.";
    }
}

impl<'a> Node<'a> {
    /// A node's row with its queueing figures; totals that are not queueing start at zero.
    #[must_use]
    pub fn new(node: &'a str, role: &'a str, queueing: &Queueing) -> Self {
        Self {
            node,
            role,
            attempts: 0,
            accepted: 0,
            arrivals: queueing.arrivals,
            drops: queueing.drops,
            mean_wait_ns: queueing.mean_wait_ns,
            mean_sojourn_ns: queueing.mean_sojourn_ns,
            mean_in_system: queueing.mean_in_system,
            utilisation: queueing.utilisation,
            cpu_ns: 0,
            energy_nj: 0,
            durable_writes: 0,
            tx_ns: 0,
            rx_ns: 0,
            cpu_energy_nj: 0,
            flash_energy_nj: 0,
            radio_energy_nj: 0,
            sleep_energy_nj: 0,
            writes_lost: 0,
        }
    }
}

table! {
    /// The table of links.
    Links, "links.csv",
    "one row per link and direction, in the order of the scenario's links";
    /// Totals of one direction of one link over the whole run.
    Link<'a> {
        link: &'a str, "text", "Name of the link, with an index where the scenario makes several of it.";
        direction: &'a str, "text", "up (from the first name of `between` to the second) or down.";
        arrivals: u64, "count", "Packets offered, dropped ones included.";
        drops: u64, "count", "Packets refused by its full queue, or dropped by its management.";
        mean_wait_ns: Option<f64>, "ns", "Mean time in the queue; empty if the link has neither rate nor shaper, or served nothing.";
        mean_sojourn_ns: Option<f64>, "ns", "Mean time in queue and serialisation; empty likewise.";
        mean_in_system: Option<f64>, "count", "Time average of packets queued and in serialisation.";
        utilisation: Option<f64>, "share", "Share of time in which it was serialising.";
        delivered: u64, "count", "Copies that reached the receiver.";
        lost: u64, "count", "Packets lost by the channel.";
        frames: u64, "count", "Transmissions on the medium: every fragment, and every repetition by the link itself.";
        too_long: u64, "count", "Packets dropped because they are longer than the link carries.";
        corrupted: u64, "count", "Packets with changed bits, dropped by the link's checksum or delivered.";
        duplicated: u64, "count", "Packets of which the link delivers two copies.";
        collided: u64, "count", "Packets destroyed by other transmissions on a shared medium.";
    }
}
