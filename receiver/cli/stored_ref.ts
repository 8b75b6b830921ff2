/** A run key as the database has it: one with an address or a secret in it is stored hashed, and people ask with the key as it was sent. */

import { isHarmless } from '../map/privacy.ts';
import { createStoredKey } from '../serve/stored_key.ts';
import { loadSql } from '../store/sql.ts';
import type { CommandDatabase } from './database.ts';

/** @returns what to look for; the text itself when there is nothing in it to hide */
export async function storedRef(database: CommandDatabase, ref: string): Promise<string> {
  if (isHarmless(ref)) return ref;
  // Only the write path and the owner may know the key of this installation.
  const pool = database.pool('runledger_ingest');
  const { rows } = await pool.query<{ privacy_key: string }>(loadSql('queries/store/read_privacy_key'));
  const [key] = rows;
  return key === undefined ? ref : createStoredKey(Buffer.from(key.privacy_key, 'hex'))(ref);
}
