import { expect } from 'chai';
import { type LogOptions, logOptionsFrom, makeLog } from '../../../src/router/log.js';

const START = Date.UTC(2026, 10, 23, 6, 0, 1, 123);

function recorded(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const clock = { at: START };
  const write = (line: string): void => void lines.push(line);
  const now = (): Date => new Date(clock.at);
  return { lines, clock, log: makeLog({ level: 'info', json: false, write, now, ...options }) };
}

describe('the log', () => {
  it('is a line that a person reads', () => {
    const { log, lines } = recorded();
    log.info('link', 'up', { peer: 'berlin', rtt: '11.2ms', via: undefined, why: 'two words' });
    expect(lines.join('')).to.match(
      /^2026-11-23T06:00:01\.123Z info {2}link +up peer=berlin rtt=11\.2ms why="two words"\n$/,
    );
  });

  it('is a document where asked', () => {
    const { log, lines } = recorded({ json: true });
    log.warn('tun', 'gone', { count: 3 });
    expect(JSON.parse(lines[0] ?? '')).to.deep.equal({
      ...{ at: '2026-11-23T06:00:01.123Z', level: 'warn', area: 'tun', message: 'gone', count: 3 },
    });
  });

  it('leaves out what is below its level', () => {
    const { log, lines } = recorded({ level: 'warn' });
    log.debug('a', 'x');
    log.info('a', 'x');
    log.error('a', 'x');
    expect(lines).to.have.length(1);
  });

  it('counts repetitions instead of writing them', () => {
    const { log, lines, clock } = recorded();
    for (let i = 0; i < 100; i++) log.warn('udp', 'no buffer', { port: 1 });
    log.warn('udp', 'no buffer', { port: 2 });
    clock.at += 60_000;
    log.warn('udp', 'no buffer', { port: 1 });
    expect(lines).to.have.length(3);
    expect(lines[2]).to.include('repeated=99');
  });

  it('remembers a bounded number of lines, and stays correct beyond', () => {
    const { log, lines } = recorded();
    for (let i = 0; i < 2000; i++) log.info('a', `line ${i}`);
    log.info('a', 'line 1999');
    log.info('a', 'line 0');
    expect(lines).to.have.length(2001);
  });

  it('shows control characters that others sent as ?', () => {
    const { log, lines } = recorded();
    log.info('mesh', 'a\u001b[2J\nb', { name: 'x\u001by' });
    expect(lines.join('').trimEnd()).not.to.match(/\p{Cc}/u);
  });

  it('is set by variables, and by nothing else', () => {
    expect(logOptionsFrom({})).to.deep.equal({ level: 'info', json: false });
    const set = logOptionsFrom({ ALAMESH_LOG: 'debug', ALAMESH_LOG_FORMAT: 'json' });
    expect(set).to.deep.equal({ level: 'debug', json: true });
    expect(logOptionsFrom({ ALAMESH_LOG: 'loud' }).level).to.equal('info');
  });
});
