/**
 * Bad input by the million against the running product: only the allowed answers, the process alive, its memory bounded, good spans kept.
 *
 *     npm run build && npx tsx test/fault/fuzz.ts --requests 1000000 --seed 1
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startFaultCluster } from '../helpers/fault_cluster.ts';
import { runFuzz } from '../helpers/fault_fuzz_run.ts';
import { createFaultReceiver } from '../helpers/fault_receiver.ts';
import { placeParked, registerFaultTenants } from '../helpers/fault_scene.ts';

const { values } = parseArgs({
  options: { requests: { type: 'string', default: '1000000' }, seed: { type: 'string', default: '1' } },
});
const say = (line: string) => process.stdout.write(`${line}\n`);
const cluster = await startFaultCluster();
const dataDir = mkdtempSync(join(tmpdir(), 'runledger-fuzz-'));
const receiver = createFaultReceiver({
  dataDir,
  databaseUrl: cluster.url,
  built: true,
  environment: { RUNLEDGER_TENANT_AUTOCREATE: '0' },
});
try {
  await registerFaultTenants(cluster.url);
  await receiver.start();
  const started = performance.now();
  const result = await runFuzz(
    {
      port: Number(new URL(receiver.urls.otlpHttp).port),
      pid: receiver.pid,
      databaseUrl: cluster.url,
      settle: () => placeParked(cluster.url),
    },
    Number(values.requests),
    Number(values.seed),
    say,
  );
  const alive = receiver.counts.exits === 0;
  const code = await receiver.terminate();
  say(JSON.stringify({ ...result, seconds: Math.round((performance.now() - started) / 1000), alive, code }, null, 1));
  for (const line of receiver.complaints.slice(-5)) say(`log: ${line.slice(0, 400)}`);
  process.exitCode = result.faults.length === 0 && alive && code === 0 ? 0 : 1;
} finally {
  await receiver.terminate().catch(() => null);
  await cluster.remove();
  rmSync(dataDir, { recursive: true, force: true });
}
