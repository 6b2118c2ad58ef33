/** The first message each way on a new control channel: it binds the session's static key to a node. */
import { formatNodeId } from '../base/ip6.js';
import { bad, good } from '../base/result.js';
import { verifyNode } from '../identity/records.js';
export const HELLO_VERSION = 1;
/** @param observed The receiver's endpoint as we see it, empty when unknown. */
export function makeHello(ctx, observed) {
    const { realm, name, identity } = ctx.options;
    return {
        kind: 'hello',
        version: HELLO_VERSION,
        ...{ realm, name, observed },
        node: identity.nodeRecord(),
        bootId: ctx.bootId,
        candidates: ctx.ownCandidates(),
        capabilities: [],
    };
}
/** @returns who it is, or in words why we do not link with it. */
export function checkHello(ctx, hello, expected) {
    const { crypto, realm, work, wall, identity } = ctx.options;
    if (hello.version !== HELLO_VERSION) {
        return bad(`version ${hello.version}, ours is ${HELLO_VERSION}`);
    }
    if (hello.realm !== realm)
        return bad(`realm ${hello.realm}, ours is ${realm}`);
    const nowSeconds = Math.floor(wall(expected.now) / 1000);
    const node = verifyNode(crypto, hello.node, { realm, work, nowSeconds, noiseKey: expected.key });
    if (!node.ok)
        return bad(`its node record is refused: ${node.error}`);
    const { id, body } = node.value;
    if (id === identity.id)
        return bad('it has our own identity');
    if (expected.id !== undefined && expected.id !== id) {
        return bad(`it is ${formatNodeId(id)}, expected ${formatNodeId(expected.id)}`);
    }
    return good({ id, body });
}
