//! All cases, by family.

use super::{
    Case, confirmable, delay, desync, exchange, frames, loss, margins, media, queues, rare, relay,
    secrets, stations,
};

/// How much work a case may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// Ten short replications: seconds.
    Quick,
    /// Thirty replications of full length.
    Full,
}

impl Effort {
    /// Independent runs of a case.
    pub(super) const fn replications(self) -> u64 {
        match self {
            Self::Quick => 10,
            Self::Full => 30,
        }
    }

    /// `full` units of work, or a fifth of them.
    pub(super) const fn scaled(self, full: u64) -> u64 {
        match self {
            Self::Quick => full / 5,
            Self::Full => full,
        }
    }
}

/// A family of closed forms.
#[derive(Clone, Copy)]
pub struct Family {
    /// Its name on the command line.
    pub name: &'static str,
    /// The formulas.
    pub formula: &'static str,
    cases: fn(Effort) -> Vec<Case>,
}

impl core::fmt::Debug for Family {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}: {}", self.name, self.formula)
    }
}

const fn family(
    name: &'static str,
    formula: &'static str,
    cases: fn(Effort) -> Vec<Case>,
) -> Family {
    Family {
        name,
        formula,
        cases,
    }
}

/// Every family, in the order of the output.
pub const FAMILIES: &[Family] = &[
    family(
        "m-m-1",
        "L = rho/(1-rho); Wq = rho/(mu-lambda); sojourn quantile -ln(1-q)/(mu-lambda)",
        queues::m_m_1,
    ),
    family(
        "m-d-1",
        "Wq = rho D/(2(1-rho)); distribution by Erlang's series",
        queues::m_d_1,
    ),
    family("m-m-1-k", "loss (1-r) r^K/(1-r^(K+1))", queues::m_m_1_k),
    family("m-d-1-k", "loss 1-1/(q0+rho)", queues::m_d_1_k),
    family(
        "m-g-1",
        "Pollaczek-Khinchine: Wq = lambda E[S^2]/(2(1-rho))",
        queues::m_g_1,
    ),
    family(
        "priority",
        "non-preemptive: R/(1-r1), R/((1-r1)(1-r1-r2))",
        stations::priority,
    ),
    family("m-m-c", "Erlang C: Wq = C/(c mu-lambda)", stations::m_m_c),
    family(
        "half-open-table",
        "Erlang B for any law of the holding time",
        stations::half_open_table,
    ),
    family(
        "jackson",
        "traffic equations, each station as M/M/1",
        stations::jackson,
    ),
    family(
        "relay",
        "tandem: sum of 1/(mu-lambda); way: sum of delays, serialisation and processing; \
         delivery (1-p)^links",
        relay::ways,
    ),
    family(
        "delay",
        "mean and standard deviation of every law",
        delay::laws,
    ),
    family("bernoulli", "loss p; mean run 1/(1-p)", loss::bernoulli),
    family(
        "gilbert",
        "loss p/(p+r); mean run 1/r; P(loss|loss) = 1-r; lag-k correlation (1-p-r)^k",
        loss::gilbert,
    ),
    family(
        "gilbert-elliott",
        "loss (r(1-k)+p(1-h))/(p+r); mean run P(1)/P(1,0)",
        loss::gilbert_elliott,
    ),
    family(
        "four-states",
        "loss (w3+w4)/sum; mean run (w3+w4)/(w3 (p31+p32)+w4)",
        frames::four_states,
    ),
    family(
        "bit-errors",
        "1-(1-BER)^(8 bytes); BER of O-QPSK by the signal-to-noise ratio",
        frames::bit_errors,
    ),
    family("arq", "frames (1-p^(R+1))/(1-p), lost p^(R+1)", frames::arq),
    family("fragments", "lost 1-(1-p^(R+1))^n", frames::fragments),
    family("aloha", "n senders: S = G e^(-2G(n-1)/n)", media::aloha),
    family(
        "slotted-aloha",
        "n senders: S = G (1-G/n)^(n-1), near G e^-G; saturated n p (1-p)^(n-1)",
        media::slotted_aloha,
    ),
    family("csma", "S = G e^(-aG)/(G (1+2a)+e^(-aG))", media::csma),
    family(
        "contention",
        "earliest of n in W slots is unique: n sum 1/W ((W-1-k)/W)^(n-1)",
        media::contention,
    ),
    family(
        "csma-ca",
        "IEEE 802.15.4: failure b^5, assessments (1-b^5)/(1-b), backoff sum b^i (2^BE_i-1)/2 320 us",
        media::csma_ca,
    ),
    family(
        "lora",
        "time on the air of the data sheet; survival e^(-2(n-1) T/(period C))",
        media::lora,
    ),
    family(
        "duty-cycle",
        "a frame every T/d; Poisson arrivals wait as in M/D/1 with services of T/d",
        media::duty_cycle,
    ),
    family(
        "jammer",
        "frame tau, jammer w of every P: min(1, (tau+w)/P)",
        media::jammer,
    ),
    family(
        "bursts",
        "all of R+1 repeats lost: p/(p+r) (1-r)^R back to back, (p/(p+r))^(R+1) far apart; loss of step",
        desync::bursts,
    ),
    family(
        "resync-window",
        "packets until w+1 = m losses in a row: (p^-m-1)/(1-p)",
        loss::resync_window,
    ),
    family(
        "request-response",
        "f = 1-(1-p)^2: RTT+T f/(1-f), doubling RTT+D f/(1-f)+A f/(1-2f)",
        exchange::request_response,
    ),
    family(
        "confirmable",
        "CoAP: RTT+T sum((2^k-1) P(k))/P(ok)",
        confirmable::confirmable,
    ),
    family(
        "cookie-handshake",
        "DTLS 1.2: three rounds one after the other, each RTT+T sum((2^k-1) P(k))/P(ok); complete P(ok)^3",
        confirmable::cookie_handshake,
    ),
    family(
        "handshake",
        "k messages, restart after T: k d+T((1-p)^-k-1); messages (1-(1-p)^k)/(p(1-p)^k)",
        exchange::handshake,
    ),
    family(
        "desync-last-message",
        "attempts to the first loss of the last message: survival (1-p)^n, mean 1/p, variance (1-p)/p^2",
        desync::last_message,
    ),
    family(
        "desync-k-messages",
        "d = (1-p)^(k-1) p: mean attempts 1/d, successes before (1-p)/p",
        desync::any_message,
    ),
    family(
        "desync-repeats",
        "each message up to R+1 times: q = p^(R+1), only downwards d = (1-q) q, mean attempts 1/d",
        desync::repeats,
    ),
    family(
        "fleet",
        "first of N devices 1/(1-(1-d)^N), last sum 1-(1-(1-d)^t)^N",
        desync::fleet,
    ),
    family(
        "vault-exposure",
        "sessions until k of n at a time have named all: sum (-1)^(j+1) C(n,j)/(1-C(n-j,k)/C(n,k))",
        secrets::vault_exposure,
    ),
    family(
        "nonce-collision",
        "one of q values of M comes twice: 1-prod(1-i/M)",
        secrets::nonce_collision,
    ),
    family(
        "guessing",
        "q guesses of M: q/M; in n sessions 1-(1-q/M)^n",
        secrets::guessing,
    ),
    family(
        "rare-events",
        "M/M/1: a busy period reaches K jobs with (a-1)/(a^K-1), a = 1/rho",
        rare::rare_events,
    ),
    family(
        "round-trip-bound",
        "honest answers missed: e^(-(th-d)/mu)",
        margins::round_trip_bound,
    ),
    family(
        "clock-drift",
        "nothing is fresh after W/(sum of drifts)",
        margins::clock_drift,
    ),
];

/// All cases of the families for which `wanted` holds, in the order of [`FAMILIES`].
#[must_use]
pub fn all(effort: Effort, wanted: impl Fn(&str) -> bool) -> Vec<Case> {
    let families = FAMILIES.iter().filter(|family| wanted(family.name));
    let mut cases: Vec<Case> = Vec::new();
    for family in families {
        cases.extend((family.cases)(effort));
    }
    cases
}

/// The first seed of a case: a function of its names, so that a further case moves no other.
pub(super) fn seed(family: &str, point: &str) -> u64 {
    let bytes = family.bytes().chain([0]).chain(point.bytes());
    let hash = bytes.fold(0xCBF2_9CE4_8422_2325u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    });
    // Short enough to be typed, and with room for every series behind it.
    (hash >> 40) * 100_000_000
}
