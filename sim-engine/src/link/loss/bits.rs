//! Losses that follow from bit errors.
//!
//! With independent bit errors of rate *b* a packet of *n* bytes is lost with probability
//! 1 − (1 − *b*)^(8 *n*), computed as −expm1(8 *n* log1p(−*b*)), which keeps its precision where
//! *b* is tiny. What is lost is the packet: a checksum finds the errors.

use super::probability;
use crate::law::LawError;
use crate::rng::Probability;

/// Independent bit errors.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct BitErrors {
    rate: f64,
    /// log1p(−rate), the logarithm of the probability that a bit survives.
    log_survival: f64,
}

impl BitErrors {
    /// Bit errors of this rate.
    ///
    /// # Errors
    /// If `rate` is no probability.
    pub fn new(rate: f64) -> Result<Self, LawError> {
        probability("ber", rate)?;
        Ok(Self {
            rate,
            log_survival: libm::log1p(-rate),
        })
    }

    /// Bit errors of the O-QPSK of IEEE 802.15.4 at 2.4 GHz at a signal-to-noise ratio in dB:
    /// 8/15 · 1/16 · Σ (−1)^k C(16, k) exp(20 SNR (1/k − 1)), k from 2 to 16.
    ///
    /// # Errors
    /// If `snr_db` is not finite.
    pub fn oqpsk(snr_db: f64) -> Result<Self, LawError> {
        if !snr_db.is_finite() {
            return Err(LawError::NotFinite {
                parameter: "snr",
                value: snr_db,
            });
        }
        let snr = libm::pow(10.0, snr_db / 10.0);
        let mut binomial = 16.0;
        let mut sum = 0.0;
        // Smallest terms last in the formula; summed from them on, so that cancellation is least.
        let mut terms = [0.0; 17];
        for k in 2..=16u8 {
            let k_f = f64::from(k);
            binomial = binomial * (17.0 - k_f) / k_f;
            let sign = if k % 2 == 0 { 1.0 } else { -1.0 };
            terms[usize::from(k)] = sign * binomial * libm::exp(20.0 * snr * (1.0 / k_f - 1.0));
        }
        for term in terms.iter().rev() {
            sum += term;
        }
        // Rounding may leave a trace below zero where the true value is below 1e-17.
        Self::new((8.0 / 15.0 / 16.0 * sum).clamp(0.0, 1.0))
    }

    /// The bit error rate.
    #[must_use]
    pub const fn rate(&self) -> f64 {
        self.rate
    }

    /// The probability that a packet of this many bytes has an error.
    #[must_use]
    pub fn packet(&self, bytes: u32) -> f64 {
        if bytes == 0 {
            return 0.0;
        }
        -libm::expm1(8.0 * f64::from(bytes) * self.log_survival)
    }

    /// The same as a threshold for a draw.
    #[inline]
    pub(crate) fn probability(&self, bytes: u32) -> Probability {
        Probability::new(self.packet(bytes).clamp(0.0, 1.0)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Packet error rates of 127 bytes over the whole waterfall.
    #[test]
    fn bit_errors_of_802_15_4_and_what_they_do_to_a_full_frame() {
        for (snr, ber, per) in [
            (-1.0, 1.148_94e-3, 0.689_011),
            (0.0, 1.615_27e-4, 0.151_364),
            (1.0, 1.291_19e-5, 0.013_032_9),
        ] {
            let model = BitErrors::oqpsk(snr).unwrap();
            assert!((model.rate() / ber - 1.0).abs() < 1e-5, "{}", model.rate());
            assert!(
                (model.packet(127) - per).abs() < 1e-6,
                "{}",
                model.packet(127)
            );
        }
    }

    #[test]
    fn tiny_rates_keep_their_precision() {
        let model = BitErrors::new(1e-15).unwrap();
        assert!((model.packet(125) / 1e-12 - 1.0).abs() < 1e-9);
        assert_eq!(BitErrors::new(0.0).unwrap().packet(1_000), 0.0);
        assert_eq!(BitErrors::new(1.0).unwrap().packet(1), 1.0);
        assert_eq!(BitErrors::new(1.0).unwrap().packet(0), 0.0);
    }
}
