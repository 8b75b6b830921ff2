/**
 * One sweep over all rules: judge, write what changed, and put the messages into the outbox, each rule in a transaction of its own. Sweeps of
 * several receivers take turns rule by rule; a sweep that dies half-way has done whole rules only, and the next one goes on.
 */

import type { Pool } from 'pg';
import { inTransaction } from '../../store/pool.ts';
import { evaluateRule } from './evaluate.ts';
import { loadRules } from './load_rules.ts';
import { emptyResult, type RuleSweepOptions, type SweepResult, sweepRule } from './sweep_rule.ts';

export interface SweepLog {
  warn(fields: object, message: string): void;
}

export interface SweepOptions extends RuleSweepOptions {
  log: SweepLog;
}

/** @param pool speaks as runledger_owner. @throws only when the rules themselves cannot be read */
export async function sweepAlerts(pool: Pool, options: SweepOptions): Promise<SweepResult> {
  const { rules } = await inTransaction(pool, (client) => loadRules(client), { readOnly: true });
  const result = emptyResult();
  for (const rule of rules) {
    try {
      await sweepRule(pool, rule, (client, asOf) => evaluateRule(client, rule, asOf), options, result);
    } catch (error) {
      result.failed++;
      options.log.warn({ rule: rule.rule, err: error }, 'a rule could not be judged, its alerts stay as they are');
    }
  }
  return result;
}
