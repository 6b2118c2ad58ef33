export const MESH_DEFAULTS = {
    probeIntervalMsec: 1000,
    probeCount: 3,
    idleProbeMsec: 25_000,
};
