/** What a whole database says, without what the clock decides, so that the end states of two databases can be compared. */
import pg, { type Pool } from 'pg';

/** What the clock or the order of tries decides; whether there is a value at all is compared all the same. */
const CLOCKS =
  `derived_at last_received_at due_at first_at created_at sealed_at audited_at fired_at last_bad_at reminded_at resolved_at
  event_at next_attempt_at finished_at start_by expires_at last_used_at alert_id delivery_id act_id attempts last_error in_digest leased_until
  paused_until posted_at at`.split(/\s+/);
/** What each run of a job found, as far as it came: only that nothing was wrong must be the same. */
const CONDITIONS: Record<string, string> = {
  'runledger.audit_results': 'where t.difference <> 0 or t.sealed_difference <> 0',
};
/** Rules whose numbers are minutes that go by. */
const CLOCK_RULES = `('run_stuck', 'run_missed', 'ingest_health')`;

const TABLES = `
select c.oid::regclass::text as name,
  array(select a.attname::text from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns
from pg_class c
where c.relnamespace in ('public'::regnamespace, 'runledger'::regnamespace) and c.relkind in ('r', 'p') and not c.relispartition
order by 1`;

/** Every table's rows as text, clocks left out, and the partitions that are there. One list a table. */
export async function dumpAll(client: pg.Client | Pool): Promise<Map<string, string[]>> {
  const { rows: tables } = await client.query<{ name: string; columns: string[] }>(TABLES);
  const dump = new Map<string, string[]>();
  const parts = tables.map(
    ({ name, columns }) =>
      `select '${name}' as name, ${maskedRow(columns)} as row from ${name} t ${CONDITIONS[name] ?? ''}`,
  );
  parts.push(
    `select 'partitions', inhrelid::regclass::text from pg_inherits where inhparent = 'public.run_event_logs'::regclass`,
  );
  const { rows } = await client.query<{ name: string; row: string }>(
    `select name, row from (${parts.join(' union all ')}) all_rows order by name, row collate "C"`,
  );
  for (const { name, row } of rows) {
    const list = dump.get(name);
    if (list === undefined) dump.set(name, [row]);
    else list.push(row);
  }
  return dump;
}

function maskedRow(columns: readonly string[]): string {
  const clocks = CLOCKS.filter((column) => columns.includes(column));
  const present = clocks.map((column) => `'has_${column}', t.${pg.escapeIdentifier(column)} is not null`).join(', ');
  const masked = `(to_jsonb(t) - '{${[...clocks, 'message'].join(',')}}'::text[] || jsonb_build_object(${present}))`;
  const numbers = (rule: string) =>
    `case when ${rule} in ${CLOCK_RULES} then '{numbers}'::text[] else '{}'::text[] end`;
  if (columns.includes('message')) {
    // Its words say since when.
    const message = `t.message - '{${CLOCKS.join(',')},title,text}'::text[] - ${numbers(`t.message ->> 'rule'`)}`;
    return `(${masked} || jsonb_build_object('message', ${message}))::text`;
  }
  return columns.includes('numbers') ? `(${masked} - ${numbers('t.rule')})::text` : `${masked}::text`;
}

/** What one dump has and the other has not, in words; empty when they are the same. */
export function differences(expected: Map<string, string[]>, found: Map<string, string[]>): string[] {
  const lines: string[] = [];
  for (const name of new Set([...expected.keys(), ...found.keys()])) {
    const wanted = expected.get(name) ?? [];
    const had = found.get(name) ?? [];
    for (const row of without(wanted, had)) lines.push(`${name} lacks ${row}`);
    for (const row of without(had, wanted)) lines.push(`${name} has ${row}`);
  }
  return lines;
}

/** The rows of one sorted list that are not in the other, as often as they are missing. */
function without(list: readonly string[], others: readonly string[]): string[] {
  const left = new Map<string, number>();
  for (const row of others) left.set(row, (left.get(row) ?? 0) + 1);
  return list.filter((row) => {
    const count = left.get(row) ?? 0;
    left.set(row, count - 1);
    return count <= 0;
  });
}
