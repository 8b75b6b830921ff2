/**
 * A small pipeline that tests of the SDK start as a process of its own, to end it in different ways. The first argument says which; the
 * last line on standard output is its statistics.
 */

import { once } from 'node:events';
import { beginRun, run, stage } from '../../sdk/index.ts';
import { setup } from '../../sdk/setup.ts';

const ending = process.argv[2] ?? 'return';
const telemetry = setup({
  endpoint: process.env.TEST_ENDPOINT ?? '',
  token: 'from-option',
  serviceName: 'from-option',
});

async function openForever(): Promise<void> {
  const open = beginRun({ tenant: 7, pipeline: 'nightly', id: 'open' });
  open.beginStage('crawl').beginItem(1).beginVendorCall('tavily');
  process.stdout.write('ready\n');
  await new Promise((resolve) => setTimeout(resolve, 60_000));
}

switch (ending) {
  case 'return':
    await run({ tenant: 7, pipeline: 'nightly', id: 'whole' }, () => stage('crawl', () => undefined));
    break;
  case 'flush':
    await run({ tenant: 7, pipeline: 'nightly', id: 'whole' }, () => stage('crawl', () => undefined));
    await telemetry.shutdown();
    process.stdout.write(`${JSON.stringify(telemetry.stats())}\n`);
    break;
  case 'exit':
    await run({ tenant: 7, pipeline: 'nightly', id: 'whole' }, () => stage('crawl', () => undefined));
    process.exit(3);
    break;
  case 'exit-open':
    beginRun({ tenant: 7, pipeline: 'nightly', id: 'open' }).beginStage('crawl');
    process.exit(0);
    break;
  case 'crash':
    setTimeout(() => {
      throw Object.assign(new Error('disk gone'), { code: 'EIO' });
    }, 20);
    await openForever();
    break;
  case 'listener-exits':
    process.on('uncaughtException', () => process.exit(9));
    setTimeout(() => {
      throw Object.assign(new Error('disk gone'), { code: 'EIO' });
    }, 20);
    await openForever();
    break;
  case 'reject':
    void run({ tenant: 7, pipeline: 'nightly', id: 'open' }, () => Promise.reject(new RangeError('no')));
    await openForever();
    break;
  case 'signal':
    await openForever();
    break;
  case 'own-handler':
    process.on('SIGTERM', () => {
      process.stdout.write('own handler\n');
      process.exit(5);
    });
    await openForever();
    break;
  case 'survive':
    process.on('uncaughtException', () => process.stdout.write('survived\n'));
    setTimeout(() => {
      throw new Error('handled by the application');
    }, 20);
    await run(
      { tenant: 7, pipeline: 'nightly', id: 'whole' },
      () => new Promise((resolve) => setTimeout(resolve, 100)),
    );
    break;
  default:
    await once(process, 'never');
}
