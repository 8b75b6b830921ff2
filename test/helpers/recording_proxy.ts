/** A proxy on loopback between a sender and the OTLP port that keeps every request as it passed, so that it can be sent again. */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Encoding } from '../../receiver/decode/shape.ts';

export interface PassedRequest {
  body: Buffer;
  encoding: Encoding;
  /** With which the receiver answered. */
  status: number;
}

export interface RecordingProxy {
  url: string;
  passed: PassedRequest[];
  close(): Promise<void>;
}

export async function startRecordingProxy(targetUrl: string): Promise<RecordingProxy> {
  const passed: PassedRequest[] = [];
  const server = createServer((request, response) => {
    pass(request, response, targetUrl, passed).catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    passed,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function pass(
  request: IncomingMessage,
  response: ServerResponse,
  targetUrl: string,
  passed: PassedRequest[],
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const type = String(request.headers['content-type']);
  if (request.headers['content-encoding'] !== undefined) throw new Error('this proxy keeps plain bodies only');
  const answer = await fetch(`${targetUrl}${request.url}`, {
    method: 'POST',
    headers: { 'content-type': type, authorization: String(request.headers.authorization) },
    body,
  });
  const encoding = type.includes('json') ? 'json' : 'protobuf';
  if (request.url === '/v1/traces') passed.push({ body, encoding, status: answer.status });
  response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? type });
  response.end(Buffer.from(await answer.arrayBuffer()));
}

/** @returns what the receiver said of it; a request that is not taken is an error of the test */
export async function sendAgain(
  targetUrl: string,
  token: string,
  { body, encoding }: Pick<PassedRequest, 'body' | 'encoding'>,
): Promise<void> {
  const answer = await fetch(`${targetUrl}/v1/traces`, {
    method: 'POST',
    headers: {
      'content-type': encoding === 'json' ? 'application/json' : 'application/x-protobuf',
      authorization: `Bearer ${token}`,
    },
    body: new Uint8Array(body),
  });
  const answered = Buffer.from(await answer.arrayBuffer());
  const isAllTaken = encoding === 'json' ? answered.toString() === '{}' : answered.length === 0;
  if (answer.status !== 200 || !isAllTaken)
    throw new Error(`answered ${answer.status}: ${answered.toString('latin1')}`);
}
