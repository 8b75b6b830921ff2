/** Everything that somebody changes by the API leaves a line in runledger.acts: who by name, with which token, what, and why. */

import { z } from 'zod';
import { loadSql } from '../store/sql.ts';
import type { Caller, Queryable } from './access.ts';
import { text } from './input.ts';

/** A person's name. */
export const person = text(100).refine((name) => name.trim() !== '', 'is blank');
export const reason = text(500).refine((words) => words.trim() !== '', 'is blank');
export const note = z
  .string()
  .max(2000)
  .refine((words) => !words.includes('\0'), 'holds a NUL character');

export interface Act {
  /** 0: the installation. */
  tenantId: number;
  /** null: the token's name stands for whoever uses it. */
  by: string | null;
  act: string;
  object: string;
  reason?: string | null;
  details?: Record<string, unknown>;
}

/** Under which name somebody acts: who signed in as a person cannot act as another. */
export function actorOf(caller: Caller, given: string): string {
  return caller.person ?? given.trim();
}

/** In the transaction of the change where that is possible, so that none is without the other. */
export async function recordAct(client: Queryable, caller: Caller, act: Act, now: Date): Promise<void> {
  const details = { ...act.details, token_id: caller.tokenId, token: caller.name };
  await client.query(loadSql('queries/alerts/add_act'), [
    act.tenantId,
    now,
    act.by === null ? (caller.person ?? caller.name) : actorOf(caller, act.by),
    act.act,
    act.object,
    act.reason ?? null,
    JSON.stringify(details),
  ]);
}
