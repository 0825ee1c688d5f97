//! Building shared media, and what they counted.

use super::Engine;
use crate::error::EngineError;
use crate::host::Host;
use crate::id::{Direction, NodeId};
use crate::medium::{Capture, Medium, MediumId, MediumParams, MediumStats, Shared, milliwatts};
use crate::rng::StreamName;

impl<H: Host> Engine<H> {
    /// Adds a shared medium. Links whose classes name it use it from their making on.
    ///
    /// # Errors
    /// [`EngineError::Unknown`] if there are 65536 media already.
    pub fn add_medium(&mut self, params: MediumParams) -> Result<MediumId, EngineError> {
        let number = self.world.media.len();
        let id = u16::try_from(number).map_err(|_| EngineError::Unknown {
            what: "place for medium",
            number: u32::from(u16::MAX) + 1,
        })?;
        self.world.media.push(Medium::new(params));
        Ok(MediumId(id))
    }

    /// Counters of a medium. An unknown medium has counted nothing.
    #[must_use]
    pub fn medium_stats(&self, medium: MediumId) -> MediumStats {
        let number = usize::from(medium.0);
        let Some(state) = self.world.media.get(number) else {
            return MediumStats::default();
        };
        let earlier = self
            .world
            .baseline
            .as_ref()
            .and_then(|baseline| baseline.media.get(number).copied())
            .unwrap_or_default();
        state.totals_at(self.world.now) - earlier
    }

    /// Number of nodes on a medium.
    #[must_use]
    pub fn stations(&self, medium: MediumId) -> usize {
        self.world
            .media
            .get(usize::from(medium.0))
            .map_or(0, |medium| medium.stations.len())
    }

    /// The nodes on a medium.
    pub fn nodes_on(&self, medium: MediumId) -> impl Iterator<Item = NodeId> + '_ {
        let medium = self.world.media.get(usize::from(medium.0));
        let stations = medium.into_iter().flat_map(|medium| &medium.stations);
        stations.map(|station| NodeId(station.node))
    }

    /// Makes both ends of a link stations of the media that its directions use.
    pub(super) fn attach_to_media(&mut self, link: u32) -> Result<(), EngineError> {
        let world = &mut self.world;
        let (name, a, b) = {
            let link = &world.links[link as usize];
            (link.name, link.a, link.b)
        };
        for direction in [Direction::Up, Direction::Down] {
            let side = world.links[link as usize].directions[direction.index()];
            let Some(attachment) = world.classes[usize::from(side.class)].params.medium else {
                continue;
            };
            let number = attachment.medium.0;
            let Some(medium) = world.media.get_mut(usize::from(number)) else {
                return Err(EngineError::Unknown {
                    what: "medium",
                    number: u32::from(number),
                });
            };
            let end = |end: u64| StreamName::new("station").index(name).index(end).id();
            let (of_a, of_b) = (medium.station(a, end(0)), medium.station(b, end(1)));
            if !medium.params.hidden.is_never() {
                medium.linked.insert((of_a.min(of_b), of_a.max(of_b)));
            }
            let power_mw = match medium.params.capture {
                Capture::None => 1.0,
                Capture::Thresholds(_) => {
                    let stream = StreamName::new("medium").text("power").index(name).id();
                    let draw = world.streams.block(stream, 0)[0];
                    milliwatts(medium.params.power_dbm.sample(draw))
                }
            };
            let (from, to) = match direction {
                Direction::Up => (of_a, of_b),
                Direction::Down => (of_b, of_a),
            };
            world.extras[side.extra as usize].shared = Some(Shared {
                medium: number,
                from,
                to,
                power_mw,
            });
        }
        Ok(())
    }
}
