import { controlContract } from './control.js';
import { forwardingContract } from './forwarding.js';
import type { MakePlane } from './harness.js';
import { icmpContract } from './icmp.js';
import { sessionContract } from './sessions.js';

/** What every plane does, portable or native: bytes in, bytes out. */
export function planeContract(name: string, make: MakePlane): void {
  describe(`plane contract: ${name}`, () => {
    describe('sessions', () => sessionContract(make));
    describe('forwarding', () => forwardingContract(make));
    describe('ICMPv6', () => icmpContract(make));
    describe('control', () => controlContract(make));
  });
}
