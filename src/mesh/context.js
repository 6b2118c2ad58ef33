/** What the parts of one mesh share. */
import { toHex } from '../base/bytes.js';
export const keyName = (key) => toHex(key);
export function log(ctx, level, message) {
    ctx.emit({ kind: 'event', event: { kind: 'log', level, message } });
}
/** `msec` ± `share` of it. */
export function jittered(ctx, msec, share = 0.1) {
    const span = Math.max(1, Math.floor(2 * share * msec));
    return msec - span / 2 + ctx.options.entropy.below(span + 1);
}
export function newLinkCounters() {
    const never = 0;
    return {
        ...{ rxPackets: 0, rxBytes: 0, txPackets: 0, txBytes: 0, rxData: 0, txData: 0 },
        ...{ lastRxAt: never, lastTxAt: never, lastDataRxAt: never, lastDataTxAt: never },
        ...{ unansweredSinceAt: never, rxLost: 0, keyMessages: 0, splitTx: 0, joinedRx: 0 },
    };
}
export function newMeshCounters() {
    return {
        ...{ strangers: 0, malformedControl: 0, malformedMessages: 0, controlFlood: 0 },
        ...{ staleSegments: 0, malformedBeacons: 0, foreignBeacons: 0, beaconFlood: 0 },
        ...{ refusedHellos: 0 },
    };
}
