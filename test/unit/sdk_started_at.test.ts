import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { beginRun, logEvent, run, stage, vendorCall } from '../../sdk/index.ts';
import { type MemoryProvider, registerMemoryProvider } from '../helpers/sdk_provider.ts';

let memory: MemoryProvider;
beforeEach(() => {
  memory = registerMemoryProvider();
});
afterEach(() => memory.remove());

const NIGHT_MS = Date.UTC(2026, 0, 5, 2, 0, 0, 250);
const msOf = ([seconds, nanoseconds]: [number, number]) => seconds * 1000 + nanoseconds / 1e6;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test('every span, event and marker of a run told later lies in its night, with durations of the real work', async () => {
  const begunMs = performance.now();
  await run({ tenant: 7, pipeline: 'nightly', startedAt: new Date(NIGHT_MS) }, async () => {
    await stage('crawl', async (stage) => {
      await stage.item(1, async (item) => {
        for (let index = 0; index < 150; index++) item.logEvent('seen');
        await item.vendorCall('tavily', () => pause(30));
      });
    });
    await vendorCall('lusha', () => logEvent('asked'));
  });
  const tookMs = performance.now() - begunMs;
  const spans = memory.spans();
  expect(spans.length).toBeGreaterThan(6);
  for (const span of spans) {
    for (const time of [span.startTime, span.endTime, ...span.events.map((event) => event.time)]) {
      expect(msOf(time)).toBeGreaterThanOrEqual(NIGHT_MS);
      expect(msOf(time)).toBeLessThanOrEqual(NIGHT_MS + tookMs + 1);
    }
  }
  const nightly = memory.named('nightly');
  expect(msOf(nightly.startTime)).toBe(NIGHT_MS);
  expect(msOf(memory.named('tavily').duration)).toBeGreaterThan(25);
  expect(String(nightly.attributes['runledger.run.id'])).toMatch(/^nightly-20260105T020000\.250Z-/);
  const marker = memory.ofKind('start').find((span) => span.attributes['runledger.subject.kind'] === 'run');
  expect(marker?.attributes['runledger.subject.start_unix_nano']).toBe(`${NIGHT_MS}000000`);
});

test('runs of different nights go on beside each other, each by its own clock', () => {
  const nights = [0, 1, 2].map((day) => NIGHT_MS - day * 86_400_000);
  const runs = nights.map((startedAt) => beginRun({ tenant: 7, pipeline: `nightly ${startedAt}`, startedAt }));
  for (const run of runs.reverse()) run.end();
  for (const night of nights) {
    const span = memory.named(`nightly ${night}`);
    expect(msOf(span.startTime)).toBe(night);
    expect(msOf(span.endTime)).toBeLessThan(night + 60_000);
  }
});

test('a time that is none is warned about and the run has the present one', () => {
  const warning = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  beginRun({ tenant: 7, pipeline: 'nightly', startedAt: new Date('no time') }).end();
  expect(Math.abs(msOf(memory.named('nightly').startTime) - Date.now())).toBeLessThan(60_000);
  expect(warning).toHaveBeenCalledTimes(1);
  warning.mockRestore();
});
