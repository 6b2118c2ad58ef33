/**
 * One run of a plugin's process as the router sees it: started, watched, ended. Only the stream joins the two, and the
 * kernel bounds it; a process that does not answer, grows too large or speaks nonsense is killed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { Budget } from './budget.js';
import { textOf } from './check.js';
import { FRAME, type Frame, FrameReader, jsonFrame, readJson, type StartBody } from './frames.js';

/** Ours: how often a process is asked for a sign of life, and how many questions it may leave open. */
const PING_MSEC = 1_000;
const SILENT_PINGS_MAX = 5;
/** Ours: memory of a process; the heap of JavaScript alone has less. */
const MEMORY_BYTES_MAX = 512 * 1024 * 1024;
const HEAP_MBYTES_MAX = 256;
/** Ours: the time that an orderly end may take. */
const CLOSE_MSEC = 2_000;
/** Ours: what it said before its end is read in this time. */
const LAST_WORD_MSEC = 200;
/** Ours: bytes that the process did not take yet; above it new datagrams are dropped, small ones a little later. */
const UNSENT_BYTES_MAX = 256 * 1024;
const UNSENT_SMALL_MAX = UNSENT_BYTES_MAX + 32 * 1024;
const SMALL_BYTES = 256;

export interface ChildEnd {
  readonly kind: string;
  readonly reason: string;
}

export interface ChildEvents {
  /** Never after `ended`. @throws Error in words when the frame is nonsense: the process is killed. */
  frame(frame: Frame): void;
  /** Once, also after `close` and `kill`. */
  ended(end: ChildEnd): void;
}

const STARTER = `import { serve } from ${JSON.stringify(new URL('./process.js', import.meta.url).href)};
serve((specifier) => import(specifier));`;

/** What a plugin need not know of the router's surroundings. */
function environment(): NodeJS.ProcessEnv {
  const { NOTIFY_SOCKET: _notify, NODE_OPTIONS: _options, ...rest } = process.env;
  return rest;
}

export class PluginChild {
  readonly #events: ChildEvents;
  readonly #process: ChildProcess;
  readonly #stream: Duplex;
  readonly #reader = new FrameReader();
  readonly #budget = new Budget();
  readonly #watch: NodeJS.Timeout;
  #pause: NodeJS.Timeout | undefined;
  /** What it printed last that looks like a reason to end. */
  #complaint = '';
  #isReady = false;
  #unanswered = 0;
  #end: ChildEnd | undefined;
  #isEnded = false;
  readonly ended: Promise<void>;

  /** @param dir The state directory: modules are looked up from there. */
  constructor(dir: string, start: StartBody, events: ChildEvents) {
    this.#events = events;
    const heap = `--max-old-space-size=${HEAP_MBYTES_MAX}`;
    const argv = [heap, '--input-type=module', '--eval', STARTER];
    this.#process = spawn(process.execPath, argv, {
      ...{ cwd: dir, env: environment() },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
    this.#stream = this.#process.stdio[3] as Duplex;
    this.#stream.on('data', (part: Buffer) => this.#take(part));
    this.#stream.on('error', () => {}); // the end follows
    this.#readPrinted();
    this.ended = new Promise((resolve) => this.#onEnd(resolve));
    this.#watch = setInterval(() => this.#look(), PING_MSEC);
    this.#watch.unref();
    this.tell(jsonFrame(FRAME.start, start));
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Control: always taken. */
  tell(frame: Buffer): void {
    if (!this.#isEnded && this.#stream.writable) this.#stream.write(frame);
  }

  /** Has the stream room for a datagram of so many bytes on top of others that wait to be written? */
  hasRoom(bytes: number, waiting: number): boolean {
    const most = bytes <= SMALL_BYTES ? UNSENT_SMALL_MAX : UNSENT_BYTES_MAX;
    return !this.#isEnded && this.#stream.writableLength + waiting + bytes <= most;
  }

  /** @returns When the process is gone. */
  async close(): Promise<void> {
    this.tell(jsonFrame(FRAME.close, {}));
    const late = setTimeout(() => this.kill({ kind: 'closed', reason: 'closed' }), CLOSE_MSEC);
    await this.ended;
    clearTimeout(late);
  }

  kill(end: ChildEnd): void {
    this.#end ??= end;
    this.#process.kill('SIGKILL');
  }

  #readPrinted(): void {
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        const found = /^.*(?:FATAL ERROR|Error:).*$/m.exec(text);
        if (found !== null) this.#complaint = textOf(found[0].trim());
      });
      stream?.on('error', () => {});
    }
  }

  #onEnd(resolve: () => void): void {
    const over = (kind: string, reason: string): void => {
      if (this.#isEnded) return;
      this.#isEnded = true;
      clearInterval(this.#watch);
      clearTimeout(this.#pause);
      this.#stream.destroy();
      this.#events.ended(this.#end ?? { kind, reason });
      resolve();
    };
    this.#process.on('error', (error) => over('crashed', `it does not start: ${error.message}`));
    const exited = (code: number | null, signal: string | null): void =>
      over('crashed', this.#endText(code, signal));
    this.#process.on('close', exited);
    // What it said last may still be in the stream; a process of its own may hold that open.
    this.#process.on('exit', (code, signal) => setTimeout(exited, LAST_WORD_MSEC, code, signal));
  }

  #endText(code: number | null, signal: string | null): string {
    const how = signal === null ? `its process ended with status ${code}` : `killed by ${signal}`;
    return this.#complaint === '' ? how : `${how}: ${this.#complaint}`;
  }

  #take(part: Buffer): void {
    try {
      for (const frame of this.#reader.take(part)) {
        if (this.#isEnded) return;
        this.#unanswered = 0;
        this.#handle(frame);
      }
    } catch (error) {
      this.kill({ kind: 'crashed', reason: `it broke the protocol: ${textOf(error)}` });
    }
    const waitMsec = this.#budget.spend(part.length);
    if (waitMsec > 0) this.#pauseFor(waitMsec);
  }

  #handle(frame: Frame): void {
    if (frame.kind === FRAME.fault) {
      const { kind, reason } = readJson(frame.body) ?? {};
      this.#end ??= { kind: textOf(kind), reason: textOf(reason) };
      return;
    }
    if (frame.kind === FRAME.ready) this.#isReady = true;
    if (this.#end === undefined) this.#events.frame(frame);
  }

  /** Counts against the rate at which a plugin may bring datagrams. */
  charge(datagrams: number): void {
    this.#budget.charge(datagrams);
  }

  /** A flood waits in the stream, then in its own process. */
  #pauseFor(msec: number): void {
    if (this.#pause !== undefined) return;
    this.#stream.pause();
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      this.#stream.resume();
    }, msec);
  }

  #look(): void {
    if (this.#unanswered >= SILENT_PINGS_MAX) {
      this.kill({ kind: 'hung', reason: `no sign of life for ${SILENT_PINGS_MAX} s` });
      return;
    }
    const bytes = residentBytes(this.pid);
    if (bytes > MEMORY_BYTES_MAX) {
      const reason = `it used ${Math.round(bytes / 2 ** 20)} MiB of memory`;
      this.kill({ kind: 'memory', reason });
      return;
    }
    // A start has a time limit of its own.
    if (!this.#isReady || this.#pause !== undefined) return;
    this.#unanswered++;
    this.tell(jsonFrame(FRAME.ping, {}));
  }
}

/** 0 where it cannot be known. */
function residentBytes(pid: number | undefined): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
