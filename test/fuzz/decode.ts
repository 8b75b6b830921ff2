/**
 * A fuzz run of any length over the decoders: broken copies of the fixtures and of whatever was read from them before. Prints the seed, so that
 * a failure can be run again. Usage: npx tsx test/fuzz/decode.ts [seconds] [seed].
 */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Encoding } from '../../receiver/decode/shape.ts';
import { logOutcome, metricsOutcome, traceOutcome } from '../helpers/decode_outcome.ts';
import { diceOf, mutated } from '../helpers/mutate.ts';

/** So many bodies are kept as parents of further ones. */
const CORPUS = 2000;
const MAX_BODY_BYTES = 40_000;
const FAILURE_FILE = 'fuzz-decode-failure.bin';

function fixtures(): Record<Encoding, Uint8Array[]> {
  const root = new URL('../fixtures/otlp/', import.meta.url);
  const corpus: Record<Encoding, Uint8Array[]> = { protobuf: [], json: [] };
  for (const path of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
    if (path.endsWith('.pb')) corpus.protobuf.push(readFileSync(new URL(path, root)));
    else if (path.endsWith('.json')) corpus.json.push(readFileSync(new URL(path, root)));
  }
  return corpus;
}

const seconds = Number(process.argv[2] ?? 60);
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000_007);
const dice = diceOf(seed);
const corpus = fixtures();
const until = Date.now() + seconds * 1000;
const seen = { bodies: 0, refused: 0, malformed: 0, records: 0 };
process.stdout.write(`seed ${seed}\n`);

while (Date.now() < until) {
  const encoding: Encoding = dice(2) === 0 ? 'protobuf' : 'json';
  const parents = corpus[encoding];
  const body = mutated(parents[dice(parents.length)] as Uint8Array, dice);
  try {
    const outcome = traceOutcome(body, encoding);
    const logs = logOutcome(body, encoding);
    metricsOutcome(body, encoding);
    seen.bodies++;
    if (outcome.refused && logs.refused) seen.refused++;
    seen.malformed += outcome.malformed + logs.malformed;
    seen.records += outcome.records + logs.records;
    const isUseful = outcome.records + logs.records > 0 && body.length < MAX_BODY_BYTES;
    if (isUseful && parents.length < CORPUS) parents.push(body);
    else if (isUseful && dice(50) === 0) parents[dice(parents.length)] = body;
  } catch (error) {
    writeFileSync(FAILURE_FILE, body);
    process.stderr.write(`failed on a ${encoding} body, kept in ${FAILURE_FILE}, seed ${seed}\n`);
    throw error;
  }
}
process.stdout.write(`${JSON.stringify(seen)}\n`);
