/** What the engine tells of, as lines of the log. */
import type { EngineOutput } from '../engine/engine.js';
import type { Log } from './log.js';

export function logEvent(log: Log, event: Extract<EngineOutput, { kind: 'event' }>['event']): void {
  switch (event.kind) {
    case 'log':
      log[event.level]('mesh', event.message);
      return;
    case 'link':
      log.info('link', event.state, {
        peer: event.name || event.peer,
        path: event.path ?? undefined,
        reason: event.reason || undefined,
      });
      return;
    case 'neighbor':
      log.info('bgp', event.state, {
        neighbor: event.name || event.peer,
        reason: event.reason || undefined,
      });
      return;
    case 'route':
      log.debug('route', event.action, {
        prefix: event.prefix,
        nexthop: event.nexthop ?? undefined,
      });
      return;
    default:
      event satisfies never;
  }
}
