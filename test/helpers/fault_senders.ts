/** Senders that behave like OTLP exporters: they send again until a request is acknowledged, and give up only where a test lets them. */
import { Agent, request } from 'node:http';
import { type LoadRequest, loadBody } from './fault_load.ts';
import { INGEST_TOKEN } from './fault_receiver.ts';

export interface Answer {
  status: number;
  retryAfter: string | undefined;
  body: Buffer;
}

export interface SenderCounts {
  requests: number;
  acknowledgedRequests: number;
  acknowledgedSpans: number;
  leftRequests: number;
  resends: number;
  connectionErrors: number;
  timeouts: number;
  statuses: Record<string, number>;
  /** What no receiver may answer, in words. */
  violations: string[];
  /** The longest that one request took until its answer, ms. */
  answerMsMax: number;
}

export interface Senders {
  counts: SenderCounts;
  /** Sends what `next` gives with `clients` at a time until it gives null. Resolves once all is acknowledged or left. */
  run(clients: number, next: () => LoadRequest | null | Promise<LoadRequest | null>): Promise<void>;
  close(): void;
}

/** As OpenTelemetry's exporters have it. */
const TIMEOUT_MS = 10_000;

export function createSenders(port: () => number, pauseMs: () => number = () => 0): Senders {
  const agent = new Agent({ keepAlive: true, maxSockets: 100 });
  const counts: SenderCounts = {
    requests: 0,
    acknowledgedRequests: 0,
    acknowledgedSpans: 0,
    leftRequests: 0,
    resends: 0,
    connectionErrors: 0,
    timeouts: 0,
    statuses: {},
    violations: [],
    answerMsMax: 0,
  };

  async function deliver(load: LoadRequest): Promise<void> {
    const body = loadBody(load);
    const contentType = load.encoding === 'json' ? 'application/json' : 'application/x-protobuf';
    counts.requests++;
    for (let attempt = 0; ; attempt++) {
      if (attempt > 0) counts.resends++;
      const started = performance.now();
      const answer = await post(port(), agent, body, { 'Content-Type': contentType });
      counts.answerMsMax = Math.max(counts.answerMsMax, performance.now() - started);
      if (answer instanceof Error) {
        if (answer.message === 'timeout') counts.timeouts++;
        else counts.connectionErrors++;
      } else if (judge(answer, load)) return;
      if (load.mayBeLeft) {
        counts.leftRequests++;
        return;
      }
      if (attempt > 5_000) throw new Error('a request is never acknowledged');
      await sleep(20 + Math.random() * Math.min(400, 50 * (attempt + 1)));
    }
  }

  /** @returns whether the request is acknowledged. */
  function judge({ status, retryAfter, body }: Answer, load: LoadRequest): boolean {
    counts.statuses[status] = (counts.statuses[status] ?? 0) + 1;
    if (status === 200) {
      const isFull = load.encoding === 'json' ? body.toString() === '{}' : body.length === 0;
      if (!isFull) counts.violations.push(`200 with partial success: ${body.toString('latin1').slice(0, 200)}`);
      counts.acknowledgedRequests++;
      counts.acknowledgedSpans += load.spans.length;
      for (const span of load.spans) span.acknowledged = true;
      return true;
    }
    if (status !== 503 && status !== 429) {
      counts.violations.push(`status ${status}: ${body.toString('latin1').slice(0, 200)}`);
    } else if (!/^[123]$/.test(retryAfter ?? '')) counts.violations.push(`${status} with Retry-After ${retryAfter}`);
    return false;
  }

  return {
    counts,
    async run(clients, next) {
      const work = async () => {
        for (let load = await next(); load !== null; load = await next()) {
          await deliver(load);
          const pause = pauseMs();
          if (pause > 0) await sleep(pause);
        }
      };
      await Promise.all(Array.from({ length: clients }, work));
    },
    close: () => agent.destroy(),
  };
}

/** One POST to /v1/traces; an Error when no whole answer came. */
export function post(
  port: number,
  agent: Agent,
  body: Uint8Array,
  headers: Record<string, string>,
): Promise<Answer | Error> {
  return new Promise((resolve) => {
    const outgoing = request(
      {
        port,
        host: '127.0.0.1',
        method: 'POST',
        path: '/v1/traces',
        agent,
        timeout: TIMEOUT_MS,
        headers: { Authorization: `Bearer ${INGEST_TOKEN}`, 'Content-Length': body.length, ...headers },
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.once('error', (error) => resolve(error));
        incoming.once('end', () => {
          resolve({
            status: incoming.statusCode ?? 0,
            retryAfter: incoming.headers['retry-after'],
            body: Buffer.concat(chunks),
          });
        });
      },
    );
    outgoing.once('timeout', () => outgoing.destroy(new Error('timeout')));
    outgoing.once('error', (error) => resolve(error));
    outgoing.end(body);
  });
}

export const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
