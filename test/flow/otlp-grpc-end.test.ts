/** How the gRPC layer ends: what is in flight is answered, what comes later is not begun, and nobody can hold it up. */

import { once } from 'node:events';
import { createConnection } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LIMITS } from '../../receiver/limits.ts';
import { deferred, type GrpcClient, grpcClient, startGrpcServer, type TestGrpcServer } from '../helpers/grpc_client.ts';

let server: TestGrpcServer;
let client: GrpcClient;

beforeEach(async () => {
  server = await startGrpcServer();
  client = grpcClient(server.url);
});
afterEach(async () => {
  client.close();
  await server.server.close(1_000);
});

const BODY = Buffer.from('0a00', 'hex');
const RETRY = { RetryInfo: { retryDelay: { seconds: LIMITS.retryAfterSeconds } } };
const DONE = { accepted: 1, rejected: 0, message: null };

test('calls in flight are answered, later ones are not begun', async () => {
  const busy = deferred<typeof DONE>();
  server.answer = () => busy.promise;
  const first = client.export('traces', BODY, 'ingest-all');
  await expect.poll(() => server.recorded.length).toBe(1);
  server.draining = true;
  const refused = await client.export('traces', BODY, 'ingest-all');
  expect([refused.code, refused.status?.details]).toEqual([14, RETRY]);
  let isClosed = false;
  const closed = server.server.close(20_000).then(() => {
    isClosed = true;
  });
  const late = await client.export('traces', BODY, 'ingest-all');
  expect(late.code).toBe(14);
  expect(isClosed).toBe(false);
  busy.settle(DONE);
  expect((await first).code).toBe(0);
  await closed;
  expect(server.recorded).toHaveLength(1);
});

test('what does not finish in its time is cut off, and its sender knows to send again', async () => {
  server.answer = () => new Promise(() => undefined);
  const first = client.export('traces', BODY, 'ingest-all');
  await expect.poll(() => server.recorded.length).toBe(1);
  await server.server.close(200);
  // CANCELLED or UNAVAILABLE: both are sent again.
  expect([1, 14]).toContain((await first).code);
});

test('a peer that never closes its side does not hold up the end', async () => {
  const { hostname, port } = new URL(server.url);
  const peer = createConnection({ host: hostname, port: Number(port), allowHalfOpen: true });
  peer.on('error', () => undefined);
  const settings = Buffer.from('000000040000000000', 'hex');
  peer.write(Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), settings]));
  await once(peer, 'data');
  peer.resume();
  await server.server.close(100);
  expect((await client.export('traces', BODY, 'ingest-all')).code).toBe(14);
  peer.destroy();
});
