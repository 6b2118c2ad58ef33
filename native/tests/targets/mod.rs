//! One episode of each target: a world, some inputs, and what must hold whatever they were.
use crate::mutate::Random;
use alamesh_plane::core::blake2s;
use alamesh_plane::core::gate::GateKeys;
use alamesh_plane::core::session::{Cipher, Keypair, Session, HEADER, OVERHEAD};
use alamesh_plane::core::{Core, From};
use alamesh_plane::host::{Carrier, Host};
use alamesh_plane::memory::MemoryHost;
use alamesh_plane::offload::merge::{Abilities, Merger};
use alamesh_plane::offload::{split, Vnet, VNET};
use alamesh_plane::sys::control::{self, Heard};
use alamesh_plane::sys::udp::Ends;

const INPUTS: usize = 200;
const PATH: u32 = 7;
const OTHER_PATH: u32 = 8;
const LINK: u32 = 1;
const OTHER_LINK: u32 = 2;
const INDEX: u32 = 0x0102_0304;
const ROOM: usize = 1_420;
const NONE: u32 = u32::MAX;

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn blob(bytes: &[u8]) -> Vec<u8> {
    [words(&[bytes.len() as u32]), bytes.to_vec()].concat()
}

fn node(last: u8) -> [u8; 16] {
    [0xfd, 0xa1, 0, 0, 0, 0, 0, last, 0, 0, 0, 0, 0, 0, 0, last]
}

fn prefix(of: u8, length: u8) -> Vec<u8> {
    [&node(of)[..], &[length]].concat()
}

fn local() -> Vec<u8> {
    [&[1][..], &node(1), &[1], &words(&[1]), &prefix(1, 64)].concat()
}

fn link(id: u32, peer: u8) -> Vec<u8> {
    let head = words(&[id, PATH, ROOM as u32, 20_000]);
    [&[2][..], &head, &[0, 1], &node(peer), &[0], &words(&[0])].concat()
}

fn stock_link(id: u32, peer: u8) -> Vec<u8> {
    let head = words(&[id, PATH, ROOM as u32, 1_400]);
    let none = [0; 16];
    [&[2][..], &head, &[0, 0], &none, &[1], &words(&[1]), &prefix(peer, 64)].concat()
}

fn keypair(link: u32, index: u32, is_aes: bool) -> Vec<u8> {
    let times = [0.0_f64.to_le_bytes(), 180_000.0_f64.to_le_bytes()].concat();
    let keys = [5; 64];
    [&[4][..], &words(&[link, index, 99]), &keys, &[1], &times, &[u8::from(is_aes)]].concat()
}

fn routes() -> Vec<u8> {
    let one = [prefix(2, 64), words(&[LINK])].concat();
    let two = [prefix(3, 64), words(&[OTHER_LINK])].concat();
    let gone = [prefix(9, 48), words(&[NONE])].concat();
    [vec![6], words(&[3]), one, two, gone].concat()
}

/// An IPv6 packet with a right length.
fn packet(random: &mut Random, [from, to]: [u8; 2], protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![0x60, random.next() as u8 & 0x3f, 0, 7];
    out.extend_from_slice(&(payload.len() as u16).to_be_bytes());
    out.extend_from_slice(&[protocol, 64]);
    out.extend_from_slice(&node(from));
    out.extend_from_slice(&node(to));
    out.extend_from_slice(payload);
    out
}

/// Echoes, errors about them, extension headers, fragments, TCP, UDP, and a hop limit that ends.
fn packets(random: &mut Random, way: [u8; 2]) -> Vec<Vec<u8>> {
    let echo = packet(random, way, 58, &[128, 0, 1, 2, 0, 9, 0, 1, 1, 2, 3, 4]);
    let error = [&[1, 0, 0, 0, 0, 0, 0, 0][..], &echo].concat();
    let hop_by_hop = [&[58, 0, 5, 2, 0, 0, 1, 0][..], &[128, 0, 1, 2, 0, 9, 0, 1]].concat();
    let chain: Vec<u8> = (0..9).flat_map(|_| [60, 0, 1, 4, 0, 0, 0, 0]).collect();
    let fragment = [&[17, 0, 0, 0x81, 0, 0, 0, 1][..], &[0; 32]].concat();
    let tcp =
        [&[1, 2, 3, 4, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x10, 1, 1, 0, 0, 0, 0][..], &[7; 900][..]];
    let mut dying = packet(random, way, 17, &[0; 300]);
    dying[7] = 1;
    let large = vec![3; *random.pick(&[1_300, 1_388, 1_389, 5_000, 5_500, 19_000])];
    vec![
        echo,
        packet(random, way, 58, &error),
        packet(random, way, 0, &hop_by_hop),
        packet(random, way, 60, &chain),
        packet(random, way, 44, &fragment),
        packet(random, way, 6, &tcp.concat()),
        dying,
        packet(random, way, 17, &large),
        packet(random, way, 59, &[]),
    ]
}

fn setup() -> Vec<u8> {
    [local(), link(LINK, 2), link(OTHER_LINK, 3), routes()].concat()
}

fn commands_corpus(random: &mut Random) -> Vec<Vec<u8>> {
    let injected = packets(random, [1, 2]).remove(0);
    vec![
        local(),
        link(LINK, 2),
        stock_link(OTHER_LINK, 3),
        keypair(LINK, INDEX, true),
        keypair(OTHER_LINK, 77, false),
        routes(),
        [&[3][..], &words(&[OTHER_LINK])].concat(),
        [&[5][..], &words(&[LINK])].concat(),
        [&[7][..], &words(&[LINK, NONE]), &blob(&[0xa0; 40])].concat(),
        [&[8][..], &words(&[PATH]), &blob(&[1; 148])].concat(),
        [&[9][..], &words(&[LINK])].concat(),
        [&[10][..], &blob(&injected)].concat(),
    ]
}

fn memory(random: &mut Random) -> MemoryHost {
    let mut host = MemoryHost::new(random.next());
    host.set_path(PATH, Some(ROOM));
    host.set_path(OTHER_PATH, Some(600));
    host.apply(0.0, &setup());
    host.apply(0.0, &keypair(LINK, INDEX, random.chance(2)));
    host
}

/// Ends a pass, as a host would.
fn end_pass(host: &mut MemoryHost, now: f64) {
    host.flush(now);
    host.take_sent();
    host.take_tun();
    host.take_events();
}

pub fn commands(random: &mut Random) -> usize {
    let corpus = commands_corpus(random);
    let mut host = memory(random);
    let passing = packets(random, [1, 2]);
    for i in 0..INPUTS {
        let now = i as f64 * 50.0;
        let batch: Vec<u8> = (0..4).flat_map(|_| random.mutated(&corpus)).collect();
        host.apply(now, &batch);
        host.tun_packet(now, random.pick::<Vec<u8>>(&passing));
        end_pass(&mut host, now);
    }
    INPUTS
}

fn handshakes() -> Vec<Vec<u8>> {
    let sized = |kind: u8, bytes: usize| {
        let mut message = vec![kind; bytes];
        message[1..4].fill(0);
        message
    };
    let mut data = sized(4, 96);
    data[4..8].copy_from_slice(&INDEX.to_le_bytes());
    data[8..16].fill(0);
    vec![sized(1, 148), sized(2, 92), sized(3, 64), data, sized(4, 32)]
}

pub fn wire(random: &mut Random) -> usize {
    let corpus = handshakes();
    let mut host = memory(random);
    let delivered = |host: &MemoryHost| host.core().link(LINK).map_or(0, |l| l.counters.rx_packets);
    for i in 0..INPUTS {
        let mut datagram = random.mutated(&corpus);
        host.datagram(i as f64, PATH, &mut datagram);
        end_pass(&mut host, i as f64);
    }
    assert_eq!(delivered(&host), 0, "nothing that was not sealed for us is taken");
    INPUTS
}

/// The other end of `LINK`, which has the keys and bad intentions.
struct Peer {
    session: Session,
}

impl Peer {
    fn new(cipher: Cipher) -> Peer {
        let session = Session::new(&Keypair {
            local_index: 99,
            remote_index: INDEX,
            send_key: [5; 32],
            receive_key: [5; 32],
            initiator: true,
            created_at: 0.0,
            reject_after_msec: 180_000.0,
            cipher,
        });
        Peer { session }
    }

    fn seal(&mut self, payload: &[u8]) -> Vec<u8> {
        let mut datagram = vec![0; OVERHEAD + payload.len()];
        datagram[HEADER..HEADER + payload.len()].copy_from_slice(payload);
        self.session.seal(&mut datagram);
        datagram
    }
}

/// Sealed payloads of `make` to one host; each is authentic, so each must be counted as such.
fn sealed(random: &mut Random, mut make: impl FnMut(&mut Random) -> Vec<u8>) -> usize {
    let is_aes = random.chance(2);
    let mut host = MemoryHost::new(random.next());
    host.set_path(PATH, Some(ROOM));
    host.set_path(OTHER_PATH, Some(600));
    host.apply(0.0, &[setup(), keypair(LINK, INDEX, is_aes)].concat());
    host.apply(0.0, &[keypair(OTHER_LINK, 5, is_aes), vec![9], words(&[LINK])].concat());
    let mut peer = Peer::new(if is_aes { Cipher::Aes256Gcm } else { Cipher::ChaCha20Poly1305 });
    for i in 0..INPUTS {
        let now = i as f64 * 20.0;
        let mut payload = make(random);
        payload.truncate(65_000);
        let mut datagram = peer.seal(&payload);
        host.datagram(now, if random.chance(9) { OTHER_PATH } else { PATH }, &mut datagram);
        end_pass(&mut host, now);
    }
    let taken = host.core().link(LINK).map_or(0, |link| link.counters.rx_packets);
    assert_eq!(taken, INPUTS as u64);
    INPUTS
}

pub fn inner(random: &mut Random) -> usize {
    let corpus: Vec<Vec<u8>> = [[2, 1], [2, 3], [3, 1], [2, 9], [2, 2]]
        .into_iter()
        .flat_map(|way| packets(random, way))
        .chain([vec![0xa0; 30], vec![0xa1; 1], vec![0x45; 40], vec![0; 16]])
        .collect();
    sealed(random, |random| random.mutated(&corpus))
}

pub fn parts(random: &mut Random) -> usize {
    let mut parts = Vec::new();
    for whole in packets(random, [2, 1]).into_iter().chain(packets(random, [2, 3])) {
        let id = random.next() as u16;
        let total = whole.len().div_ceil(1_300).clamp(2, 4);
        for (index, part) in whole.chunks(whole.len().div_ceil(total)).enumerate() {
            let mut payload = vec![0xa3, (index << 4 | total) as u8];
            payload.extend_from_slice(&id.to_be_bytes());
            payload.extend_from_slice(part);
            parts.push(payload);
        }
    }
    let mut next = 0;
    sealed(random, |random| {
        next += 1;
        if random.chance(2) {
            return parts[next % parts.len()].clone();
        }
        let mut part = random.mutated(&parts);
        if let Some(first) = part.first_mut() {
            *first = 0xa3;
        }
        part
    })
}

pub fn tun(random: &mut Random) -> usize {
    let corpus: Vec<Vec<u8>> =
        [[1, 2], [1, 3], [1, 1], [1, 9]].into_iter().flat_map(|way| packets(random, way)).collect();
    let mut host = memory(random);
    for i in 0..INPUTS {
        let now = i as f64 * 10.0;
        let packet = random.mutated(&corpus);
        host.set_blocked(random.chance(10));
        host.tun_packet(now, &packet);
        end_pass(&mut host, now);
    }
    INPUTS
}

fn reads(random: &mut Random) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    for (kind, protocol, field) in [(0, 6, 16), (4, 6, 16), (5, 17, 6), (0x84, 6, 16)] {
        let mut upper = vec![0; 20 + 4_000];
        upper[12] = 0x50;
        upper[13] = 0x18;
        let packet = packet(random, [1, 2], protocol, &upper);
        let mut read = vec![0; VNET];
        let size = 900 + random.below(500) as u16;
        Vnet {
            flags: 1,
            gso_type: kind,
            hdr_len: 60,
            gso_size: size,
            csum_start: 40,
            csum_offset: field,
        }
        .write(&mut read);
        read.extend_from_slice(&packet);
        out.push(read);
    }
    out
}

pub fn split_reads(random: &mut Random) -> usize {
    let corpus = reads(random);
    for _ in 0..INPUTS {
        let mut read = random.mutated(&corpus);
        let Some((head, rest)) = read.split_first_chunk_mut::<VNET>() else { continue };
        let bytes = rest.len();
        let (mut count, mut longest) = (0, 0);
        let _ = split::split(&Vnet::read(head), rest, |packet| {
            count += 1;
            longest = longest.max(packet.len());
        });
        assert!(longest <= bytes, "no packet is longer than what was read");
        assert!(count <= bytes.max(1), "every packet takes something of it");
    }
    INPUTS
}

pub fn merge_trains(random: &mut Random) -> usize {
    let mut corpus = packets(random, [2, 1]);
    for read in reads(random) {
        let mut read = read;
        let Some((head, rest)) = read.split_first_chunk_mut::<VNET>() else { continue };
        let _ = split::split(&Vnet::read(head), rest, |packet| corpus.push(packet.to_vec()));
    }
    let (tcp, udp) = (!random.chance(5), !random.chance(5));
    let mut merger = Merger::new(Abilities { tcp, udp });
    let (mut pushed, mut written, mut refused) = (0, 0, 0);
    for i in 0..INPUTS {
        let packet =
            if i % 3 == 0 { random.mutated(&corpus) } else { corpus[i % corpus.len()].clone() };
        pushed += packet.len();
        let takes = !random.chance(20);
        let mut write = |bytes: &[u8]| {
            written += bytes.len() - VNET;
            takes
        };
        refused += merger.push(&packet, &mut write);
        if random.chance(20) {
            refused += merger.flush(&mut write);
        }
    }
    refused += merger.flush(&mut |bytes| {
        written += bytes.len() - VNET;
        true
    });
    assert!(written <= pushed, "nothing is made up");
    assert!(refused <= INPUTS);
    INPUTS
}

/// As the kernel writes them: UDP_GRO, IPV6_TCLASS, IPV6_PKTINFO, IP_TOS, IP_PKTINFO.
fn control_corpus() -> Vec<Vec<u8>> {
    let message = |level: i32, kind: i32, data: &[u8]| {
        let length = size_of::<usize>() + 8 + data.len();
        let mut out = length.to_ne_bytes().to_vec();
        out.extend_from_slice(&level.to_ne_bytes());
        out.extend_from_slice(&kind.to_ne_bytes());
        out.extend_from_slice(data);
        out.resize(length.next_multiple_of(size_of::<usize>()), 0);
        out
    };
    let info = [&node(4)[..], &3_i32.to_ne_bytes()].concat();
    let gro = message(17, 104, &1_372_i32.to_ne_bytes());
    let class = message(libc::IPPROTO_IPV6, libc::IPV6_TCLASS, &3_i32.to_ne_bytes());
    let info6 = message(libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, &info);
    let tos = message(libc::IPPROTO_IP, libc::IP_TOS, &[1]);
    let info4 = message(libc::IPPROTO_IP, libc::IP_PKTINFO, &[1, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 1]);
    vec![[gro.clone(), class, info6].concat(), [gro, tos, info4].concat(), vec![0; 128]]
}

pub fn control_messages(random: &mut Random) -> usize {
    let corpus = control_corpus();
    let mut known = Heard { ends: Ends::default(), segment: 9, ecn: 0 };
    control::read(&corpus[0], &mut known);
    assert_eq!((known.segment, known.ecn, known.ends.local), (1_372, 3, node(4)));
    control::read(&corpus[1], &mut known);
    assert_eq!(known.ecn, 1);
    assert_eq!(&known.ends.local[10..], &[0xff, 0xff, 10, 0, 0, 1]);
    for _ in 0..INPUTS {
        let bytes = random.mutated(&corpus);
        let mut heard = Heard { ends: Ends::default(), segment: 1_500, ecn: 0 };
        control::read(&bytes, &mut heard);
        assert!(heard.segment >= 1 && heard.ecn <= 3);
    }
    INPUTS
}

/// With a right MAC1, if it is long enough for one.
fn marked(keys: &GateKeys, mut message: Vec<u8>) -> Vec<u8> {
    if let Some(at) = message.len().checked_sub(32) {
        let mac = blake2s::mac(&keys.mac1, &message[..at]);
        message[at..at + 16].copy_from_slice(&mac);
    }
    message
}

/// The world of a router without a socket and a TUN: every send fails, every path comes and goes.
pub fn host(random: &mut Random) -> usize {
    let mut core = Core::new(random.next());
    let mut host = Host::default();
    let ends = |last: u8| Ends { remote: node(last), port: 9, ..Ends::default() };
    host.set_path(PATH, Carrier::Udp, ROOM, ends(1));
    host.set_path(OTHER_PATH, Carrier::External, ROOM, ends(2));
    let apply = |core: &mut Core, host: &mut Host, bytes: &[u8]| {
        let mut reader = alamesh_plane::codec::Reader::new(bytes);
        while let Some(kind) = reader.u8() {
            let Some(command) = alamesh_plane::codec::command(kind, &mut reader) else { return };
            core.apply(host, 1.0, command);
        }
    };
    apply(&mut core, &mut host, &[setup(), keypair(LINK, INDEX, false)].concat());
    let keys = GateKeys { mac1: [7; 32], cookie: [9; 32] };
    core.guard_handshakes(keys);
    let mut corpus: Vec<Vec<u8>> = handshakes().into_iter().map(|one| marked(&keys, one)).collect();
    let mut peer = Peer::new(Cipher::ChaCha20Poly1305);
    let passing = packets(random, [1, 2]);
    let reads = reads(random);
    for i in 0..INPUTS {
        host.now = i as f64;
        let stranger = ends(random.next() as u8);
        let path = host.path_from(stranger);
        let sealed = peer.seal(&[0xa0; 20]);
        corpus.push(sealed);
        let mut datagram = random.mutated(&corpus);
        if random.chance(2) {
            datagram = marked(&keys, datagram);
        }
        core.datagram(&mut host, i as f64, From { path, ecn: 0 }, &mut datagram);
        for _ in 0..random.below(400) {
            core.tun_packet(&mut host, i as f64, random.pick::<Vec<u8>>(&passing));
        }
        for _ in 0..random.below(9) {
            let read = random.mutated(&reads);
            let mut buffer = core.read_buffer();
            let length = read.len().min(buffer.len());
            buffer[..length].copy_from_slice(&read[..length]);
            core.read_from_tun(i as f64, buffer, length, random.chance(2));
        }
        core.serve(&mut host, i as f64, random.below(200_000));
        if random.chance(10) {
            host.remove_path(*random.pick(&[PATH, OTHER_PATH, path]));
        }
        host.flush();
        core.flush(i as f64);
        host.events.bytes.clear();
    }
    INPUTS
}
