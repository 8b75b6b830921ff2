/** A run's events as JSON lines, a page at a time by key, for the API and the command alike. */

import type { Scope } from './access.ts';
import type { RunBounds } from './events_csv.ts';
import { readLines } from './read.ts';

interface Line {
  ts: string;
  span_id: string;
  seq: number;
}

const PAGE_ROWS = 1000;
const BEFORE_ANY_SEQ = -(2 ** 31);

/** Each page as text, one object a line, with how many they are. As with CSV nothing stays open while a page waits for its reader. */
export async function* eventLinePages(scope: Scope, run: RunBounds): AsyncGenerator<{ text: string; rows: number }> {
  let from = run.first_event_at;
  let after = { spanId: '', seq: BEFORE_ANY_SEQ };
  while (from !== null) {
    const values = [run.tenant_id, run.run_id, from, run.last_event_at, after.spanId, after.seq, PAGE_ROWS];
    const lines = await scope.read((client) => readLines<Line>(client, 'queries/serve/event_lines', values));
    if (lines.length > 0) yield { text: lines.map((line) => `${JSON.stringify(line)}\n`).join(''), rows: lines.length };
    const last = lines.at(-1);
    if (last === undefined || lines.length < PAGE_ROWS) return;
    from = last.ts;
    after = { spanId: last.span_id, seq: last.seq };
  }
}
