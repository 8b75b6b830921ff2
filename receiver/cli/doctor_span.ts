/**
 * The test span of `runledger doctor`: one run of a reserved tenant and pipeline, sent as a pipeline would send it, directly or through a
 * Collector, and looked for where it must arrive.
 */

import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { ATTR } from '../../sdk/attributes.ts';
import { loadSql } from '../store/sql.ts';
import { type Finding, fail, ok, warn } from './doctor_finding.ts';

/** Registered by the first doctor that sends; its runs are in nobody else's lists. */
export const DOCTOR_TENANT = 'runledger-doctor';
export const DOCTOR_PIPELINE = 'runledger.doctor';

export interface TestSpan {
  runKey: string;
  traceId: string;
}

export interface Destination {
  /** Base URL of OTLP over HTTP. */
  endpoint: string;
  /** null: without one, as to a Collector. */
  token: string | null;
  /** Name or number. */
  tenant: string;
}

const ANSWER_MS = 10_000;
const LOOK_EVERY_MS = 200;
/** Always the same, so that no rule about unusual durations has something to say. */
const LASTED_MS = 1_000;

/** Sends it. The span is null when the endpoint did not take it; then the finding says why. */
export async function sendTestSpan(to: Destination): Promise<{ finding: Finding; span: TestSpan | null }> {
  const span = { runKey: `doctor-${randomBytes(6).toString('hex')}`, traceId: randomBytes(16).toString('hex') };
  const url = `${to.endpoint.replace(/\/+$/, '')}/v1/traces`;
  const started = performance.now();
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(to.token === null ? {} : { authorization: `Bearer ${to.token}` }),
      },
      body: requestOf(span, to.tenant),
      redirect: 'manual',
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    text = await response.text();
  } catch (error) {
    return { finding: unreachable(to.endpoint, error), span: null };
  }
  const refusal = response.status === 200 ? partialRefusal(text, to.tenant) : statusRefusal(response.status, to);
  if (refusal !== null) return { finding: refusal, span: null };
  const tookMs = Math.round(performance.now() - started);
  return { finding: ok('endpoint', `${to.endpoint} took a test span in ${tookMs} ms`), span };
}

/** @param operators pool of runledger_operator */
export async function findTestSpan(
  operators: pg.Pool,
  tenantId: number,
  { runKey, traceId }: TestSpan,
  waitMs: number,
): Promise<Finding> {
  for (const started = performance.now(); performance.now() - started < waitMs; await sleep(LOOK_EVERY_MS)) {
    const { rows } = await operators.query<{ rows: number; trace_id: string | null; complete: boolean | null }>(
      loadSql('queries/doctor/find_run'),
      [tenantId, runKey],
    );
    const row = rows[0];
    if (row === undefined || row.rows === 0) continue;
    if (row.trace_id === traceId && row.complete === true) {
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      return ok('test span', `run ${runKey} is in the ledger, ${seconds} s after it was taken`);
    }
  }
  return fail(
    'test span',
    `taken, but not in this database after ${Math.round(waitMs / 1000)} s`,
    'Sent to Runledger itself: that receiver writes into another database; compare `runledger config` on both sides. Sent to a ' +
      'Collector: it waits in its queue; look at its log, its RUNLEDGER_ENDPOINT and token, and otelcol_exporter_queue_size',
  );
}

/** Whether Jaeger's own API knows the trace, which a Collector sends there beside. */
export async function findInJaeger(jaegerUrl: string, { traceId }: TestSpan, waitMs: number): Promise<Finding> {
  const base = jaegerUrl.replace(/\/+$/, '');
  let answered = false;
  for (const started = performance.now(); performance.now() - started < waitMs; await sleep(LOOK_EVERY_MS)) {
    const response = await fetch(`${base}/api/traces/${traceId}`, { signal: AbortSignal.timeout(ANSWER_MS) }).catch(
      () => null,
    );
    answered ||= response !== null;
    await response?.arrayBuffer();
    if (response?.status === 200) return ok('Jaeger', `${base}/trace/${traceId} leads to the test span`);
  }
  return answered
    ? warn('Jaeger', `${base} does not have the test span`, "Look at the Collector's log, and at JAEGER_ENDPOINT there")
    : warn('Jaeger', `nobody answers at ${base}`, 'Say with --jaeger how this machine reaches it, or start it');
}

function requestOf({ runKey, traceId }: TestSpan, tenant: string): string {
  const endMs = Date.now();
  const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
  const none = (key: string) => ({ key, value: { intValue: '0' } });
  const span = {
    traceId,
    spanId: randomBytes(8).toString('hex'),
    name: DOCTOR_PIPELINE,
    kind: 1,
    startTimeUnixNano: `${endMs - LASTED_MS}000000`,
    endTimeUnixNano: `${endMs}000000`,
    attributes: [
      text(ATTR.kind, 'run'),
      text(ATTR.tenantId, tenant),
      text(ATTR.runId, runKey),
      text(ATTR.pipeline, DOCTOR_PIPELINE),
      text(ATTR.runStatus, 'succeeded'),
      none(ATTR.sentStages),
      none(ATTR.sentItems),
      none(ATTR.sentVendorCalls),
    ],
  };
  const resource = { attributes: [text('service.name', 'runledger-doctor')] };
  return JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ scope: {}, spans: [span] }] }] });
}

function unreachable(endpoint: string, error: unknown): Finding {
  const { name, cause, message } = error as Error & { cause?: { code?: string } };
  const why = name === 'TimeoutError' ? `no answer in ${ANSWER_MS / 1000} s` : (cause?.code ?? message);
  return fail(
    'endpoint',
    `${endpoint} cannot be reached: ${why}`,
    'Start the receiver (runledger start) or the Collector, or say with --endpoint where it is: the base URL of OTLP over HTTP',
  );
}

/** OTLP says 200 and refuses single spans inside. */
function partialRefusal(text: string, tenant: string): Finding | null {
  let answer: { partialSuccess?: { rejectedSpans?: string | number; errorMessage?: string } | null } | null;
  try {
    answer = text === '' ? {} : (JSON.parse(text) as typeof answer);
  } catch {
    return fail('endpoint', 'what answers is no OTLP endpoint: 200 with a text of another kind', WRONG_URL);
  }
  const refused = answer?.partialSuccess;
  if (Number(refused?.rejectedSpans ?? 0) === 0) return null;
  const says = `the test span was refused: ${refused?.errorMessage ?? 'without a reason'}`;
  return fail('endpoint', says, `The token must be allowed to send for tenant ${tenant}; see --tenant and --token`);
}

const WRONG_URL = 'Give --endpoint the base URL of OTLP over HTTP, such as http://127.0.0.1:4318, without /v1/traces';

function statusRefusal(status: number, { endpoint, token }: Destination): Finding {
  const says = `${endpoint} answers ${status}`;
  if (status === 401) {
    const advice = 'Make one with `runledger token create --kind ingest` and give it with --token';
    return fail('endpoint', token === null ? `${says}: it wants a token` : `${says}: the token is not known`, advice);
  }
  if (status === 403)
    return fail('endpoint', `${says}: this token may not send`, 'Use an ingest token, not an admin token');
  if (status === 429 || status === 503)
    return fail(
      'endpoint',
      `${says}: it has no room at the moment`,
      'Look at /readyz, and at the queue of the Collector',
    );
  return fail('endpoint', says, WRONG_URL);
}
