/** When a path is suspected and when it is dead: one pure function, like BFD in demand mode (RFC 5880 §6.6). */
import { after } from '../base/time.js';
/** Ours: fast probes in one interval, so that a link which loses every third packet is not taken for dead. */
const PROBES_PER_INTERVAL = 6;
/**
 * Dead when nothing was heard for `count` intervals, as long as the first unanswered thing is nearly as old: half an
 * interval is allowed for the pause between two sends.
 */
export function judgeSilence(view) {
    const { now, heardAt, demandAt, intervalMsec, count } = view;
    if (demandAt === undefined)
        return { kind: 'calm' };
    const patience = Math.max(count * intervalMsec, intervalMsec + 2 * (view.rttMsec ?? 0));
    const deadAt = Math.max(heardAt + patience, demandAt + patience - intervalMsec / 2);
    if (now >= deadAt)
        return { kind: 'dead' };
    const suspectAt = Math.max(heardAt, demandAt) + intervalMsec;
    if (now < suspectAt)
        return { kind: 'wait', at: Math.min(suspectAt, deadAt) };
    const next = after(now, intervalMsec / PROBES_PER_INTERVAL);
    return { kind: 'probe', at: Math.min(next, deadAt) };
}
