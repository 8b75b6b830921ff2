/** Which nights the demo plays, when they were, and what goes wrong in each: the last one is the one to learn from. */

import { DEMO_TENANTS, type DemoTenant } from './companies.ts';

/** How the outside world is that night, for one tenant. Shares are from 0 to 1. */
export interface Weather {
  /** Company sites that time out, break off or answer with an error. */
  deadSites: number;
  /** Searches that Tavily puts off with 429. */
  tavilyBusy: number;
  /** Lookups that are left on the Lusha account. */
  lushaCredits: number;
  /** Completions that the OpenAI account still pays for. */
  openaiCompletions: number;
}

export interface Night {
  /** 2026-11-21, the local day on which the night ends. */
  date: string;
  startedAt: Date;
  nightsAgo: number;
  weather(tenant: DemoTenant): Weather;
}

const NIGHT_STARTS_AT_HOUR = 2;
const CALM: Weather = { deadSites: 0.12, tavilyBusy: 0.08, lushaCredits: Infinity, openaiCompletions: Infinity };

/**
 * The last `count` nights that have begun, oldest first, each at 02:00 local time.
 * @param companies per tenant, by which the credits that run out are measured
 */
export function planNights(count: number, companies: number, now = new Date()): Night[] {
  const last = new Date(now);
  last.setHours(NIGHT_STARTS_AT_HOUR, 0, 0, 0);
  if (last > now) last.setDate(last.getDate() - 1);
  return Array.from({ length: count }, (_, index) => {
    const nightsAgo = count - 1 - index;
    const startedAt = new Date(last);
    startedAt.setDate(startedAt.getDate() - nightsAgo);
    const weather = (tenant: DemoTenant) => weatherOf(tenant, nightsAgo, companies);
    return { date: dateOf(startedAt), startedAt, nightsAgo, weather };
  });
}

function weatherOf(tenant: DemoTenant, nightsAgo: number, companies: number): Weather {
  const isFirst = tenant === DEMO_TENANTS[0];
  if (nightsAgo === 0 && isFirst) return { ...CALM, openaiCompletions: Math.round(companies * 0.3) };
  if (nightsAgo === 0) return { ...CALM, deadSites: 0.45, tavilyBusy: 0.2 };
  if (nightsAgo === 1 && !isFirst) return { ...CALM, lushaCredits: Math.round(companies * 0.35) };
  return CALM;
}

/** The local calendar day: toISOString would give the day before in zones east of Greenwich. */
function dateOf(time: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
}
