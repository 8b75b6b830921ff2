/** One budget for the bytes of all request bodies that are in memory at a time, so that many large requests cannot exhaust it. */

import { RequestError } from './errors.ts';

/** What one request holds. `grow` raises it to at least `bytes` or throws `unavailable`; `release` may be called any number of times. */
export interface Reservation {
  grow(bytes: number): void;
  release(): void;
}

export interface BodyBudget {
  reserve(bytes: number): Reservation;
  /** Bytes held now. */
  held(): number;
}

export function createBodyBudget(limitBytes: number): BodyBudget {
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
      let isReleased = false;
      const grow = (target: number) => {
        if (isReleased || target <= mine) return;
        take(target - mine);
        mine = target;
      };
      grow(bytes);
      return {
        grow,
        release() {
          held -= mine;
          mine = 0;
          isReleased = true;
        },
      };
    },
  };
}
