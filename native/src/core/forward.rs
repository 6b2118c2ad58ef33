//! Where inner packets go, as `src/plane/portable/forwarding.ts`. The first check that fails drops the packet, counts it,
//! and perhaps tells its source in ICMPv6.
use super::drops::Reason;
use super::fib::{address_at, Hop};
use super::icmp6::{self, Pongs};
use super::ip6;
use super::link::Link;
use super::outgoing::Out;
use super::Core;
use crate::world::{Event, Instant, LinkId, World};

const OUR_SPACE: u8 = 0xfc;
const SERVICE_SPACE: u8 = 0xfc;

impl Core {
    /// `packet` is exactly one IPv6 packet; its hop limit may be changed.
    #[inline]
    pub(super) fn packet_from_link(
        &mut self,
        world: &mut impl World,
        now: Instant,
        from: LinkId,
        packet: &mut [u8],
    ) {
        if let Some(reason) = self.refusal(from, packet) {
            self.drops.count(reason);
            return;
        }
        let hop = self.fib.lookup(address_at(packet, ip6::DESTINATION));
        let hop_limit = packet[ip6::HOP_LIMIT];
        let out = match hop {
            Hop::Local => {
                self.deliver(world, now, packet);
                return;
            }
            Hop::Link(out) if self.links.contains_key(&out) => Some(out),
            _ => None,
        };
        if hop_limit <= 1 {
            self.refuse(world, now, packet, Reason::HopLimit, icmp6::HOP_LIMIT_EXCEEDED);
        } else if out.is_none() {
            self.refuse(world, now, packet, Reason::NoRoute, icmp6::NO_ROUTE);
        } else if out == Some(from) {
            self.drops.count(Reason::Loop);
        } else if !self.transit {
            self.refuse(world, now, packet, Reason::NoTransit, icmp6::PROHIBITED);
        } else if let Some(out) = out.filter(|out| self.may_leave(world, now, *out, packet)) {
            packet[ip6::HOP_LIMIT] = hop_limit - 1;
            self.send_in_turn(world, now, out, packet);
        }
    }

    /// One packet as the kernel routed it to us, without anything behind it: the kernel was the first router, so the hop
    /// limit stays.
    pub fn tun_packet(&mut self, world: &mut impl World, now: Instant, packet: &[u8]) {
        if let Some(packet) = self.own_packet(packet) {
            self.packet_from_here(world, now, packet, false);
        }
    }

    /// Our control code's packet; answers to its echo come up as `pong`.
    pub(super) fn inject(&mut self, world: &mut impl World, now: Instant, packet: &[u8]) {
        let Some(packet) = self.own_packet(packet) else { return };
        self.pongs.expect(now, packet);
        self.packet_from_here(world, now, packet, true);
    }

    /// Why a packet that came over a link goes no further; None when it may.
    fn refusal(&self, from: LinkId, packet: &[u8]) -> Option<Reason> {
        let link = self.links.get(&from)?;
        let source = address_at(packet, ip6::SOURCE);
        if !link.carries_packets() {
            Some(Reason::UnprovenLink)
        } else if ip6::is_martian(source) {
            Some(Reason::MartianSource)
        } else if ip6::is_martian(address_at(packet, ip6::DESTINATION)) {
            Some(Reason::MartianDestination)
        } else if !self.may_send(link, source) {
            Some(Reason::WrongSource)
        } else {
            None
        }
    }

    fn may_send(&self, link: &Link, source: u128) -> bool {
        let route = self.fib.lookup(source);
        if link.settings.prefixes.is_some() {
            return route == Hop::Link(link.id);
        }
        if route == Hop::Local {
            return false;
        }
        let first = (source >> 120) as u8;
        if !link.settings.own_sources_only {
            return first & 0xfe == OUR_SPACE && route != Hop::None;
        }
        if first == SERVICE_SPACE {
            return self.fib.lookup_host(source) == Hop::Link(link.id);
        }
        link.settings.peer.is_some_and(|peer| address_at(&peer, 0) >> 64 == source >> 64)
    }

    /// The packet without anything behind it, if it is one that may leave this node; else it is counted.
    #[inline]
    fn own_packet<'a>(&mut self, packet: &'a [u8]) -> Option<&'a [u8]> {
        let Some(length) = ip6::packet_length(packet) else {
            let is_ip6 = packet.first().is_some_and(|first| first >> 4 == 6);
            self.drops.count(if is_ip6 { Reason::Malformed } else { Reason::NotIp6 });
            return None;
        };
        let source = address_at(packet, ip6::SOURCE);
        let reason = if ip6::is_martian(source) {
            Reason::MartianSource
        } else if ip6::is_martian(address_at(packet, ip6::DESTINATION)) {
            Reason::MartianDestination
        } else if self.fib.lookup(source) != Hop::Local {
            Reason::WrongSource
        } else {
            return Some(&packet[..length]);
        };
        self.drops.count(reason);
        None
    }

    fn packet_from_here(
        &mut self,
        world: &mut impl World,
        now: Instant,
        packet: &[u8],
        is_injected: bool,
    ) {
        match self.fib.lookup(address_at(packet, ip6::DESTINATION)) {
            Hop::Local => self.packet_to_self(world, now, packet, is_injected),
            Hop::Link(out) if self.links.contains_key(&out) => {
                if self.may_leave(world, now, out, packet) {
                    self.send(world, now, out, packet);
                }
            }
            _ => self.refuse(world, now, packet, Reason::NoRoute, icmp6::NO_ROUTE),
        }
    }

    /// The kernel sends us what it knows no host for in our own prefix. An echo of our own control code is answered here.
    fn packet_to_self(
        &mut self,
        world: &mut impl World,
        now: Instant,
        packet: &[u8],
        is_injected: bool,
    ) {
        if !is_injected {
            self.refuse(world, now, packet, Reason::Loop, icmp6::ADDRESS_UNREACHABLE);
        } else if let Some(reply) = Pongs::answer_own(packet) {
            self.emit(world, Event::Pong { packet: &reply });
        } else {
            self.deliver(world, now, packet);
        }
    }

    #[inline]
    pub(super) fn send(
        &mut self,
        world: &mut impl World,
        now: Instant,
        out: LinkId,
        packet: &[u8],
    ) {
        if let Some(link) = self.links.get_mut(&out) {
            link.mark_dirty(&mut self.dirty);
            Out { world, drops: &mut self.drops, now }.send(link, packet);
        }
    }

    #[inline]
    fn may_leave(
        &mut self,
        world: &mut impl World,
        now: Instant,
        out: LinkId,
        packet: &[u8],
    ) -> bool {
        let Some(link) = self.links.get(&out) else { return false };
        if !link.carries_packets() {
            self.drops.count(Reason::UnprovenLink);
            return false;
        }
        let mtu = link.settings.mtu;
        if packet.len() <= mtu {
            return true;
        }
        self.refuse(world, now, packet, Reason::TooBig, icmp6::too_big(mtu as u32));
        false
    }

    #[inline]
    fn deliver(&mut self, world: &mut impl World, now: Instant, packet: &[u8]) {
        if self.pongs.is_answer(now, packet) {
            self.emit(world, Event::Pong { packet });
        } else if !world.deliver(packet) {
            self.drops.count(Reason::TunFull);
        }
    }

    fn refuse(
        &mut self,
        world: &mut impl World,
        now: Instant,
        packet: &[u8],
        reason: Reason,
        error: icmp6::Error,
    ) {
        self.drops.count(reason);
        let Some(own) = self.own else { return };
        if !icmp6::may_answer(packet) || !self.icmp_tokens.take(now) {
            return;
        }
        let answer = icmp6::error_packet(error, &own, packet);
        self.originate(world, now, &answer);
    }

    /// A packet of our own making; nothing is ever said about it.
    fn originate(&mut self, world: &mut impl World, now: Instant, packet: &[u8]) {
        match self.fib.lookup(address_at(packet, ip6::DESTINATION)) {
            Hop::Local => self.deliver(world, now, packet),
            Hop::Link(out) => match self.links.get(&out).map(Link::carries_packets) {
                None => self.drops.count(Reason::NoRoute),
                Some(false) => self.drops.count(Reason::UnprovenLink),
                Some(true) => self.send(world, now, out, packet),
            },
            Hop::None => self.drops.count(Reason::NoRoute),
        }
    }
}
