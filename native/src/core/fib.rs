//! The forwarding table, as `src/plane/fib.ts`: one hash table per prefix length in use, longest first. A prefix may be
//! known from three sides; `Local` wins over `Peer`, and `Peer` over `Route`.
use super::hash::Seeded;
use crate::world::LinkId;
use std::collections::HashMap;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hop {
    None,
    Local,
    Link(LinkId),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Layer {
    Local,
    Peer,
    Route,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Prefix {
    pub address: [u8; 16],
    /// 0..=128
    pub length: u8,
}

struct Table {
    length: u8,
    mask: u128,
    hops: HashMap<u128, [Hop; 3], Seeded>,
}

pub struct Fib {
    seed: Seeded,
    /// Longest prefixes first.
    tables: Vec<Table>,
}

fn mask_of(length: u8) -> u128 {
    if length == 0 {
        0
    } else {
        u128::MAX << (128 - u32::from(length.min(128)))
    }
}

fn best(hops: &[Hop; 3]) -> Hop {
    hops.iter().copied().find(|hop| *hop != Hop::None).unwrap_or(Hop::None)
}

/// The 16 bytes at `packet[at..]`; the caller has checked that they are there.
#[inline]
pub fn address_at(packet: &[u8], at: usize) -> u128 {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&packet[at..at + 16]);
    u128::from_be_bytes(bytes)
}

impl Fib {
    pub fn new(seed: u64) -> Fib {
        Fib { seed: Seeded(seed), tables: Vec::new() }
    }

    /// `Hop::None` deletes; deleting what is not there changes nothing.
    pub fn set(&mut self, prefix: Prefix, layer: Layer, hop: Hop) {
        let at = self.tables.iter().position(|table| table.length <= prefix.length);
        let index = match at {
            Some(index) if self.tables[index].length == prefix.length => index,
            _ if hop == Hop::None => return,
            _ => {
                let index = at.unwrap_or(self.tables.len());
                let mask = mask_of(prefix.length);
                let hops = HashMap::with_hasher(self.seed);
                self.tables.insert(index, Table { length: prefix.length, mask, hops });
                index
            }
        };
        let table = &mut self.tables[index];
        let key = u128::from_be_bytes(prefix.address) & table.mask;
        let hops = table.hops.entry(key).or_insert([Hop::None; 3]);
        hops[layer as usize] = hop;
        if best(hops) == Hop::None {
            table.hops.remove(&key);
        }
        if table.hops.is_empty() {
            self.tables.remove(index);
        }
    }

    /// Longest prefix match.
    #[inline]
    pub fn lookup(&self, address: u128) -> Hop {
        for table in &self.tables {
            if let Some(hops) = table.hops.get(&(address & table.mask)) {
                return best(hops);
            }
        }
        Hop::None
    }

    /// Matches the whole address only.
    pub fn lookup_host(&self, address: u128) -> Hop {
        match self.tables.first() {
            Some(table) if table.length == 128 => table.hops.get(&address).map_or(Hop::None, best),
            _ => Hop::None,
        }
    }

    pub fn size(&self) -> usize {
        self.tables.iter().map(|table| table.hops.len()).sum()
    }
}
