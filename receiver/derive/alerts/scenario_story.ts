/**
 * The story of the scenario: two tenants with three pipelines each, six quiet nights, one night in which every rule of the table goes wrong
 * somewhere, and five good nights. Plain data: what ran, how long, what failed, what it cost.
 */

export const ACME = 1;
export const GLOBEX = 2;
export const TENANT_NAMES: Readonly<Record<number, string>> = { [ACME]: 'acme', [GLOBEX]: 'globex' };
export const ENVIRONMENT = 'production';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** The end of a month lies between the bad night and the good ones, so that budgets and levels of the month end too. */
export const FIRST_NIGHT = new Date('2026-03-24T00:00:00Z');
export const BAD_NIGHT = new Date('2026-03-30T00:00:00Z');
export const NIGHTS = 12;
export const STORY_FROM = FIRST_NIGHT;
export const STORY_TO = new Date(FIRST_NIGHT.getTime() + NIGHTS * DAY_MS);

export interface StoryItem {
  id: number;
  ms: number;
  failed: boolean;
  bucket?: 'High' | 'Low';
}

export interface StoryCalls {
  vendor: string;
  calls: number;
  costUsd: number;
  errors?: number;
  rateLimitHits?: number;
  quotaExhausted?: boolean;
}

export interface StoryStage {
  name: string;
  startedAt: Date;
  endedAt: Date;
  failed: boolean;
  items: StoryItem[];
  calls: StoryCalls[];
}

export interface StoryRun {
  tenantId: number;
  runKey: string;
  pipeline: string;
  startedAt: Date;
  endedAt: Date;
  /** silent: it begins, works a little, and is never heard of again. */
  outcome: 'succeeded' | 'failed' | 'silent';
  stages: StoryStage[];
  metrics: Record<string, number>;
  /** Items that the sender says it ended and that never arrive. */
  lostItems: number;
}

export interface StoryNight {
  /** 00:00 UTC of the day on which it ends. */
  day: Date;
  isBad: boolean;
  runs: StoryRun[];
}

export function tellStory(): StoryNight[] {
  return Array.from({ length: NIGHTS }, (_, index) => {
    const day = new Date(FIRST_NIGHT.getTime() + index * DAY_MS);
    const isBad = day.getTime() === BAD_NIGHT.getTime();
    return { day, isBad, runs: [ACME, GLOBEX].flatMap((tenantId) => runsOf(tenantId, day, isBad)) };
  });
}

function runsOf(tenantId: number, day: Date, isBad: boolean): StoryRun[] {
  const place = { tenantId, day, isBad: isBad && tenantId === ACME };
  const slow = isBad && tenantId === GLOBEX;
  const runs = [nightly({ ...place, isSlow: slow }), importRun({ ...place, isSlow: slow })];
  // On the bad day nobody starts the digest of globex.
  return slow ? runs : [...runs, digest(place)];
}

interface Place {
  tenantId: number;
  day: Date;
  isBad: boolean;
}

/** 02:00, half an hour: refresh, crawl, score, export. */
function nightly({ tenantId, day, isBad, isSlow }: Place & { isSlow: boolean }): StoryRun {
  const at = (minute: number) => new Date(day.getTime() + (120 + minute) * MINUTE_MS);
  const crawlErrors = isBad ? 28 : isSlow ? 14 : 3;
  const crawl: StoryItem[] = items(40, (index) => ({
    ms: (isSlow ? 9_000 : 2_000) + 10 * index,
    failed: index < crawlErrors,
  }));
  const score = items(40, (index) => ({ ms: 1_500, failed: false, bucket: index < (isBad ? 10 : 4) ? 'High' : 'Low' }));
  const exported = items(30, (index) => ({ ms: 300, failed: isBad && index < 5 }));
  return {
    ...named(tenantId, 'nightly', day),
    startedAt: at(0),
    endedAt: at(30),
    outcome: isBad ? 'failed' : 'succeeded',
    stages: [
      stage('mv_refresh', at(0), at(2), [], [], isBad),
      stage('crawl', at(2), at(15), crawl, [
        { vendor: 'tavily', calls: 40, costUsd: 0.32, ...(isSlow && { rateLimitHits: 12, errors: 2 }) },
        {
          vendor: 'lusha',
          calls: 40,
          costUsd: isBad ? 3 : 1.6,
          ...(isBad && { quotaExhausted: true, rateLimitHits: 3, errors: 17 }),
        },
      ]),
      stage('score', at(15), at(25), score, [
        {
          vendor: 'openai',
          calls: 40,
          costUsd: isBad ? 5.88 : isSlow ? 6.68 : 2.08,
          ...(isBad && { rateLimitHits: 21, errors: 4 }),
        },
      ]),
      stage('export_odoo', at(25), at(30), exported, []),
    ],
    metrics: {
      candidates_selected: isBad ? 31 : 120,
      items_delivered: isBad ? 25 : 30,
      emails_found: 30,
      emails_verified: 28,
    },
    lostItems: isBad ? 3 : 0,
  };
}

/** 04:00, twenty minutes; acme's falls silent on the bad night, globex's goes on for three hours. */
function importRun({ tenantId, day, isBad, isSlow }: Place & { isSlow: boolean }): StoryRun {
  const at = (minute: number) => new Date(day.getTime() + (240 + minute) * MINUTE_MS);
  const end = at(isBad ? 5 : isSlow ? 180 : 20);
  return {
    ...named(tenantId, 'import', day),
    startedAt: at(0),
    endedAt: end,
    outcome: isBad ? 'silent' : 'succeeded',
    stages: [
      stage(
        'load',
        at(0),
        end,
        items(25, () => ({ ms: 400, failed: false })),
        [],
      ),
    ],
    metrics: {},
    lostItems: 0,
  };
}

/** 06:00, ten minutes; acme's has nothing to do on the bad day. */
function digest({ tenantId, day, isBad }: Place): StoryRun {
  const at = (second: number) => new Date(day.getTime() + 360 * MINUTE_MS + second * 1000);
  const end = at(isBad ? 40 : 600);
  return {
    ...named(tenantId, 'digest', day),
    startedAt: at(0),
    endedAt: end,
    outcome: 'succeeded',
    stages: [stage('compose', at(0), end, [], [])],
    metrics: {},
    lostItems: 0,
  };
}

function named(tenantId: number, pipeline: string, day: Date) {
  return { tenantId, pipeline, runKey: `${TENANT_NAMES[tenantId]}-${pipeline}-${day.toISOString().slice(0, 10)}` };
}

function stage(
  name: string,
  startedAt: Date,
  endedAt: Date,
  stageItems: StoryItem[],
  calls: StoryCalls[],
  failed = false,
): StoryStage {
  return { name, startedAt, endedAt, failed, items: stageItems, calls };
}

function items(count: number, make: (index: number) => Omit<StoryItem, 'id'>): StoryItem[] {
  return Array.from({ length: count }, (_, index) => ({ id: index + 1, ...make(index) }));
}
