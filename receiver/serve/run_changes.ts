/**
 * POST /runs and PATCH /runs/:id. That a run begins or is cancelled is a signal like those of its spans and goes through the writer; only what
 * is an operator's alone, the exclusion and the note, is written here.
 */

import { z } from 'zod';
import { VALUE_STRING } from '../decode/shape.ts';
import { LIMITS } from '../limits.ts';
import { createRunNames } from '../map/ids.ts';
import { createRedactor, type Redactor } from '../map/privacy.ts';
import type { MappedChunk, Refusal, RunName } from '../map/row.ts';
import { safeLink } from '../map/run.ts';
import type { Snapshot } from '../map/snapshot.ts';
import { cleanText, cutChars } from '../map/text.ts';
import { loadSql } from '../store/sql.ts';
import { type RunSignal, signalChunk } from '../write/run_signal.ts';
import { OPEN_RUNS_FULL, OpenRunsFull, ParkedFull, WriteUnavailable } from '../write/writer.ts';
import type { Caller } from './access.ts';
import { actorOf, note, person, reason, recordAct } from './act.ts';
import { runParams, runQuery, runRefParam, tenantBody, text } from './input.ts';
import { Problem, unavailable } from './problem.ts';
import { readRun, readTenantId } from './read.ts';
import { type Asked, type Route, route } from './route.ts';
import { type RunRouteDeps, readDetail, withRun } from './runs.ts';
import { type Run, type RunDetail, runDetail } from './shape.ts';

/** The part of the receiver that takes signals of runs. */
export interface RunSignals {
  /** Resolves after the commit with what cannot be stored. */
  write(chunk: MappedChunk): Promise<Refusal[]>;
  snapshot(): Snapshot;
}

export interface RunChangeDeps extends RunRouteDeps {
  /** null: this process receives nothing, so that it takes no signals either. */
  signals: RunSignals | null;
}

const beginBody = z.strictObject({
  pipeline: text(LIMITS.runKeyChars),
  run_key: runRefParam.optional().describe("The pipeline's own name or number for the run; made up when absent"),
  environment: text(LIMITS.runKeyChars).optional(),
  langsmith_url: text(1024).optional().describe('https on a configured host'),
  tenant: tenantBody.shape.tenant.optional().describe('Whose run; needed with an admin token'),
});

const changeBody = z.discriminatedUnion('action', [
  z.strictObject({ action: z.literal('cancel'), by: person, reason }),
  z.strictObject({ action: z.literal('exclude'), by: person, reason }),
  z.strictObject({ action: z.literal('include'), by: person, reason: reason.optional() }),
  z.strictObject({ action: z.literal('note'), by: person, note: note.nullable().describe('null removes it') }),
]);
type Change = z.output<typeof changeBody>;

export function runChangeRoutes(deps: RunChangeDeps): Route[] {
  return [
    route({
      method: 'post',
      path: '/runs',
      access: 'write',
      summary: 'Begins a run at server time; the same run_key again answers the same run',
      body: beginBody,
      answer: runDetail,
      also: { 201: 'It is new' },
      handle: ({ body }, asked) => beginRun(deps, body, asked),
    }),
    route({
      method: 'patch',
      path: '/runs/:id',
      access: 'write',
      summary: 'Cancels a run, leaves it out of baselines and alerts, takes it in again, or notes something',
      params: runParams,
      query: runQuery,
      body: changeBody,
      answer: runDetail,
      also: { 409: 'The run has ended already' },
      async handle({ params, query, body }, asked) {
        const run = await withRun(deps, { params, query }, asked, async (_client, found) => found);
        if (body.action === 'cancel') await cancelRun(deps, run, body, asked);
        else await markRun(run, body, asked);
        return readChanged(deps, { tenant_id: run.tenant_id, run_id: run.run_id }, asked);
      },
    }),
  ];
}

async function beginRun(
  deps: RunChangeDeps,
  body: z.output<typeof beginBody>,
  asked: Asked,
): Promise<RunDetail | undefined> {
  const signals = signalsOf(deps);
  const snapshot = signals.snapshot();
  const redactor = createRedactor(snapshot.privacyKey);
  const tenantId = await tenantOf(body.tenant, asked, snapshot);
  const run = nameRun(body.run_key ?? `api-${crypto.randomUUID()}`, redactor);
  const langsmithUrl = body.langsmith_url === undefined ? null : linkOf(body.langsmith_url, redactor, snapshot);
  const known = await findRun(run, tenantId, asked);
  if (known !== null) {
    if (langsmithUrl !== null) await giveLink(known, langsmithUrl, asked);
    return readChanged(deps, known, asked);
  }
  const shown = (name: string) => cutChars(redactor.head(cleanText(name)), LIMITS.runKeyChars);
  const atUs = asked.now.getTime() * 1000;
  const what = {
    signal: 'begin' as const,
    pipeline: shown(body.pipeline),
    environment: body.environment === undefined ? null : shown(body.environment),
    langsmithUrl,
  };
  await send(signals, { tenantId, run, atUs, what });
  const made = await findRun(run, tenantId, asked);
  if (made === null) {
    throw new Problem(
      409,
      'This run id has to exist in your own enrichment_runs first; leave run_key out or use a name',
    );
  }
  // Of two who begin the same run at once both are heard, and the earlier one made it.
  asked.res.status(made.started_at !== null && Date.parse(made.started_at) === asked.now.getTime() ? 201 : 200);
  return readChanged(deps, made, asked);
}

/** The run may have come by its spans, which know no link; one that it has stays. */
async function giveLink(run: Run, langsmithUrl: string, { scope, caller, now }: Asked): Promise<void> {
  if (run.langsmith_trace_url !== null) return;
  await scope.change(async (client) => {
    const given = await client.query(loadSql('queries/serve/set_run_link'), [run.tenant_id, run.run_id, langsmithUrl]);
    if (given.rowCount !== 1) return;
    const details = { langsmith_trace_url: langsmithUrl };
    const act = { tenantId: run.tenant_id, by: null, act: 'run_link', object: `run ${run.run_id}`, details };
    await recordAct(client, caller, act, now);
  });
}

/** @throws Problem 400, 404 or 409 where there is no tenant that may have runs now */
async function tenantOf(ref: string | undefined, { scope }: Asked, snapshot: Snapshot): Promise<number> {
  if (ref === undefined && scope.tenantId === null) throw new Problem(400, 'tenant is needed with an admin token');
  const tenantId = ref === undefined ? scope.tenantId : await scope.read((client) => readTenantId(client, ref));
  if (tenantId === null || (scope.tenantId !== null && tenantId !== scope.tenantId)) {
    throw new Problem(404, `There is no tenant ${ref}`);
  }
  if (snapshot.disabledTenantIds.has(tenantId)) throw new Problem(409, `Tenant ${ref} is disabled; enable it first`);
  return tenantId;
}

function nameRun(ref: string, redactor: Redactor): Exclude<RunName, null> {
  const name = createRunNames(redactor.identity)({ type: VALUE_STRING, value: ref });
  if (name === 'invalid') throw new Problem(400, `run_key is longer than ${LIMITS.runKeyChars} characters`);
  return name;
}

function linkOf(url: string, redactor: Redactor, snapshot: Snapshot): string {
  const link = safeLink(cleanText(url), { redact: redactor.head, snapshot });
  if (link === null) {
    throw new Problem(
      400,
      'langsmith_url must be https on a host of RUNLEDGER_LINK_HOSTS, without anything secret in it',
    );
  }
  return link;
}

/** The key is the stored one already. */
async function findRun(run: Exclude<RunName, null>, tenantId: number, { scope }: Asked): Promise<Run | null> {
  try {
    return await scope.read((client) => readRun(client, 'id' in run ? String(run.id) : run.key, tenantId));
  } catch (error) {
    if (error instanceof Problem && error.status === 404) return null;
    throw error;
  }
}

async function cancelRun(
  deps: RunChangeDeps,
  run: Run,
  body: Extract<Change, { action: 'cancel' }>,
  asked: Asked,
): Promise<void> {
  const signals = signalsOf(deps);
  if (run.status !== 'running' && run.status !== 'abandoned') {
    throw new Problem(409, `The run is ${run.status} already; only one that is running or abandoned can be cancelled`, {
      members: { run_status: run.status, ended_at: run.ended_at },
    });
  }
  const { head } = createRedactor(signals.snapshot().privacyKey);
  const what = { signal: 'cancel' as const, by: head(actorOf(asked.caller, body.by)), reason: head(body.reason) };
  const { tenant_id: tenantId, run_id: id } = run;
  await send(signals, { tenantId, run: { id }, atUs: asked.now.getTime() * 1000, what });
  await asked.scope.change((client) => recordRunAct(client, asked.caller, run, body, asked.now));
}

async function markRun(run: Run, body: Exclude<Change, { action: 'cancel' }>, { scope, caller, now }: Asked) {
  const key = [run.tenant_id, run.run_id];
  await scope.change(async (client) => {
    if (body.action === 'note') await client.query(loadSql('queries/serve/set_run_note'), [...key, body.note]);
    else await client.query(loadSql('queries/serve/set_run_exclusion'), [...key, body.action === 'exclude']);
    await recordRunAct(client, caller, run, body, now);
  });
}

async function recordRunAct(
  client: Parameters<typeof recordAct>[0],
  caller: Caller,
  run: Run,
  body: Change,
  now: Date,
): Promise<void> {
  const details = body.action === 'note' ? { note: body.note } : { status: run.status };
  const act = {
    tenantId: run.tenant_id,
    by: body.by,
    act: `run_${body.action}`,
    object: `run ${run.run_id}`,
    reason: 'reason' in body ? (body.reason ?? null) : null,
    details,
  };
  await recordAct(client, caller, act, now);
}

/** As it is after the change, which its own transaction has committed. */
function readChanged(
  deps: RunRouteDeps,
  { tenant_id, run_id }: { tenant_id: number; run_id: number },
  { scope }: Asked,
): Promise<RunDetail> {
  return scope.read(async (client) => readDetail(client, await readRun(client, String(run_id), tenant_id), deps));
}

function signalsOf({ signals }: RunChangeDeps): RunSignals {
  if (signals === null) throw unavailable('This process takes no signals of runs; ask one that receives spans');
  return signals;
}

/** @throws Problem 503 when the database does not take data now */
async function send(signals: RunSignals, signal: RunSignal): Promise<void> {
  try {
    const [refusal] = await signals.write(signalChunk(signal));
    if (refusal !== undefined) throw new Problem(409, `The run cannot be stored: ${refusal.message}`);
  } catch (error) {
    if (error instanceof OpenRunsFull) {
      throw new Problem(429, OPEN_RUNS_FULL, { headers: { 'Retry-After': String(LIMITS.rateRetryAfterSeconds) } });
    }
    if (error instanceof WriteUnavailable || error instanceof ParkedFull) {
      throw unavailable('The database does not take data at the moment; try again');
    }
    throw error;
  }
}
