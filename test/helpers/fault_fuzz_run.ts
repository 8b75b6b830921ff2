/** Sends fuzzed requests, among them mixed ones whose good spans must be kept, to a running receiver, and holds it to its promises. */

import { readFileSync } from 'node:fs';
import { Agent } from 'node:http';
import type { Attribute } from '../../receiver/decode/shape.ts';
import { checkRuns } from './fault_check.ts';
import { fuzzRequest, judge, readSamples, sendFuzz, sendRaw } from './fault_fuzz.ts';
import { type LoadRun, makeLoad, otlpSpan } from './fault_load.ts';
import { INGEST_TOKEN } from './fault_receiver.ts';
import { int, requestWith, span, text, traceBody } from './otlp.ts';
import { createRandom, type Random } from './random_spans.ts';

export interface FuzzTarget {
  port: number;
  pid: number;
  databaseUrl: string;
  /** Places what waits for its run. */
  settle(): Promise<void>;
}

export interface FuzzResult {
  requests: number;
  statuses: Record<string, number>;
  goodSpans: number;
  rssPeakBytes: number;
  /** What is wrong, in words. */
  faults: string[];
}

/** As many connections at once. */
const CLIENTS = 12;
const MIXED = 0.01;
const RAW = 0.02;

export async function runFuzz(
  target: FuzzTarget,
  count: number,
  seed: number,
  say: (line: string) => void,
): Promise<FuzzResult> {
  const random = createRandom(seed);
  const samples = readSamples(random);
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
  const result: FuzzResult = { requests: 0, statuses: {}, goodSpans: 0, rssPeakBytes: 0, faults: [] };
  const runs: LoadRun[] = [];
  const note = (status: number, what: () => string) => {
    result.statuses[status] = (result.statuses[status] ?? 0) + 1;
    const wrong = status === 0 ? null : judge(status);
    if (wrong !== null && result.faults.length < 50) result.faults.push(`${wrong}: ${what()}`);
  };
  const sendOne = async () => {
    const die = random.next();
    if (die < RAW) return note(await sendRaw(random, target.port), () => 'a raw head');
    if (die < RAW + MIXED) return sendMixed(random, target.port, agent, runs, result);
    const fuzz = fuzzRequest(random, samples);
    note(await sendFuzz({ port: target.port, agent }, fuzz), () => {
      return `${fuzz.method} ${fuzz.path} ${JSON.stringify(fuzz.headers).slice(0, 200)} ${fuzz.body.toString('base64').slice(0, 4_000)}`;
    });
  };
  const work = async () => {
    while (result.requests < count) {
      result.requests++;
      if (result.requests % 500 === 0) result.rssPeakBytes = Math.max(result.rssPeakBytes, rssBytes(target.pid));
      if (result.requests % 20_000 === 0)
        say(`${result.requests} requests, ${rssBytes(target.pid) >> 20} MB, ${JSON.stringify(result.statuses)}`);
      await sendOne();
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, work));
  agent.destroy();
  await target.settle();
  result.faults.push(...(await checkRuns(target.databaseUrl, runs)));
  return result;
}

const BAD: { given: Parameters<typeof span>[0]; attributes: Attribute[] }[] = [
  { given: { traceId: '' }, attributes: [] },
  { given: { spanId: '00' }, attributes: [] },
  { given: { startUs: 0, endUs: 0 }, attributes: [int('tenant.id', 901)] },
  { given: { endUs: 4_000_000_000_000_000 }, attributes: [int('tenant.id', 901)] },
  { given: {}, attributes: [int('runledger.tenant.id', 77_777_777), text('run.id', 'x')] },
  { given: {}, attributes: [int('runledger.tenant.id', 901), text('runledger.run.id', 'x'.repeat(300))] },
];

/** Good spans with known sums between bad ones, in one request: 200, the bad refused by number, the good there. */
async function sendMixed(
  random: Random,
  port: number,
  agent: Agent,
  runs: LoadRun[],
  result: FuzzResult,
): Promise<void> {
  const [run] = makeLoad(random, { spansPerRunMax: 6, spansPerRequestMax: 100, runsAtOnce: 1 }).runs;
  if (run === undefined) return;
  runs.push(run);
  const bad = random.shuffle(BAD).slice(0, 1 + random.below(BAD.length));
  const records = random.shuffle([
    ...run.spans.map(otlpSpan),
    ...bad.map(({ given, attributes }) => span({ spanId: random.hex(16), ...given, attributes })),
  ]);
  const body = Buffer.from(traceBody(requestWith(...records), 'json'));
  const headers = { Authorization: `Bearer ${INGEST_TOKEN}`, 'Content-Type': 'application/json' };
  const status = await sendFuzz({ port, agent }, { method: 'POST', path: '/v1/traces', headers, body });
  result.statuses[status] = (result.statuses[status] ?? 0) + 1;
  if (status !== 200) result.faults.push(`good spans beside bad ones were answered ${status}`);
  result.goodSpans += run.spans.length;
  for (const own of run.spans) own.acknowledged = true;
}

function rssBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
}
