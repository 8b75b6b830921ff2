/** COPY of event rows, into the ledger or into the temporary table of a connection. */

import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import type { EventRow } from '../map/row.ts';
import { loadSql } from '../store/sql.ts';
import { RowEncoder } from './row_encoder.ts';

/** `run_event_logs` is the partitioned parent, `incoming` this connection's temporary table. */
export type CopyTarget = 'run_event_logs' | 'incoming';

/** An encoder's bytes belong to the connection until the COPY is over; as many are kept as have ever been needed at once. */
const idleEncoders: RowEncoder[] = [];

/** @throws a pg error: 23505 when a key is there already (only into run_event_logs), class 22 and 23 for a row that cannot be stored. */
export async function copyRows(client: pg.PoolClient, target: CopyTarget, rows: readonly EventRow[]): Promise<void> {
  const encoder = idleEncoders.pop() ?? new RowEncoder();
  const stream = client.query(copyFrom(loadSql(`queries/write/copy_into_${target}`)));
  await pipeline([encoder.encode(rows)], stream);
  // Not after a failure: the socket may still hold the bytes.
  idleEncoders.push(encoder);
}
