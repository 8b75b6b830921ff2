/** One load of one page: what went over the wire, when it was painted, when it could be used. */
import type { Browser, BrowserContextOptions, CDPSession, Page } from 'playwright-core';

export const MODES = ['plain', 'throttled'] as const;
export type Mode = (typeof MODES)[number];

export interface Figures {
  fileBytes: number;
  dataBytes: number;
  requests: number;
  firstPaintMs: number;
  largestPaintMs: number;
  interactiveMs: number;
  blockedMs: number;
  layoutShift: number;
}

const QUIET_MS = 5000;
const LOAD_MS_MAX = 90_000;
const LONG_TASK_MS = 50;
const SLOW_PHONE = {
  cpuTimesSlower: 4,
  latency: 150,
  downloadThroughput: 1_600_000 / 8,
  uploadThroughput: 750_000 / 8,
};
const VIEWPORTS = { plain: { width: 1440, height: 900 }, throttled: { width: 412, height: 823 } };

/** What the page notes about itself while it loads. */
interface Noted {
  paints: Record<string, number>;
  largestMs: number;
  longTasks: { startMs: number; durationMs: number }[];
  layoutShift: number;
  nowMs: number;
}

export async function loadPage(
  browser: Browser,
  { url, mode, context: options }: { url: string; mode: Mode; context: BrowserContextOptions },
): Promise<Figures> {
  const context = await browser.newContext({ ...options, viewport: VIEWPORTS[mode] });
  try {
    const page = await context.newPage();
    const session = await context.newCDPSession(page);
    const wire = await watchWire(session);
    if (mode === 'throttled') await slowDown(session);
    await page.addInitScript({ content: OBSERVE });
    await page.goto(url);
    const noted = await untilQuiet(page);
    return { ...wire, ...timesOf(noted) };
  } finally {
    await context.close();
  }
}

async function watchWire(session: CDPSession) {
  const wire = { fileBytes: 0, dataBytes: 0, requests: 0 };
  const addresses = new Map<string, string>();
  session.on('Network.requestWillBeSent', ({ requestId, request }) => void addresses.set(requestId, request.url));
  session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    const { pathname } = new URL(addresses.get(requestId) ?? 'about:blank');
    wire.requests++;
    if (pathname.startsWith('/ui') && pathname !== '/ui/session') wire.fileBytes += encodedDataLength;
    else wire.dataBytes += encodedDataLength;
  });
  await session.send('Network.enable');
  return wire;
}

async function slowDown(session: CDPSession): Promise<void> {
  const { cpuTimesSlower, ...network } = SLOW_PHONE;
  await session.send('Network.emulateNetworkConditions', { offline: false, ...network });
  await session.send('Emulation.setCPUThrottlingRate', { rate: cpuTimesSlower });
}

/** Runs in the page, before anything of it. Text, because what compiles this file leaves marks in functions that a page does not know. */
const OBSERVE = `
  const noted = globalThis.benchNoted = { paints: {}, largestMs: 0, longTasks: [], layoutShift: 0 };
  const watch = (type, note) =>
    new PerformanceObserver((list) => list.getEntries().forEach(note)).observe({ type, buffered: true });
  watch('paint', (entry) => { noted.paints[entry.name] = entry.startTime; });
  watch('largest-contentful-paint', (entry) => { noted.largestMs = entry.startTime; });
  watch('longtask', (entry) => noted.longTasks.push({ startMs: entry.startTime, durationMs: entry.duration }));
  watch('layout-shift', (entry) => { if (!entry.hadRecentInput) noted.layoutShift += entry.value; });
`;

async function untilQuiet(page: Page): Promise<Noted> {
  for (const began = Date.now(); ; ) {
    const noted = await page.evaluate<Noted>('({ ...benchNoted, nowMs: performance.now() })');
    const painted = noted.paints['first-contentful-paint'];
    if (painted !== undefined && noted.nowMs - interactiveOf(noted, painted) > QUIET_MS) return noted;
    if (Date.now() - began > LOAD_MS_MAX) throw new Error(`${page.url()} did not come to rest`);
    await page.waitForTimeout(250);
  }
}

function timesOf(noted: Noted): Omit<Figures, 'fileBytes' | 'dataBytes' | 'requests'> {
  const painted = noted.paints['first-contentful-paint'] ?? 0;
  const interactive = interactiveOf(noted, painted);
  const blocking = noted.longTasks.filter(({ startMs }) => startMs >= painted && startMs < interactive);
  return {
    firstPaintMs: noted.paints['first-paint'] ?? painted,
    largestPaintMs: noted.largestMs,
    interactiveMs: interactive,
    blockedMs: blocking.reduce((sum, { durationMs }) => sum + durationMs - LONG_TASK_MS, 0),
    layoutShift: noted.layoutShift,
  };
}

/** The end of the last long task before the first window without any; tasks of before the first paint do not count. */
function interactiveOf({ longTasks }: Noted, paintedMs: number): number {
  let quietFrom = paintedMs;
  for (const { startMs, durationMs } of longTasks) {
    if (startMs + durationMs <= quietFrom) continue;
    if (startMs - quietFrom >= QUIET_MS) break;
    quietFrom = startMs + durationMs;
  }
  return quietFrom;
}
