/** Chooses the server's port: the one of the last start while it is free, so that saved connection settings stay right. */
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { EmbeddedError } from './errors.ts';

// Below the range that systems hand out for outgoing connections, so that a port that was free yesterday is likely free today.
const lowest = 15_432;
const count = 10_000;
const tries = 50;

export async function choosePort(preferred: number | null, log: (message: string) => void): Promise<number> {
  if (preferred !== null) {
    if (await isFree(preferred)) return preferred;
    log(`port ${preferred} of the last start is taken by another program: PostgreSQL moves to another port`);
  }
  for (let tried = 0; tried < tries; tried++) {
    const port = lowest + randomInt(count);
    if (await isFree(port)) return port;
  }
  throw new EmbeddedError(`no free port found on 127.0.0.1 from ${lowest} to ${lowest + count - 1}`);
}

export function isFree(port: number): Promise<boolean> {
  return new Promise((done) => {
    const probe = createServer();
    probe.once('error', () => done(false));
    probe.listen({ host: '127.0.0.1', port }, () => probe.close(() => done(true)));
  });
}
