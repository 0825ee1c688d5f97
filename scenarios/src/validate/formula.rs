//! Closed forms that take more than a line.
//!
//! **Source.** L. Kleinrock, Queueing Systems, vol. 1, 1975 (M/M/1, M/G/1, M/M/1/K, priorities);
//! A. K. Erlang 1917 (loss and delay systems) and 1909 (waiting in M/D/1).

/// Erlang B: the share of arrivals that find all `servers` busy, `load` = arrival rate x service.
pub(super) fn erlang_b(servers: u32, load: f64) -> f64 {
    (1..=servers).fold(1.0, |blocked, server| {
        load * blocked / (f64::from(server) + load * blocked)
    })
}

/// Erlang C: the share of arrivals that wait.
pub(super) fn erlang_c(servers: u32, load: f64) -> f64 {
    let blocked = erlang_b(servers, load);
    let busy = load / f64::from(servers);
    blocked / (1.0 - busy * (1.0 - blocked))
}

/// M/M/1/K: the share of arrivals that find `capacity` jobs.
pub(super) fn loss_m_m_1_k(rho: f64, capacity: i32) -> f64 {
    if (rho - 1.0).abs() < 1e-12 {
        return 1.0 / f64::from(capacity + 1);
    }
    (1.0 - rho) * rho.powi(capacity) / (1.0 - rho.powi(capacity + 1))
}

/// M/D/1/K, `capacity` jobs in all: 1 - 1/(q0 + rho), q0 the share of departures that leave nobody.
#[allow(clippy::cast_precision_loss, reason = "a small capacity")]
pub(super) fn loss_m_d_1_k(rho: f64, capacity: usize) -> f64 {
    // Arrivals during one service are Poisson.
    let mut arrivals = vec![libm::exp(-rho)];
    for count in 1..capacity {
        arrivals.push(arrivals[count - 1] * rho / count as f64);
    }
    let mut left = vec![1.0];
    for j in 0..capacity - 1 {
        let above: f64 = (1..=j).map(|i| left[i] * arrivals[j + 1 - i]).sum();
        left.push((left[j] - left[0] * arrivals[j] - above) / arrivals[0]);
    }
    let q0 = left[0] / left.iter().sum::<f64>();
    1.0 - 1.0 / (q0 + rho)
}

/// M/D/1: the probability of waiting at most `t` services.
pub(super) fn wait_m_d_1(rho: f64, t: f64) -> f64 {
    let mut sum = 0.0;
    let mut k = 0.0;
    let mut factorial = 1.0;
    while k <= t {
        let x = rho * (k - t);
        let power = if k == 0.0 { 1.0 } else { libm::pow(x, k) };
        sum += power / factorial * libm::exp(-x);
        k += 1.0;
        factorial *= k;
    }
    (1.0 - rho) * sum
}

/// Gilbert-Elliott with per-state loss: long-run loss, P(loss | loss), mean run of losses.
pub(super) fn gilbert_elliott(p: f64, r: f64, good: f64, bad: f64) -> (f64, f64, f64) {
    let (share_good, share_bad) = (r / (p + r), p / (p + r));
    let loss = share_good * good + share_bad * bad;
    // Lost now and lost next, over the states before and after the step.
    let both = share_good * good * ((1.0 - p) * good + p * bad)
        + share_bad * bad * (r * good + (1.0 - r) * bad);
    (loss, both / loss, loss / (loss - both))
}
