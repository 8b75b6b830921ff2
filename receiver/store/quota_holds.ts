/** Notes which quota sent whom back until later: counted in memory and written every few seconds, so that a loud tenant costs no statements. */

import type pg from 'pg';
import type { HoldingQuota } from '../quota.ts';
import { loadSql } from './sql.ts';

export interface QuotaHolds {
  add(quota: HoldingQuota, tenantId: number): void;
  /** Writes what is left. Never rejects. */
  close(): Promise<void>;
}

const WRITE_EVERY_MS = 2_000;

/** @param pool of runledger_ingest */
export function createQuotaHolds(pool: pg.Pool, log: (message: string) => void): QuotaHolds {
  let waiting = new Map<string, { tenantId: number; quota: HoldingQuota; requests: number }>();
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();

  const write = async () => {
    timer = undefined;
    const holds = [...waiting.values()];
    waiting = new Map();
    if (holds.length === 0) return;
    const now = new Date().toISOString();
    try {
      await pool.query(loadSql('queries/store/add_quota_holds'), [
        holds.map(({ tenantId }) => tenantId),
        holds.map(({ quota }) => quota),
        holds.map(({ requests }) => requests),
        now,
        now.slice(0, 10),
      ]);
    } catch (error) {
      log(`how often quotas held was not noted: ${error instanceof Error ? error.message : ''}`);
    }
  };
  const writeNext = () => {
    writing = writing.then(write);
    return writing;
  };

  return {
    add(quota, tenantId) {
      const key = `${tenantId}:${quota}`;
      const hold = waiting.get(key);
      if (hold === undefined) waiting.set(key, { tenantId, quota, requests: 1 });
      else hold.requests++;
      timer ??= setTimeout(() => void writeNext(), WRITE_EVERY_MS);
    },
    close() {
      clearTimeout(timer);
      return writeNext();
    },
  };
}
