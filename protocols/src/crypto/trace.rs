//! What went into each primitive and what came out: every intermediate value of a session.
//!
//! For comparing a run with an independent implementation, never for a run that is measured. A
//! [`Crypto`] starts without a trace; then a primitive pays one branch and copies nothing.
//! Primitives that only observers use are not traced, as they are not metered.

use super::Crypto;

/// A value that went into or came out of a primitive: what it is, and its bytes.
pub type Named = (&'static str, Vec<u8>);

/// One call of a primitive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    /// The primitive, as the facade's method is called.
    pub function: &'static str,
    /// What went in, in the order of the arguments; the parts of a joined input one by one.
    pub inputs: Vec<Named>,
    /// What came out; empty where an operation failed.
    pub output: Vec<u8>,
}

impl Work {
    /// A call whose inputs follow by [`Work::with`] and [`Work::parts`].
    pub(super) fn new(function: &'static str, output: &[u8]) -> Self {
        Self {
            function,
            inputs: Vec::new(),
            output: output.to_vec(),
        }
    }

    /// Adds one input.
    pub(super) fn with(mut self, name: &'static str, bytes: &[u8]) -> Self {
        self.inputs.push((name, bytes.to_vec()));
        self
    }

    /// Adds the parts of a joined input.
    pub(super) fn parts(mut self, parts: &[&[u8]]) -> Self {
        let parts = parts.iter().map(|part| ("part", part.to_vec()));
        self.inputs.extend(parts);
        self
    }
}

impl Crypto {
    /// From now on every primitive notes its inputs and its output.
    pub fn start_trace(&mut self) {
        self.trace.get_or_insert_default();
    }

    /// What was noted since the last call of this method, in order; empty without a trace.
    pub fn take_trace(&mut self) -> Vec<Work> {
        self.trace.as_mut().map(core::mem::take).unwrap_or_default()
    }

    /// True when primitives note what they do; a caller that must copy an input beforehand asks.
    #[inline]
    pub(super) const fn traces(&self) -> bool {
        self.trace.is_some()
    }

    /// Notes one call, described only where somebody reads it.
    #[inline]
    pub(super) fn note(&mut self, describe: impl FnOnce() -> Work) {
        if let Some(trace) = &mut self.trace {
            trace.push(describe());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_trace_nothing_is_noted() {
        let mut crypto = Crypto::default();
        crypto.sha256(&[b"abc"]);
        assert!(crypto.take_trace().is_empty());
    }

    #[test]
    fn a_trace_holds_inputs_and_outputs_in_order() {
        let mut crypto = Crypto::default();
        crypto.start_trace();
        let digest = crypto.sha256(&[b"a", b"bc"]);
        let mut row = [1, 2];
        crypto.xor(&mut row, &[3, 3]);
        let key = crypto.aes_key(&[7; 16]);
        let mut block = [0; 16];
        crypto.cbc_encrypt(&key, &[9; 16], &mut block);
        let noted = crypto.take_trace();
        assert_eq!(
            noted[0],
            Work {
                function: "sha256",
                inputs: vec![("part", b"a".to_vec()), ("part", b"bc".to_vec())],
                output: digest.to_vec(),
            }
        );
        assert_eq!(noted[1].inputs[0], ("left", vec![1, 2]));
        assert_eq!(noted[1].output, [2, 1]);
        assert_eq!(noted[2].inputs, [("key", vec![7; 16])]);
        assert_eq!(noted[3].inputs[0], ("iv", vec![9; 16]));
        assert_eq!(noted[3].inputs[1], ("text", vec![0; 16]));
        assert_eq!(noted[3].output, block);
        assert!(crypto.take_trace().is_empty(), "taken once");
    }
}
