/** Places the nodes of a graph on a plane; equal graphs get equal pictures. */

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Ours: enough for 40 nodes to come to rest. */
const STEPS = 400;

/**
 * Fruchterman and Reingold's forces (Software: Practice and Experience 21, 1991), begun from a
 * circle in the order of a walk through the graph, so that rings stay rings; no randomness.
 * @param links Pairs of indices into 0..count-1.
 * @returns One point a node, within 0..1 in both directions.
 */
export function layOut(count: number, links: readonly (readonly [number, number])[]): Point[] {
  const x = new Float64Array(count);
  const y = new Float64Array(count);
  walkOrder(count, links).forEach((node, i) => {
    const angle = (2 * Math.PI * i) / count - Math.PI / 2;
    x[node] = Math.cos(angle);
    y[node] = Math.sin(angle);
  });
  const wanted = Math.sqrt(4 / Math.max(count, 1));
  for (let step = 0; step < STEPS; step += 1)
    relax({ x, y, links, wanted, heat: 0.2 * (1 - step / STEPS) });
  return stretch(x, y);
}

function walkOrder(count: number, links: readonly (readonly [number, number])[]): number[] {
  const near: number[][] = Array.from({ length: count }, () => []);
  for (const [a, b] of links) {
    near[a]?.push(b);
    near[b]?.push(a);
  }
  const seen = new Set<number>();
  const visit = (node: number): void => {
    if (seen.has(node)) return;
    seen.add(node);
    for (const other of near[node] ?? []) visit(other);
  };
  for (let node = 0; node < count; node += 1) visit(node);
  return [...seen];
}

interface Forces {
  readonly x: Float64Array;
  readonly y: Float64Array;
  readonly links: readonly (readonly [number, number])[];
  /** The distance that neighbors should have. */
  readonly wanted: number;
  /** How far a node may move in this step. */
  readonly heat: number;
}

function relax({ x, y, links, wanted, heat }: Forces): void {
  const dx = new Float64Array(x.length);
  const dy = new Float64Array(x.length);
  const pull = (a: number, b: number, force: (distance: number) => number): void => {
    const ex = (x[a] ?? 0) - (x[b] ?? 0) || 1e-3 * (a - b);
    const ey = (y[a] ?? 0) - (y[b] ?? 0);
    const distance = Math.hypot(ex, ey);
    const share = force(distance) / distance;
    dx[a] = (dx[a] ?? 0) + ex * share;
    dy[a] = (dy[a] ?? 0) + ey * share;
    dx[b] = (dx[b] ?? 0) - ex * share;
    dy[b] = (dy[b] ?? 0) - ey * share;
  };
  for (let a = 0; a < x.length; a += 1)
    for (let b = 0; b < a; b += 1) pull(a, b, (distance) => wanted ** 2 / distance);
  for (const [a, b] of links) if (a !== b) pull(a, b, (distance) => -(distance ** 2) / wanted);
  for (let i = 0; i < x.length; i += 1) {
    const length = Math.hypot(dx[i] ?? 0, dy[i] ?? 0) || 1;
    const move = Math.min(length, heat) / length;
    x[i] = (x[i] ?? 0) + (dx[i] ?? 0) * move;
    y[i] = (y[i] ?? 0) + (dy[i] ?? 0) * move;
  }
}

function stretch(x: Float64Array, y: Float64Array): Point[] {
  const scale = (values: Float64Array): ((value: number) => number) => {
    const least = Math.min(...values);
    const span = Math.max(...values) - least;
    return (value) => (span < 1e-6 ? 0.5 : (value - least) / span);
  };
  const across = scale(x);
  const down = scale(y);
  return Array.from(x, (value, i) => ({ x: across(value), y: down(y[i] ?? 0) }));
}
