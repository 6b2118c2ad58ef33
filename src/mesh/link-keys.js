/** Which keys of one link may be used, and when the Noise session must look at its traffic. The keys are the plane's. */
import { after } from '../base/time.js';
/** Ours: between two looks while only control traffic flows. */
const LOOK_EVERY_MSEC = 5_000;
export class LinkKeys {
    lastHandshakeAt;
    #ctx;
    #link;
    #usable;
    /** We answered; the peer has not used it yet. */
    #unconfirmed;
    #lookedAt;
    #lookAt;
    constructor(ctx, link) {
        this.#ctx = ctx;
        this.#link = link;
    }
    /** @returns whether it may be used at once. */
    install(now, keypair) {
        const { localIndex, rejectAfterMsec, initiator } = keypair;
        const key = { localIndex, until: after(now, rejectAfterMsec) };
        this.lastHandshakeAt = now;
        if (initiator)
            this.#usable = key;
        else
            this.#unconfirmed = key;
        return initiator;
    }
    /** The first packet came under a key. @returns whether that makes one usable. */
    confirm(now, localIndex) {
        this.#ctx.noise.handleConfirmed(now, this.#link, localIndex);
        if (this.#unconfirmed?.localIndex !== localIndex)
            return false;
        this.#usable = this.#unconfirmed;
        this.#unconfirmed = undefined;
        return true;
    }
    isUsable(now) {
        return this.#usable !== undefined && now < this.#usable.until;
    }
    get usableUntil() {
        return this.#usable?.until;
    }
    forget() {
        this.#usable = undefined;
        this.#unconfirmed = undefined;
        this.#lookAt = undefined;
    }
    /** Control payloads keep a link busy that carries nothing else: its key is replaced all the same. */
    lookSometimes(now, counters) {
        const last = this.#lookedAt;
        if (last === undefined || now - last >= LOOK_EVERY_MSEC)
            this.look(now, counters());
    }
    look(now, counters) {
        this.#lookedAt = now;
        this.#lookAt = this.#ctx.noise.handleTraffic(now, this.#link, counters);
    }
    /** When to `look` again. */
    nextLook() {
        return this.#lookAt;
    }
}
