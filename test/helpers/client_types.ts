/** What the compiler must accept and refuse of the client; nothing here runs. Checked with all other types. */

import type { z } from 'zod';
import type {
  ChannelLine,
  Client,
  EventLine,
  ListedRun,
  MadeToken,
  RuleLine,
  RunStats,
  TestedChannel,
} from '../../client/client.ts';
import type * as alerting from '../../receiver/serve/shape_alerting.ts';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** Each is assignable to the other. */
type Equal<A, B> = [A, B] extends [B, A] ? true : false;
const holds = <T extends true>(): T | undefined => undefined;

/** Written out in the client, because their schemas stand beside code that knows the database. */
holds<Same<ChannelLine, alerting.ChannelLine>>();
holds<Same<TestedChannel, z.infer<typeof alerting.testedChannel>>>();
holds<Equal<RuleLine, alerting.RuleLine>>();

export async function accepted(client: Client): Promise<void> {
  for await (const run of client.runs.list({ status: 'failed', limit: 5 })) holds<Same<typeof run, ListedRun>>();
  for await (const event of client.runs.events(4711, { kind: 'item' })) holds<Same<typeof event, EventLine>>();
  for await (const page of client.runs.events('key').pages()) holds<Same<typeof page.events, EventLine[]>>();
  const stats = await client.runs.stats('key', { tenant: 'acme', signal: AbortSignal.timeout(1) });
  holds<Same<typeof stats, RunStats>>();
  holds<Same<(typeof stats.stage_stats)[number]['p95_ms'], number | null>>();
  holds<Same<(typeof stats.vendor_usage)[number]['cost_usd'], string>>();
  const made = await client.tokens.create({ kind: 'ingest' });
  holds<Same<typeof made, MadeToken>>();
  const revoked = await client.tokens.revoke(1);
  holds<Same<typeof revoked, void>>();
  const { stream } = await client.exports.runEvents(1, 'parquet');
  holds<Same<typeof stream, ReadableStream<Uint8Array>>>();
}

export async function refused(client: Client): Promise<void> {
  // @ts-expect-error there is no such state of a run
  await client.runs.list({ status: 'done' });
  // @ts-expect-error a parameter that the API does not know
  await client.runs.list({ since: '2026-11-22' });
  // @ts-expect-error whoever acknowledges has a name
  await client.alerts.ack(1, {});
  // @ts-expect-error minutes or a time, and not both
  await client.alerts.snooze(1, { by: 'Ana', minutes: 5, until: '2027-01-01T00:00:00Z' });
  // @ts-expect-error a tenant's token is some tenant's
  await client.tokens.create({ kind: 'tenant' });
  // @ts-expect-error an ingest token has no scopes
  await client.tokens.create({ kind: 'ingest', scopes: ['read'] });
  // @ts-expect-error QA samples have no JSON lines
  await client.exports.qa(1, 'jsonl');
  // @ts-expect-error money is text, because a float would lose cents
  const cost: number = (await client.runs.get(1)).cost_usd;
  // @ts-expect-error a run may have no end yet
  const ended: string = (await client.runs.get(1)).ended_at;
  // @ts-expect-error what is not there is not any
  holds([cost, ended, (await client.runs.get(1)).costs]);
}
