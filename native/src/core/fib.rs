//! The forwarding table, as `src/plane/fib.ts`: one hash table per prefix length in use, longest first. A prefix may be
//! known from three sides; `Local` wins over `Peer`, and `Peer` over `Route`. Each hash table is many small ones, which grow one at
//! a time: growing one of a million routes at once would hold packets up for a tenth of a second.
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

type Shard = HashMap<u128, [Hop; 3], Seeded>;

/// A power of two. Of a million routes each has about a thousand, which are moved in less than 0.1 ms.
const SHARDS: usize = 1024;

struct Table {
    length: u8,
    mask: u128,
    size: usize,
    seed: u64,
    shards: Box<[Shard]>,
}

impl Table {
    fn new(length: u8, seed: Seeded) -> Table {
        let shards = (0..SHARDS).map(|_| HashMap::with_hasher(seed)).collect();
        Table { length, mask: mask_of(length), size: 0, seed: seed.0, shards }
    }

    /// Other bits than those that a shard's own hash goes by.
    #[inline]
    fn shard_of(&self, key: u128) -> usize {
        let folded = (key >> 64) as u64 ^ (key as u64).rotate_left(32) ^ self.seed;
        (folded.wrapping_mul(0xff51_afd7_ed55_8ccd) >> 40) as usize % SHARDS
    }

    #[inline]
    fn get(&self, address: u128) -> Option<&[Hop; 3]> {
        let key = address & self.mask;
        self.shards[self.shard_of(key)].get(&key)
    }

    fn set(&mut self, address: u128, layer: Layer, hop: Hop) {
        let key = address & self.mask;
        let at = self.shard_of(key);
        let shard = &mut self.shards[at];
        if hop == Hop::None {
            let Some(hops) = shard.get_mut(&key) else { return };
            hops[layer as usize] = Hop::None;
            if best(hops) == Hop::None {
                shard.remove(&key);
                self.size -= 1;
            }
            return;
        }
        let before = shard.len();
        shard.entry(key).or_insert([Hop::None; 3])[layer as usize] = hop;
        self.size += shard.len() - before;
    }
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
                self.tables.insert(index, Table::new(prefix.length, self.seed));
                index
            }
        };
        let table = &mut self.tables[index];
        table.set(u128::from_be_bytes(prefix.address), layer, hop);
        if table.size == 0 {
            self.tables.remove(index);
        }
    }

    /// Longest prefix match.
    #[inline]
    pub fn lookup(&self, address: u128) -> Hop {
        for table in &self.tables {
            if let Some(hops) = table.get(address) {
                return best(hops);
            }
        }
        Hop::None
    }

    /// Matches the whole address only.
    pub fn lookup_host(&self, address: u128) -> Hop {
        match self.tables.first() {
            Some(table) if table.length == 128 => table.get(address).map_or(Hop::None, best),
            _ => Hop::None,
        }
    }

    pub fn size(&self) -> usize {
        self.tables.iter().map(|table| table.size).sum()
    }
}
