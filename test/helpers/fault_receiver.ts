/** `runledger start` as a process that tests kill: started again at once, as a supervisor would, with what it logged kept. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const INGEST_TOKEN = 'ingest-token-of-the-fault-test';

export interface FaultReceiverOptions {
  dataDir: string;
  /** null: the embedded PostgreSQL of the data folder. */
  databaseUrl: string | null;
  /** The built product in dist/, or else the sources by tsx. */
  built?: boolean;
  environment?: Record<string, string>;
  onReady?(urls: { otlpHttp: string; api: string }): void;
}

export interface FaultReceiver {
  /** Starts it, again and again while it ends before it is ready (the database may be away). */
  start(): Promise<void>;
  /** kill -9. */
  kill(): Promise<void>;
  /** SIGTERM. @returns the exit code. */
  terminate(): Promise<number | null>;
  readonly pid: number;
  readonly urls: { otlpHttp: string; api: string };
  /** Of the living process and its predecessors, bytes. */
  rssPeakBytes(): number;
  readonly counts: { starts: number; failedStarts: number; exits: number; readyMsMax: number };
  /** Lines of level warn or worse, newest last, and everything on stderr. */
  readonly complaints: string[];
}

const SOURCE = fileURLToPath(new URL('../../receiver/cli/main.ts', import.meta.url));
const BUILT = fileURLToPath(new URL('../../dist/receiver/cli/main.js', import.meta.url));
const WARN_LEVEL = 40;

export function createFaultReceiver(options: FaultReceiverOptions): FaultReceiver {
  const complaints: string[] = [];
  const counts = { starts: 0, failedStarts: 0, exits: 0, readyMsMax: 0 };
  let child: ChildProcess | null = null;
  let urls = { otlpHttp: '', api: '' };
  let peakBytes = 0;
  let wanted = false;

  const measure = () => {
    peakBytes = Math.max(peakBytes, child?.pid === undefined ? 0 : readPeakBytes(child.pid));
    return peakBytes;
  };
  const read = (line: string, ready: (found: typeof urls) => void) => {
    const entry = parse(line);
    if (entry?.msg === 'ready') ready({ otlpHttp: String(entry.otlpHttp), api: String(entry.api) });
    if (entry === null || isComplaint(entry)) complaints.push(line);
    if (complaints.length > 500) complaints.splice(0, 100);
  };
  const startOnce = () =>
    new Promise<boolean>((resolve) => {
      const started = performance.now();
      const process = spawnReceiver(options);
      child = process;
      for (const stream of [process.stdout, process.stderr]) {
        if (stream === null) continue;
        createInterface({ input: stream }).on('line', (line) =>
          read(line, (found) => {
            urls = found;
            counts.readyMsMax = Math.max(counts.readyMsMax, performance.now() - started);
            options.onReady?.(found);
            process.removeListener('exit', failed);
            // From now on it may only end because a test ended it.
            process.once('exit', () => {
              if (wanted && child === process) counts.exits++;
            });
            resolve(true);
          }),
        );
      }
      const failed = () => resolve(false);
      process.once('exit', failed);
    });
  const end = (signal: 'SIGKILL' | 'SIGTERM') => {
    measure();
    wanted = false;
    const process = child;
    if (process === null) throw new Error('the receiver does not run');
    return new Promise<number | null>((resolve) => {
      if (process.exitCode !== null || process.signalCode !== null) return resolve(process.exitCode);
      process.once('exit', (code) => resolve(code));
      process.kill(signal);
    });
  };

  return {
    counts,
    complaints,
    get pid() {
      return child?.pid ?? 0;
    },
    get urls() {
      return urls;
    },
    rssPeakBytes: measure,
    async start() {
      wanted = true;
      counts.starts++;
      while (!(await startOnce())) {
        counts.failedStarts++;
        if (counts.failedStarts > 1_000) throw new Error(`the receiver does not start: ${complaints.at(-1)}`);
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    },
    kill: async () => void (await end('SIGKILL')),
    terminate: () => end('SIGTERM'),
  };
}

function spawnReceiver({ dataDir, databaseUrl, built, environment }: FaultReceiverOptions): ChildProcess {
  if (built === true && !existsSync(BUILT)) throw new Error('build first: npm run build');
  const program = built === true ? [BUILT] : ['--import', 'tsx', SOURCE];
  return spawn(process.execPath, [...program, 'start', '--json'], {
    env: {
      PATH: process.env.PATH,
      RUNLEDGER_DATA_DIR: dataDir,
      ...(databaseUrl === null ? {} : { DATABASE_URL: databaseUrl }),
      RUNLEDGER_OTLP_HTTP_PORT: '0',
      RUNLEDGER_OTLP_GRPC_PORT: '0',
      RUNLEDGER_HTTP_PORT: '0',
      RUNLEDGER_INGEST_TOKEN: INGEST_TOKEN,
      RUNLEDGER_TENANT_AUTOCREATE: '1',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

function parse(line: string): Record<string, unknown> | null {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return null;
  }
}

function isComplaint(entry: Record<string, unknown>): boolean {
  const { level } = entry;
  return typeof level === 'number' ? level >= WARN_LEVEL : level === 'warn' || level === 'error' || level === 'fatal';
}

/** The largest resident size that the process had, as Linux keeps it; 0 where that is not known. */
export function readPeakBytes(pid: number): number {
  const path = `/proc/${pid}/status`;
  if (!existsSync(path)) return 0;
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(path, 'utf8'))?.[1] ?? 0) * 1024;
}
