//! Split and merge against each other and against the definition of the checksums, over many random trains.
use alamesh_plane::offload::merge::{Abilities, Merger};
use alamesh_plane::offload::{checksum, split, Vnet, GSO_TCPV6, GSO_UDP_L4, NEEDS_CSUM, VNET};

/// SplitMix64: small, seeded, the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }
}

const TCP: u8 = 6;
const UDP: u8 = 17;

/// A whole IPv6 packet with the field of the checksum as the kernel leaves it: the sum of the pseudo-header.
fn packet(random: &mut Random, protocol: u8, payload: usize, options: usize) -> (Vnet, Vec<u8>) {
    let head = if protocol == TCP { 20 + options } else { 8 };
    let mut out = vec![0x60, random.next() as u8 & 0x0f, 0, 7, 0, 0, protocol, 64];
    out.extend(random.bytes(32 + head + payload));
    let upper_bytes = head + payload;
    out[4..6].copy_from_slice(&(upper_bytes as u16).to_be_bytes());
    let field = if protocol == TCP {
        out[40 + 12] = (head as u8 / 4) << 4;
        out[40 + 13] = 0x10 | [0, 0x08, 0x01, 0x09][random.below(4)];
        out[40 + 18..40 + 20].fill(0);
        16
    } else {
        out[44..46].copy_from_slice(&(upper_bytes as u16).to_be_bytes());
        6
    };
    let pseudo = checksum::fold(checksum::pseudo_header(&out, upper_bytes, protocol));
    out[40 + field..42 + field].copy_from_slice(&pseudo.to_be_bytes());
    let vnet =
        Vnet { flags: NEEDS_CSUM, csum_start: 40, csum_offset: field as u16, ..Vnet::default() };
    (vnet, out)
}

fn is_right(packet: &[u8]) -> bool {
    let upper = &packet[40..];
    let pseudo = checksum::pseudo_header(packet, upper.len(), packet[6]);
    checksum::fold(pseudo + checksum::sum(upper)) == 0xffff
}

fn parts_of(vnet: &Vnet, train: &[u8]) -> Vec<Vec<u8>> {
    let mut parts = Vec::new();
    let mut buffer = train.to_vec();
    split::split(vnet, &mut buffer, |packet| parts.push(packet.to_vec())).expect("a good train");
    parts
}

fn train(random: &mut Random, protocol: u8) -> (Vnet, Vec<u8>, usize) {
    let options = if protocol == TCP { 4 * random.below(11) } else { 0 };
    let payload = 1 + random.below(40_000);
    let segment = (1 + random.below(1_400)).max(payload.div_ceil(60));
    let (vnet, bytes) = packet(random, protocol, payload, options);
    if payload <= segment {
        return (vnet, bytes, segment);
    }
    let gso_type = if protocol == TCP { GSO_TCPV6 } else { GSO_UDP_L4 };
    (Vnet { gso_type, gso_size: segment as u16, hdr_len: 0, ..vnet }, bytes, segment)
}

#[test]
fn every_part_is_a_right_packet_and_no_byte_is_lost() {
    for seed in 0..400 {
        let mut random = Random(seed);
        for protocol in [TCP, UDP] {
            let (vnet, bytes, segment) = train(&mut random, protocol);
            let head = if protocol == TCP { 40 + usize::from(bytes[52] >> 4) * 4 } else { 48 };
            let parts = parts_of(&vnet, &bytes);
            let payload: Vec<u8> = parts.iter().flat_map(|part| part[head..].to_vec()).collect();
            assert_eq!(payload, bytes[head..], "seed {seed}");
            for (i, part) in parts.iter().enumerate() {
                let is_last = i + 1 == parts.len();
                assert!(is_right(part), "seed {seed}, part {i}: checksum");
                assert_eq!(usize::from(u16::from_be_bytes([part[4], part[5]])) + 40, part.len());
                assert!(part.len() - head <= segment);
                if protocol == TCP && !is_last {
                    assert_eq!(part[53] & 0x09, 0, "PSH and FIN belong to the last");
                }
            }
        }
    }
}

#[test]
fn what_is_merged_and_split_again_is_what_came() {
    for seed in 0..400 {
        let mut random = Random(1_000 + seed);
        let mut sent: Vec<Vec<u8>> = Vec::new();
        for _ in 0..1 + random.below(6) {
            let protocol = [TCP, UDP][random.below(2)];
            let (vnet, bytes, _) = train(&mut random, protocol);
            sent.extend(parts_of(&vnet, &bytes));
            if random.below(3) == 0 {
                sent.push(random.bytes(60));
            }
        }
        let mut written: Vec<Vec<u8>> = Vec::new();
        let mut write = |bytes: &[u8]| {
            written.push(bytes.to_vec());
            true
        };
        let mut merger = Merger::new(Abilities { tcp: true, udp: true });
        for packet in &sent {
            assert_eq!(merger.push(packet, &mut write), 0);
        }
        merger.flush(&mut write);
        assert!(written.len() <= sent.len());
        let mut again: Vec<Vec<u8>> = Vec::new();
        for bytes in &written {
            let vnet = Vnet::read(bytes[..VNET].try_into().expect("a head"));
            again.extend(parts_of(&vnet, &bytes[VNET..]));
        }
        let by_flow = |list: &[Vec<u8>]| {
            let mut sorted = list.to_vec();
            sorted.sort_by_key(|one| one.get(8..44).map(<[u8]>::to_vec));
            sorted
        };
        // Flows may overtake each other, packets of one flow may not; PSH may move to the last of what was merged.
        assert_eq!(by_flow(&again), by_flow(&sent), "seed {seed}");
    }
}

#[test]
fn a_wrong_checksum_is_never_made_right() {
    for seed in 0..300 {
        let mut random = Random(5_000 + seed);
        let protocol = [TCP, UDP][random.below(2)];
        let (vnet, bytes, _) = train(&mut random, protocol);
        let mut parts = parts_of(&vnet, &bytes);
        let which = random.below(parts.len());
        let at = parts[which].len() - 1;
        parts[which][at] ^= 1;
        let bad = parts[which].clone();
        let mut written: Vec<Vec<u8>> = Vec::new();
        let mut write = |bytes: &[u8]| {
            written.push(bytes.to_vec());
            true
        };
        let mut merger = Merger::new(Abilities { tcp: true, udp: true });
        for part in &parts {
            merger.push(part, &mut write);
        }
        merger.flush(&mut write);
        let as_it_was = written.iter().filter(|one| one[VNET..] == bad[..]).count();
        assert_eq!(as_it_was, 1, "seed {seed}: it goes alone and unchanged");
    }
}

#[test]
fn no_bytes_at_all_make_it_panic() {
    let mut random = Random(9);
    for _ in 0..20_000 {
        let count = random.below(200);
        let mut bytes = random.bytes(count);
        if let Some(first) = bytes.first_mut() {
            *first = 0x60;
        }
        let vnet = Vnet {
            flags: random.next() as u8,
            gso_type: [0, 1, 4, 5, 0x84][random.below(5)],
            hdr_len: random.next() as u16,
            gso_size: random.below(80) as u16,
            csum_start: random.below(120) as u16,
            csum_offset: random.below(40) as u16,
        };
        let mut merger = Merger::new(Abilities { tcp: true, udp: true });
        merger.push(&bytes, &mut |_| true);
        let _ = split::split(&vnet, &mut bytes, |_| {});
        merger.push(&bytes, &mut |_| true);
        merger.flush(&mut |_| true);
    }
}
