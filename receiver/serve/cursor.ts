/**
 * The opaque cursor of a list: the sort key of the last line of a page. It carries values only, never rights: every query it goes into is
 * bound to the caller's tenant all the same.
 */

import { z } from 'zod';
import { Problem } from './problem.ts';

/** Timestamp text with microseconds, or -infinity for what has no time. */
export const cursorTime = z.string().regex(/^(-infinity|\d{4,6}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?\+00:00)$/);
export const cursorId = z.int().min(0);
export const cursorInt = z
  .int()
  .min(-(2 ** 31))
  .max(2 ** 31 - 1);
export const cursorText = z
  .string()
  .max(64)
  .refine((text) => !text.includes('\0'));

export function encodeCursor(key: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

/**
 * @returns the key, or null without a cursor
 * @throws Problem 400 for text that no answer of ours holds
 */
export function decodeCursor<T extends z.ZodType>(shape: T, text: string | undefined): z.output<T> | null {
  if (text === undefined) return null;
  const result = shape.safeParse(parse(Buffer.from(text, 'base64url').toString('utf8')));
  if (!result.success)
    throw new Problem(400, 'cursor is not one that this list gave out; take next_cursor of the page before');
  return result.data;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Cuts the line that was read beyond the limit, which says whether there is a next page. */
export function cutPage<T>(
  lines: readonly T[],
  limit: number,
  keyOf: (line: T) => readonly (string | number)[],
): { shown: T[]; next_cursor: string | null } {
  const shown = lines.slice(0, limit);
  const last = shown.at(-1);
  const more = lines.length > limit && last !== undefined;
  return { shown, next_cursor: more ? encodeCursor(keyOf(last)) : null };
}
