/** The ledger's tables as text, with run ids replaced by what names the run, so that two databases can be compared. */

import type { Ledger } from './ledger.ts';

const RUN =
  '(select coalesce(r.run_key, r.run_id::text) from public.enrichment_runs r where r.tenant_id = t.tenant_id and r.run_id = t.run_id)';

/** Server clocks and ids given by sequences are left out; everything that senders decide is in. */
const QUERIES: Record<string, string> = {
  enrichment_runs: `select to_jsonb(t) - '{run_id,last_received_at,derived_at,trends_hash}'::text[] || jsonb_build_object('run', coalesce(run_key, run_id::text)) from public.enrichment_runs t`,
  run_event_logs: `select to_jsonb(t) - 'run_id' || jsonb_build_object('run', ${RUN}) from public.run_event_logs t`,
  run_stage_stats: `select to_jsonb(t) - 'run_id' || jsonb_build_object('run', ${RUN}) from public.run_stage_stats t`,
  run_vendor_usage: `select to_jsonb(t) - 'run_id' || jsonb_build_object('run', ${RUN}) from public.run_vendor_usage t`,
  model_usage: `select to_jsonb(t) - 'run_id' || jsonb_build_object('run', ${RUN}) from runledger.model_usage t`,
  run_metrics: `select to_jsonb(t) - 'run_id' || jsonb_build_object('run', ${RUN}) from public.run_metrics t`,
  trace_bindings: `select jsonb_build_object('tenant', t.tenant_id, 'trace', t.trace_id, 'run', (select coalesce(r.run_key, r.run_id::text) from public.enrichment_runs r where r.tenant_id = t.run_tenant_id and r.run_id = t.run_id)) from runledger.trace_bindings t`,
  parked_spans: `select jsonb_build_object('tenant', tenant_id, 'trace', trace_id, 'ts', ts, 'span', span_id, 'seq', seq) from runledger.parked_spans t`,
};

export async function dumpLedger(ledger: Ledger): Promise<Record<string, string[]>> {
  const dump: Record<string, string[]> = {};
  for (const [name, query] of Object.entries(QUERIES)) {
    const rows = await ledger.query<{ row: string }>(`select row::text from (${query}) as q (row)`);
    dump[name] = rows.map(({ row }) => row).sort();
  }
  return dump;
}
