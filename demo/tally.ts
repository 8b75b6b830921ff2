/**
 * The demo's own count of what it did. Plain numbers, added where the work is done and never read from the SDK or the ledger: what the
 * ledger says afterwards is compared with this.
 */

export type Outcome = 'good' | 'bad' | 'skipped';

export interface StageTally {
  total: number;
  success: number;
  error: number;
  retries: number;
  fallbacks: number;
  tokensInput: number;
  tokensOutput: number;
  nanoUsd: number;
  failed: boolean;
}

export interface VendorTally {
  calls: number;
  errors: number;
  rateLimitHits: number;
  quotaExhausted: boolean;
  tokensInput: number;
  tokensOutput: number;
  nanoUsd: number;
}

/** One use of a vendor, as it went. */
export interface CallTally {
  /** The model that was asked. */
  model?: string | undefined;
  calls: number;
  errors: number;
  rateLimitHits: number;
  quotaExhausted: boolean;
  tokensInput: number;
  tokensOutput: number;
  nanoUsd: number;
}

export class RunTally {
  readonly tenantId: number;
  readonly runKey: string;
  readonly stages = new Map<string, StageTally>();
  readonly vendors = new Map<string, VendorTally>();
  /** By vendor and model, as `openai gpt-4o`. */
  readonly models = new Map<string, VendorTally>();
  readonly metrics = new Map<string, number>();
  /** Spans of each kind that the pipeline caused. */
  items = 0;
  vendorCalls = 0;
  outcome: 'running' | 'succeeded' | 'failed' | 'cancelled' = 'running';
  degraded = false;

  constructor(tenantId: number, runKey: string) {
    this.tenantId = tenantId;
    this.runKey = runKey;
  }

  stage(name: string): StageTally {
    return entry(this.stages, name, () => ({
      total: 0,
      success: 0,
      error: 0,
      retries: 0,
      fallbacks: 0,
      tokensInput: 0,
      tokensOutput: 0,
      nanoUsd: 0,
      failed: false,
    }));
  }

  /** One unit of a stage. */
  unit(stageName: string, outcome: Outcome): void {
    const stage = this.stage(stageName);
    stage.total++;
    if (outcome === 'good') stage.success++;
    if (outcome === 'bad') stage.error++;
  }

  call(stageName: string, vendorName: string, call: CallTally): void {
    this.vendorCalls++;
    const users = [entry(this.vendors, vendorName, newCallTally)];
    if (call.model !== undefined) users.push(entry(this.models, `${vendorName} ${call.model}`, newCallTally));
    for (const sums of [...users, this.stage(stageName)]) {
      sums.tokensInput += call.tokensInput;
      sums.tokensOutput += call.tokensOutput;
      sums.nanoUsd += call.nanoUsd;
    }
    for (const user of users) {
      user.calls += call.calls;
      user.errors += call.errors;
      user.rateLimitHits += call.rateLimitHits;
      user.quotaExhausted ||= call.quotaExhausted;
    }
  }

  setMetric(name: string, value: number): void {
    this.metrics.set(name, value);
  }

  addMetric(name: string, value: number): void {
    this.metrics.set(name, (this.metrics.get(name) ?? 0) + value);
  }
}

export function newCallTally(): CallTally {
  return {
    calls: 0,
    errors: 0,
    rateLimitHits: 0,
    quotaExhausted: false,
    tokensInput: 0,
    tokensOutput: 0,
    nanoUsd: 0,
  };
}

function entry<T>(map: Map<string, T>, name: string, make: () => T): T {
  let found = map.get(name);
  if (found === undefined) {
    found = make();
    map.set(name, found);
  }
  return found;
}
