/** Bytes that no exporter sends, against the whole receiver: a clear answer each time, never one that makes the sender try for ever. */

import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { logBody, logRecord, span, text, traceBody } from '../helpers/otlp.ts';
import { postTraces, runSpanJson, startTestReceiver, type TestReceiver } from '../helpers/receiver.ts';

let database: TestDatabase;
let receiver: TestReceiver;
beforeAll(async () => {
  database = await createTestDatabase();
  receiver = await startTestReceiver(database.databaseUrl);
});
afterAll(async () => {
  await receiver?.close();
  await database?.drop();
});

const resource = { attributes: [text('service.name', 'nightly'), text('runledger.tenant.id', '7')] };
const scope = { name: 'test', version: '1', attributes: [] };
const valid = (encoding: 'protobuf' | 'json', signal: string) =>
  Buffer.from(
    signal === 'traces'
      ? traceBody([{ resource, scopes: [{ scope, records: [span(), span()] }] }], encoding)
      : logBody([{ resource, scopes: [{ scope, records: [logRecord()] }] }], encoding),
  );

const request = fc.record({
  signal: fc.constantFrom('traces', 'logs', 'metrics'),
  bodyOf: fc.constantFrom('traces', 'logs'),
  encoding: fc.constantFrom('protobuf' as const, 'json' as const),
  mediaType: fc.constantFrom('application/x-protobuf', 'application/json', 'text/plain'),
  coding: fc.constantFrom('identity', 'identity', 'gzip', 'br'),
  noise: fc.option(fc.uint8Array({ maxLength: 400 })),
  flips: fc.array(fc.record({ at: fc.nat(), to: fc.nat(255) }), { maxLength: 6 }),
  keep: fc.double({ min: 0, max: 1, noNaN: true }),
});

const ALLOWED = [200, 400, 401, 403, 404, 405, 408, 413, 415, 429, 431, 503];

test('random and mutated bodies are answered within the contract, none as a fault of ours', async () => {
  const statuses = new Map<number, number>();
  await fc.assert(
    fc.asyncProperty(request, async ({ signal, bodyOf, encoding, mediaType, coding, noise, flips, keep }) => {
      const body = noise === null ? valid(encoding, bodyOf) : Buffer.from(noise);
      for (const { at, to } of flips) if (body.length > 0) body[at % body.length] = to;
      const response = await fetch(`${receiver.urls.otlpHttp}/v1/${signal}`, {
        method: 'POST',
        headers: {
          Authorization: `Bearer ${receiver.ingestToken}`,
          'Content-Type': mediaType,
          'Content-Encoding': coding,
        },
        body: body.subarray(0, Math.ceil(body.length * keep)),
      });
      await response.arrayBuffer();
      statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
      expect(ALLOWED).toContain(response.status);
      expect(response.status, 'garbage that is answered 503 comes back for ever').not.toBe(503);
    }),
    { numRuns: 1500 },
  );
  expect([...statuses.keys()].sort()).toEqual([200, 400, 415]);
  expect(receiver.logged.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
  const metrics = await (await fetch(`${receiver.urls.api}/metrics`)).text();
  expect(metrics).toContain('runledger_body_bytes_in_flight 0');
  expect((await postTraces(receiver, runSpanJson(7, 'after-the-noise'))).status).toBe(200);
}, 120_000);
