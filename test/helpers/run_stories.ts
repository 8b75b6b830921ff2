/** Stories of runs for tests: a whole receiver, what a pipeline sends and what people ask, in the order in which a test tells them. */

import type pg from 'pg';
import { expect } from 'vitest';
import type { Attribute } from '../../receiver/decode/shape.ts';
import { createPool } from '../../receiver/store/pool.ts';
import { ATTR } from '../../sdk/attributes.ts';
import { createTestDatabase } from './database.ts';
import { int, requestWith, span, text, traceBody } from './otlp.ts';
import { postTraces, startTestReceiver, type TestReceiver } from './receiver.ts';

export const TENANT = 7;
export const OTHER = 8;

export interface RunAnswer {
  run_id: number;
  run_key: string | null;
  status: string;
  pipeline: string | null;
  environment: string | null;
  trace_id: string | null;
  started_at: string;
  ended_at: string | null;
  excluded: boolean;
  note: string | null;
}

/** Times are milliseconds relative to now. */
export interface RunSpan {
  from: number;
  to: number;
  status?: string;
  /** Its start marker instead of the span. */
  marker?: boolean;
  pipeline?: string;
}

export interface Stories {
  receiver: TestReceiver;
  owner: pg.Pool;
  /** Of TENANT with scopes write and read, and read; of OTHER with write and read. */
  tokens: Record<'own' | 'read' | 'other', string>;
  /** With tokens.own unless told otherwise. */
  ask(method: string, path: string, body?: unknown, token?: string): Promise<Response>;
  get(ref: string): Promise<RunAnswer>;
  send(runId: string, signal: RunSpan): Promise<void>;
  cancel(ref: string, token?: string): Promise<Response>;
  close(): Promise<void>;
}

export async function startStories(): Promise<Stories> {
  const database = await createTestDatabase();
  const receiver = await startTestReceiver(database.databaseUrl);
  const owner = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_owner', maxConnections: 4 });
  const askWith = (method: string, path: string, body: unknown, token: string) =>
    fetch(receiver.urls.api + path, {
      method,
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const make = async (tenant: number, scopes: string[]) => {
    const made = await askWith('POST', '/tokens', { kind: 'tenant', tenant, scopes }, receiver.adminToken);
    return ((await made.json()) as { token: string }).token;
  };
  const tokens = {
    own: await make(TENANT, ['write', 'read']),
    read: await make(TENANT, ['read']),
    other: await make(OTHER, ['write', 'read']),
  };
  const ask: Stories['ask'] = (method, path, body, token = tokens.own) => askWith(method, path, body, token);
  return {
    receiver,
    owner,
    tokens,
    ask,
    async get(ref) {
      const answer = await ask('GET', `/runs/${encodeURIComponent(ref)}`);
      expect(answer.status).toBe(200);
      return (await answer.json()) as RunAnswer;
    },
    async send(runId, signal) {
      const answer = await postTraces(receiver, runSpan(runId, signal));
      expect([answer.status, await answer.text()]).toEqual([200, expect.not.stringContaining('rejected')]);
    },
    cancel: (ref, token) =>
      ask('PATCH', `/runs/${ref}`, { action: 'cancel', by: 'Ana', reason: 'wrong list of targets' }, token),
    async close() {
      await owner.end();
      await receiver.close();
      await database.drop();
    },
  };
}

let spans = 0;

/** A run span, or its start marker, as a pipeline would send it now. */
function runSpan(runId: string, signal: RunSpan): string {
  spans++;
  const [startUs, endUs] = [(Date.now() + signal.from) * 1000, (Date.now() + signal.to) * 1000];
  const hex = (length: number) => spans.toString(16).padStart(length, '0');
  const isMarker = signal.marker === true;
  const attributes: Attribute[] = [
    int(ATTR.tenantId, TENANT),
    text(ATTR.runId, runId),
    text(ATTR.pipeline, signal.pipeline ?? 'nightly'),
    text(ATTR.kind, isMarker ? 'start' : 'run'),
    ...(signal.status === undefined ? [] : [text(ATTR.runStatus, signal.status)]),
  ];
  if (isMarker) {
    attributes.push(
      text(ATTR.subjectSpanId, hex(16)),
      text(ATTR.subjectKind, 'run'),
      text(ATTR.subjectStartUnixNano, `${BigInt(startUs) * 1000n}`),
    );
  }
  const one = span({
    traceId: hex(32),
    spanId: isMarker ? `f${hex(15)}` : hex(16),
    parentSpanId: isMarker ? hex(16) : '',
    name: 'nightly',
    startUs,
    endUs: isMarker ? startUs : endUs,
    attributes,
  });
  return Buffer.from(traceBody(requestWith(one), 'json')).toString();
}
