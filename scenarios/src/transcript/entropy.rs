//! Randomness from the inputs, noted request by request.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use protocols::Entropy;
use protocols::drive::HashStream;
use protocols::roster::Streams;

use super::output::Drawn;
use crate::diagnostic::{Diagnostics, listed, quoted};

/// Where random bytes come from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// These bytes and no more.
    Fixed(Vec<u8>),
    /// An endless stream.
    Endless(HashStream),
}

/// A request that the given bytes did not suffice for.
#[derive(Clone, Debug)]
pub(super) struct Short {
    /// Index of the party.
    pub(super) party: usize,
    /// Which of its requests, counted from 1.
    pub(super) request: u64,
    /// Bytes asked for.
    pub(super) wanted: usize,
    /// Bytes that were left.
    pub(super) left: usize,
}

/// What was drawn since the last look, and the first request that could not be met.
#[derive(Clone, Debug, Default)]
pub(super) struct Log {
    /// The bytes of each request, in order.
    pub(super) draws: Vec<Vec<u8>>,
    /// The first request that asked for too much.
    pub(super) short: Option<Short>,
}

/// The entropy of one party.
#[derive(Clone, Debug)]
pub(super) struct Given {
    party: usize,
    source: Source,
    position: usize,
    requests: u64,
    log: Rc<RefCell<Log>>,
}

impl Given {
    /// Entropy of party `party`; none given is none there.
    pub(super) fn new(party: usize, source: Option<Source>, log: &Rc<RefCell<Log>>) -> Self {
        Self {
            party,
            source: source.unwrap_or(Source::Fixed(Vec::new())),
            position: 0,
            requests: 0,
            log: Rc::clone(log),
        }
    }
}

impl Entropy for Given {
    fn fill(&mut self, out: &mut [u8]) {
        self.requests += 1;
        match &mut self.source {
            Source::Endless(stream) => stream.fill(out),
            Source::Fixed(bytes) => {
                let left = bytes.len() - self.position;
                if left < out.len() {
                    let short = Short {
                        party: self.party,
                        request: self.requests,
                        wanted: out.len(),
                        left,
                    };
                    // The run goes on with zeros to the end of the call and is then refused.
                    self.log.borrow_mut().short.get_or_insert(short);
                    out.fill(0);
                    return;
                }
                out.copy_from_slice(&bytes[self.position..self.position + out.len()]);
                self.position += out.len();
            }
        }
        self.log.borrow_mut().draws.push(out.to_vec());
    }
}

/// The streams of provisioning, by `group[member]/purpose`.
pub(super) struct GivenStreams {
    sources: BTreeMap<String, Source>,
    /// Bytes drawn from each, at most, in the order of first use.
    drawn: Vec<Drawn>,
    missing: Vec<String>,
    short: Option<String>,
}

impl GivenStreams {
    pub(super) fn new(sources: BTreeMap<String, Source>) -> Self {
        Self {
            sources,
            drawn: Vec::new(),
            missing: Vec::new(),
            short: None,
        }
    }

    /// Refuses what was asked for and not given.
    pub(super) fn check(&self) -> Result<(), Diagnostics> {
        if !self.missing.is_empty() {
            return Err(Diagnostics::general(
                format!(
                    "provisioning asks for streams that are not given: {}",
                    listed(self.missing.iter().map(String::as_str))
                ),
                "give each in `provisioning`, or the storage of every party in `records`",
            ));
        }
        let asked = || self.drawn.iter().map(|drawn| drawn.stream.as_str());
        let unused = self
            .sources
            .keys()
            .find(|name| asked().all(|asked| asked != *name));
        if let Some(name) = unused {
            return Err(Diagnostics::general(
                format!("provisioning asks for no stream {}", quoted(name)),
                format!("it asks for {}", listed(asked())),
            ));
        }
        match &self.short {
            Some(name) => Err(Diagnostics::general(
                format!("the provisioning stream {} does not suffice", quoted(name)),
                "give more bytes, or the endless stream {\"stream\": \"LABEL\"}",
            )),
            None => Ok(()),
        }
    }

    /// What was drawn.
    pub(super) fn drawn(self) -> Vec<Drawn> {
        self.drawn
    }
}

impl Streams for GivenStreams {
    fn with(
        &mut self,
        group: &str,
        member: u32,
        purpose: &str,
        use_it: &mut dyn FnMut(&mut dyn Entropy),
    ) {
        let name = format!("{group}[{member}]/{purpose}");
        let source = self.sources.get(&name).cloned();
        if source.is_none() && !self.missing.contains(&name) {
            self.missing.push(name.clone());
        }
        // Without a source the provisioning goes on, so that every missing name is told at once.
        let fallback = || Source::Endless(HashStream::new(name.as_bytes()));
        let log = Rc::new(RefCell::new(Log::default()));
        let mut entropy = Given::new(0, Some(source.unwrap_or_else(fallback)), &log);
        use_it(&mut entropy);
        let log = log.borrow();
        if log.short.is_some() {
            self.short.get_or_insert_with(|| name.clone());
        }
        let bytes: usize = log.draws.iter().map(Vec::len).sum();
        match self.drawn.iter_mut().find(|drawn| drawn.stream == name) {
            Some(drawn) => drawn.bytes = drawn.bytes.max(bytes),
            None => self.drawn.push(Drawn {
                stream: name,
                bytes,
            }),
        }
    }
}
