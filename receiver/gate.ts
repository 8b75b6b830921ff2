/** At most so many at once; the others wait in the order in which they came. */

import { RequestError } from './errors.ts';

export interface Gate {
  /**
   * Calls `begin` at once, or when it is its turn. Returns what gives the place back, or gives up waiting; it may be called again.
   * Throws `unavailable` when too many wait.
   */
  enter(begin: () => void): () => void;
}

export function createGate(size: number, waitingMax: number): Gate {
  const waiting = new Set<() => void>();
  let inside = 0;
  const leave = () => {
    const [next] = waiting;
    if (next === undefined) {
      inside--;
      return;
    }
    waiting.delete(next);
    next();
  };
  return {
    enter(begin) {
      if (inside >= size && waiting.size >= waitingMax) {
        throw new RequestError('unavailable', 'Too many requests wait for their turn: send again later');
      }
      // The same function may come twice, so that each entry is one of its own.
      const entry = () => begin();
      let isGone = false;
      if (inside < size) {
        inside++;
        entry();
      } else {
        waiting.add(entry);
      }
      return () => {
        if (isGone) return;
        isGone = true;
        if (!waiting.delete(entry)) leave();
      };
    },
  };
}
