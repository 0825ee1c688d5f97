//! What a handler may do to links: cut a direction, mend it, give it other parameters.
//!
//! Cuts count: a direction that two causes hold down (an outage within a partition) carries packets
//! again when both are over. While it is down, every packet offered to it is lost; what it had
//! accepted before still arrives. Nothing is drawn for the packets that are lost that way, and they
//! keep their numbers, so the draws of later packets are the same as without the cut.

use crate::error::EngineError;
use crate::host::Host;
use crate::id::{Direction, LinkClass, LinkId};
use crate::outbox::Outbox;
use crate::slab::NONE;
use crate::world::World;

use super::{DirectionState, Extra};

impl<H: Host> Outbox<'_, H> {
    /// Cuts a link direction (`down`), or takes one cut back.
    ///
    /// Every cut needs its own mending. A link that does not exist, a mending without a cut and
    /// more than 255 cuts of one direction at a time end the run with an error.
    pub fn set_link_down(&mut self, link: LinkId, direction: Direction, down: bool) {
        self.world.set_link_down(link, direction, down);
    }

    /// Whether a link direction is cut. An unknown link is not.
    #[must_use]
    pub fn is_link_down(&self, link: LinkId, direction: Direction) -> bool {
        self.world
            .links
            .get(link.0 as usize)
            .is_some_and(|state| state.directions[direction.index()].cuts > 0)
    }

    /// Gives a link direction the parameters of another class from now on.
    ///
    /// What the link has accepted keeps its times. The queue, the counters and the order stay; a
    /// burst-loss chain begins anew with the long-run law if the class has another loss model.
    pub fn set_link_class(&mut self, link: LinkId, direction: Direction, class: LinkClass) {
        self.world.set_link_class(link, direction, class);
    }
}

impl<P: Copy, E: Copy> World<P, E> {
    fn side(&mut self, link: LinkId, direction: Direction) -> Option<&mut DirectionState> {
        if link.0 as usize >= self.links.len() {
            self.fail(EngineError::Unknown {
                what: "link",
                number: link.0,
            });
        }
        let state = self.links.get_mut(link.0 as usize)?;
        Some(&mut state.directions[direction.index()])
    }

    fn set_link_down(&mut self, link: LinkId, direction: Direction, down: bool) {
        let Some(side) = self.side(link, direction) else {
            return;
        };
        let cuts = if down {
            side.cuts.checked_add(1)
        } else {
            side.cuts.checked_sub(1)
        };
        match cuts {
            Some(cuts) => side.cuts = cuts,
            None => self.fail(EngineError::Unknown {
                what: if down {
                    "place for one more cut of link"
                } else {
                    "cut of link"
                },
                number: link.0,
            }),
        }
    }

    fn set_link_class(&mut self, link: LinkId, direction: Direction, class: LinkClass) {
        let Some(new) = self.classes.get(usize::from(class.0)) else {
            self.fail(EngineError::Unknown {
                what: "link class",
                number: u32::from(class.0),
            });
            return;
        };
        let needs_extra = new.needs_extra;
        let Some(side) = self.side(link, direction) else {
            return;
        };
        let old = std::mem::replace(&mut side.class, class.0);
        let (mut extra, packets) = (side.extra, side.packets);
        if needs_extra && extra == NONE {
            extra = self.extras.len() as u32;
            let mut fresh = Extra::new();
            // What it does not count so far: every packet was one transmission.
            fresh.totals.frames = u64::from(packets);
            self.extras.push(fresh);
            self.links[link.0 as usize].directions[direction.index()].extra = extra;
        }
        let same_loss = self.classes[usize::from(old)].params.loss
            == self.classes[usize::from(class.0)].params.loss;
        if !same_loss && let Some(extra) = self.extras.get_mut(extra as usize) {
            extra.chain = super::loss::ChainState::default();
        }
    }
}
