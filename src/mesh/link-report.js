/** Ours: a change of RTT that is worth telling, and how often. */
const CHANGED_SHARE = 0.25;
const CHANGED_MSEC = 2;
const CHANGED_EVERY_MSEC = 10_000;
export class LinkReport {
    #ctx;
    #link;
    #told;
    constructor(ctx, link) {
        this.#ctx = ctx;
        this.#link = link;
    }
    up(now, who, facts) {
        this.#told = { ...facts, at: now };
        const rttMsec = facts.rttMsec;
        const { mtu, transport } = facts;
        const event = { kind: 'up', link: this.#link, ...who, rttMsec, mtu, transport };
        this.#ctx.emit({ kind: 'link', event });
    }
    changed(now, facts) {
        const told = this.#told;
        if (told === undefined)
            return;
        const isOther = facts.mtu !== told.mtu || facts.transport !== told.transport;
        if (!isOther && !(rttMatters(told.rttMsec, facts.rttMsec) && isLongAgo(told.at, now)))
            return;
        this.#told = { ...facts, at: now };
        this.#ctx.emit({ kind: 'link', event: { kind: 'changed', link: this.#link, ...facts } });
    }
    received(message) {
        this.#ctx.emit({ kind: 'link', event: { kind: 'received', link: this.#link, message } });
    }
    writable() {
        if (this.#told === undefined)
            return;
        this.#ctx.emit({ kind: 'link', event: { kind: 'writable', link: this.#link } });
    }
    /** Nothing when alanet knows of no link. */
    down(reason) {
        if (this.#told === undefined)
            return;
        this.#told = undefined;
        this.#ctx.emit({ kind: 'link', event: { kind: 'down', link: this.#link, reason } });
    }
    monitor(line) {
        this.#ctx.emit({ kind: 'event', event: { kind: 'link', link: this.#link, ...line } });
    }
}
const isLongAgo = (at, now) => now - at >= CHANGED_EVERY_MSEC;
function rttMatters(told, measured) {
    const change = Math.abs(measured - told);
    return change >= CHANGED_MSEC && change >= told * CHANGED_SHARE;
}
