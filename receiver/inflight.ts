/**
 * The memory of request bodies: one budget for the bytes of all bodies held at a time, and the buffers they are read into. Large buffers
 * are used again, because freed ones wait for a garbage collection and would add up to several times the budget.
 */

import { MessageChannel } from 'node:worker_threads';
import { RequestError } from './errors.ts';

/** What one request holds. */
export interface Reservation {
  /** Raises it to at least `bytes` or throws `unavailable`. */
  grow(bytes: number): void;
  /** A buffer of at least `bytes`, beginning with the first `keptBytes` of the one given before, which must not be used any more. */
  buffer(bytes: number, keptBytes: number): Buffer;
  /** Gives bytes and buffer back; may be called any number of times. */
  release(): void;
  isReleased(): boolean;
}

export interface BodyBudget {
  reserve(bytes: number): Reservation;
  /** Bytes held now. */
  held(): number;
}

export function createBodyBudget(limitBytes: number): BodyBudget {
  const buffers = createBufferPool();
  let held = 0;
  const take = (bytes: number) => {
    if (held + bytes > limitBytes) {
      throw new RequestError('unavailable', 'Too many request bodies are being read: send again later');
    }
    held += bytes;
  };
  return {
    held: () => held,
    reserve(bytes) {
      let mine = 0;
      let current: Buffer | undefined;
      let isReleased = false;
      const grow = (target: number) => {
        if (isReleased || target <= mine) return;
        take(target - mine);
        mine = target;
      };
      grow(bytes);
      return {
        grow,
        buffer(size, keptBytes) {
          const next = buffers.take(size);
          if (current !== undefined) {
            current.copy(next, 0, 0, keptBytes);
            buffers.give(current);
          }
          current = next;
          return next;
        },
        release() {
          held -= mine;
          mine = 0;
          isReleased = true;
          if (current !== undefined) buffers.give(current);
          current = undefined;
        },
        isReleased: () => isReleased,
      };
    },
  };
}

const SMALLEST_BYTES = 16 * 1024;
const KEPT_BYTES = 64 * 1024 * 1024;
const IDLE_MS = 10_000;

/** Buffers of 2^n bytes. Those given back are kept up to KEPT_BYTES, and let go when none was wanted for a while. */
function createBufferPool() {
  const free = new Map<number, Buffer[]>();
  let keptBytes = 0;
  const idle = setTimeout(() => {
    for (const buffer of [...free.values()].flat()) letGo(buffer);
    free.clear();
    keptBytes = 0;
  }, IDLE_MS);
  idle.unref();
  return {
    take(bytes: number): Buffer {
      const size = 2 ** Math.ceil(Math.log2(Math.max(bytes, SMALLEST_BYTES)));
      idle.refresh();
      const kept = free.get(size)?.pop();
      if (kept === undefined) return Buffer.allocUnsafeSlow(size);
      keptBytes -= size;
      return kept;
    },
    give(buffer: Buffer): void {
      if (keptBytes + buffer.length > KEPT_BYTES) {
        letGo(buffer);
        return;
      }
      keptBytes += buffer.length;
      const list = free.get(buffer.length);
      if (list === undefined) free.set(buffer.length, [buffer]);
      else list.push(buffer);
    },
  };
}

const { port1: nowhere, port2 } = new MessageChannel();
port2.close();

/** A buffer that is handed to a closed port is freed at once; one that is merely forgotten stays until a garbage collection. */
function letGo(buffer: Buffer): void {
  nowhere.postMessage(null, [buffer.buffer as ArrayBuffer]);
}
