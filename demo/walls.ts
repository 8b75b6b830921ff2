/** Asks the API for every played run with each tenant's own token: a tenant must find its own runs, and nothing of the other's. */

import type { DemoLedger } from './ledger.ts';
import type { PlayedRun } from './perform.ts';

export interface WallsCheck {
  /** Own runs that a tenant's token read, and runs of others that it could not. */
  own: number;
  foreign: number;
  /** Answers that were not as they must be. */
  wrong: string[];
}

/** @returns null when no API answers at the address that the configuration names */
export async function checkWalls(ledger: DemoLedger, runs: readonly PlayedRun[]): Promise<WallsCheck | null> {
  const check: WallsCheck = { own: 0, foreign: 0, wrong: [] };
  for (const [tenantId, token] of ledger.readTokens) {
    for (const { tally } of runs) {
      const isOwn = tally.tenantId === tenantId;
      const status = await askApi(`${ledger.apiUrl}/runs/${tally.runKey}`, token);
      if (status === null) return null;
      if (status !== (isOwn ? 200 : 404)) check.wrong.push(`tenant ${tenantId} asked for ${tally.runKey}: ${status}`);
      else if (isOwn) check.own++;
      else check.foreign++;
    }
  }
  return check;
}

async function askApi(url: string, token: string): Promise<number | null> {
  try {
    const response = await fetch(url, {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(5_000),
    });
    await response.arrayBuffer();
    return response.status;
  } catch {
    // A receiver that was there before may have its API elsewhere.
    return null;
  }
}
