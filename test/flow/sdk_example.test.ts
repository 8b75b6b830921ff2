import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { startCapture } from '../helpers/sdk_capture.ts';

const EXAMPLE = fileURLToPath(new URL('../../examples/nightly.ts', import.meta.url));

test('the nightly example runs for two tenants and its statements equal what arrived', async () => {
  const capture = await startCapture();
  try {
    const child = spawn(process.execPath, ['--import', 'tsx', EXAMPLE], {
      env: { ...process.env, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json', OTEL_EXPORTER_OTLP_ENDPOINT: capture.url },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const [code] = await once(child, 'close');
    expect(code).toBe(0);
    for (const tenant of [7, 8]) {
      const own = capture.spans.filter((span) => span.attributes['runledger.tenant.id'] === tenant);
      const count = (kind: string) => own.filter((span) => span.attributes['runledger.kind'] === kind).length;
      const stages = own.filter((span) => span.attributes['runledger.kind'] === 'stage').map((span) => span.name);
      expect(stages).toEqual(['mv_refresh', 'select_targets', 'crawl', 'score', 'export_odoo']);
      const runs = own.filter((span) => span.attributes['runledger.kind'] === 'run');
      expect(runs).toHaveLength(1);
      expect(runs[0]?.attributes).toMatchObject({
        'runledger.run.status': 'succeeded',
        'runledger.sent.stages': 5,
        'runledger.sent.items': count('item'),
        'runledger.sent.vendor_calls': count('vendor_call'),
        'runledger.sent.dropped': 0,
        'runledger.metric.candidates_selected': 40,
      });
      expect(count('item')).toBeGreaterThan(80);
      expect(count('vendor_call')).toBeGreaterThan(30);
    }
  } finally {
    await capture.close();
  }
});
