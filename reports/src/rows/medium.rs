//! `media.csv`: what happened on each shared medium.

use crate::table::table;

table! {
    /// The table of shared media.
    Media, "media.csv",
    "one row per shared medium: the named ones in the order of the scenario, then those of single links; written where the scenario has one";
    /// Totals of one medium.
    Medium<'a> {
        medium: &'a str, "text", "Name of the medium: its table's, or the link's that alone uses it.";
        model: &'a str, "text", "How stations get at the channel.";
        stations: u64, "count", "Nodes on it.";
        frames: u64, "count", "Frames handed to it; a broadcast is one.";
        attempts: u64, "count", "Transmissions, and sensings that found the channel busy.";
        transmissions: u64, "count", "Transmissions, repeated ones included, acknowledgements not.";
        received: u64, "count", "Transmissions that brought at least one receiver something new.";
        collided: u64, "count", "Receptions destroyed by other transmissions, the receiver's own included.";
        deaf: u64, "count", "Of these: the receiver was transmitting.";
        assessments: u64, "count", "Carrier sensings (clear channel assessments).";
        busy: u64, "count", "Of these: the channel was busy.";
        given_up: u64, "count", "Frames given up after too many busy findings.";
        retries: u64, "count", "Transmissions beyond a frame's first.";
        acknowledgements: u64, "count", "Acknowledgements sent.";
        duty_waits: u64, "count", "Frames that waited for the end of a silence prescribed by the duty cycle.";
        duty_refusals: u64, "count", "Frames that the duty cycle refused.";
        first_windows: u64, "count", "Frames sent in the first receive window.";
        second_windows: u64, "count", "Frames sent in the second receive window.";
        mean_backoff_ns: Option<f64>, "ns", "Drawn backoffs of CSMA-CA per frame handed to it; empty without frames.";
        offered_load: Option<f64>, "count", "Airtime of all attempts over time, in Erlang: G. A slot counts whole.";
        throughput: Option<f64>, "count", "Airtime of the received transmissions over time, in Erlang: S.";
        utilisation: Option<f64>, "share", "Share of time in which at least one station was transmitting.";
    }
}
