//! The addresses that the server keeps something for: a session, or bytes of a stream.

use crate::address::Address;

/// What the server knows of one address.
#[derive(Clone, Debug, Default)]
pub(crate) struct Peer {
    /// The address.
    pub(crate) address: Address,
    /// Id of the live session of this address.
    pub(crate) session: Option<u8>,
    /// Client id of the last frame that came from it.
    pub(crate) last_id: Option<u8>,
    /// Incomplete record.
    pub(crate) partial: Vec<u8>,
    /// When it was last heard of, in calls of [`Peers::touch`].
    touched: u64,
}

impl Peer {
    /// Takes the incomplete record out.
    pub(crate) fn take_partial(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.partial)
    }
}

/// A table of addresses: slots that are used again, found through a sorted index.
#[derive(Clone, Debug, Default)]
pub(crate) struct Peers {
    slots: Vec<Option<Peer>>,
    free: Vec<u32>,
    /// Address and slot, ascending.
    index: Vec<(Address, u32)>,
    touches: u64,
}

impl Peers {
    fn place(&self, address: Address) -> Result<usize, usize> {
        self.index
            .binary_search_by_key(&address, |(known, _)| *known)
    }

    /// The slot of an address that is kept.
    pub(crate) fn slot(&self, address: Address) -> Option<u32> {
        self.place(address).ok().map(|place| self.index[place].1)
    }

    /// What is known of an address.
    pub(crate) fn get_mut(&mut self, address: Address) -> Option<&mut Peer> {
        let slot = self.slot(address)?;
        self.slots.get_mut(slot as usize)?.as_mut()
    }

    /// Id of the live session of an address.
    pub(crate) fn session(&self, address: Address) -> Option<u8> {
        let slot = self.slot(address)?;
        self.slots.get(slot as usize)?.as_ref()?.session
    }

    /// The address in a slot.
    pub(crate) fn address(&self, slot: u32) -> Option<Address> {
        let peer = self.slots.get(slot as usize)?.as_ref()?;
        Some(peer.address)
    }

    /// Number of addresses.
    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    /// Notes that an address was heard of; it is kept from now on.
    pub(crate) fn touch(&mut self, address: Address) -> &mut Peer {
        self.touches += 1;
        let slot = match self.place(address) {
            Ok(place) => self.index[place].1,
            Err(place) => {
                let slot = self.free.pop().unwrap_or_else(|| {
                    self.slots.push(None);
                    u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
                });
                self.index.insert(place, (address, slot));
                slot
            }
        };
        let peer = self.slots[slot as usize].get_or_insert_with(|| Peer {
            address,
            ..Peer::default()
        });
        peer.touched = self.touches;
        peer
    }

    /// Forgets an address; gives what was known of it, and its slot.
    pub(crate) fn remove(&mut self, address: Address) -> Option<(u32, Peer)> {
        let place = self.place(address).ok()?;
        let (_, slot) = self.index.remove(place);
        self.free.push(slot);
        let peer = self.slots.get_mut(slot as usize)?.take()?;
        Some((slot, peer))
    }

    /// The address that has been idle longest.
    pub(crate) fn idlest(&self) -> Option<Address> {
        let known = self.slots.iter().flatten();
        known
            .min_by_key(|peer| peer.touched)
            .map(|peer| peer.address)
    }

    /// Forgets all addresses.
    pub(crate) fn clear(&mut self) {
        self.slots.clear();
        self.free.clear();
        self.index.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_idlest_address_is_the_one_touched_longest_ago() {
        let mut peers = Peers::default();
        for host in [5, 3, 9, 5] {
            peers.touch(Address::new(host, 1));
        }
        assert_eq!(peers.idlest(), Some(Address::new(3, 1)));
        peers.remove(Address::new(3, 1));
        assert_eq!(peers.idlest(), Some(Address::new(9, 1)));
        assert_eq!(peers.len(), 2);
    }

    #[test]
    fn a_freed_slot_is_used_again() {
        let mut peers = Peers::default();
        peers.touch(Address::new(1, 1));
        peers.touch(Address::new(2, 1));
        let (slot, _) = peers.remove(Address::new(1, 1)).unwrap();
        peers.touch(Address::new(3, 1));
        assert_eq!(peers.slot(Address::new(3, 1)), Some(slot));
        assert_eq!(peers.address(slot), Some(Address::new(3, 1)));
    }
}
