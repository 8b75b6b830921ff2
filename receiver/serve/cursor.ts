/**
 * The opaque cursor of GET /runs: the sort key of the last run of a page. It carries values only, never rights: every query it goes
 * into is bound to the caller's tenant all the same.
 */

import { z } from 'zod';
import { Problem } from './problem.ts';

export interface RunCursor {
  /** Timestamp text with microseconds, or -infinity for runs without any time. */
  sortedAt: string;
  runId: number;
  tenantId: number;
}

const shape = z.tuple([
  z.string().regex(/^(-infinity|\d{4,6}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?\+00:00)$/),
  z.int().min(0),
  z
    .int()
    .min(0)
    .max(2 ** 31 - 1),
]);

export function encodeCursor(cursor: RunCursor): string {
  return Buffer.from(JSON.stringify([cursor.sortedAt, cursor.runId, cursor.tenantId])).toString('base64url');
}

/** @throws Problem 400 for text that no answer of ours holds. */
export function decodeCursor(text: string): RunCursor {
  const result = shape.safeParse(parse(Buffer.from(text, 'base64url').toString('utf8')));
  if (!result.success)
    throw new Problem(400, 'cursor is not one that this API gave out; take next_cursor of the page before');
  const [sortedAt, runId, tenantId] = result.data;
  return { sortedAt, runId, tenantId };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
