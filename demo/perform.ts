/** Plays the nights: the tenants of one night side by side in this process, night after night, sent by the SDK over OTLP. */

import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { type SdkStats, setup } from '../sdk/index.ts';
import { DEMO_TENANTS, type DemoTenant } from './companies.ts';
import { type Night, planNights } from './nights.ts';
import { runNightly } from './pipeline.ts';
import type { StageProgress } from './shift.ts';
import type { RunTally } from './tally.ts';
import { openAccount, type VendorAccount } from './vendor_accounts.ts';
import { startVendorServer, type VendorServer } from './vendor_server.ts';

export interface PerformOptions {
  /** Base URL of the receiver, without /v1/traces. */
  endpoint: string;
  /** May send for all tenants of the demo. */
  token: string;
  nights: number;
  /** In each tenant's list. */
  companies: number;
  signal: AbortSignal;
  stage: StageManager;
}

/** Who shows what goes on. */
export interface StageManager {
  nightBegins(night: Night): void;
  runBegins(night: Night, tenant: DemoTenant): RunWatcher;
}

export interface RunWatcher {
  progress(progress: StageProgress): void;
  ended(played: PlayedRun): void;
}

/** One run as it was played: the demo's own count, and the vendors' books of the same night. */
export interface PlayedRun {
  tenant: DemoTenant;
  night: Night;
  tally: RunTally;
  account: VendorAccount;
  tookMs: number;
}

export interface Performance {
  runs: PlayedRun[];
  /** Spans handed over, acknowledged and lost. */
  sent: SdkStats;
}

/** Resolves once every span is acknowledged, or is known to be lost. */
export async function perform(options: PerformOptions): Promise<Performance> {
  forgetOpenTelemetryVariables();
  // Every request under way listens to it.
  setMaxListeners(0, options.signal);
  const telemetry = setup({
    endpoint: options.endpoint,
    token: options.token,
    serviceName: 'enrichment',
    // The receiver may live in this very process, which must then stay awake to take the last spans: see the command's own handling.
    exitHooks: false,
  });
  const vendors = await startVendorServer();
  try {
    const runs: PlayedRun[] = [];
    const edition = randomBytes(2).toString('hex');
    for (const night of planNights(options.nights, options.companies)) {
      if (options.signal.aborted) break;
      options.stage.nightBegins(night);
      runs.push(...(await playNight(night, edition, vendors, options)));
    }
    await telemetry.forceFlush();
    return { runs, sent: telemetry.stats() };
  } finally {
    await vendors.close();
    await telemetry.shutdown();
  }
}

function playNight(
  night: Night,
  edition: string,
  vendors: VendorServer,
  { companies, signal, stage }: PerformOptions,
): Promise<PlayedRun[]> {
  const play = async (tenant: DemoTenant): Promise<PlayedRun> => {
    // A key of its own for each performance: playing again adds runs, and sending again what was captured adds nothing.
    const runKey = `${tenant.name}-${night.date}-${edition}`;
    const account = openAccount(`${tenant.name}/${night.date}`, tenant, companies, night);
    vendors.admit(account);
    const watcher = stage.runBegins(night, tenant);
    const begunMs = performance.now();
    const onProgress = (progress: StageProgress) => watcher.progress(progress);
    const place = { vendorsUrl: vendors.url, account: account.id };
    const tally = await runNightly({ tenant, night, runKey, signal, onProgress, ...place });
    const played = { tenant, night, tally, account, tookMs: performance.now() - begunMs };
    watcher.ended(played);
    return played;
  };
  return Promise.all(DEMO_TENANTS.map(play));
}

/**
 * The standard variables win over the SDK's options. Those of the person who tries the demo belong to another application, and must not
 * lead the demo's spans elsewhere.
 */
function forgetOpenTelemetryVariables(): void {
  for (const name of Object.keys(process.env)) if (name.startsWith('OTEL_')) delete process.env[name];
  process.env.OTEL_RESOURCE_ATTRIBUTES = 'service.version=1.4.2';
  process.env.OTEL_BSP_SCHEDULE_DELAY = '500';
}
