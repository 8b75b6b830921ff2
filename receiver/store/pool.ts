/**
 * Connections to PostgreSQL. Each pool speaks as one of our roles and each connection is set up before its first use, so that no query
 * depends on what a database or a login happens to have as defaults. Everything that reads or writes the database goes through here.
 */

import pg from 'pg';
import { DISCONNECTED, isConnectionLost, isRetryable, NOT_CONNECTED } from './errors.ts';
import { parseJson } from './json.ts';
import { loadSql } from './sql.ts';

export { isRetryable, isRowFault } from './errors.ts';

export type DatabaseRole = 'runledger_owner' | 'runledger_ingest' | 'runledger_reader' | 'runledger_operator';

export interface PoolOptions {
  databaseUrl: string;
  role: DatabaseRole;
  maxConnections: number;
  /** Default 8,000; 0: none. */
  statementTimeoutMs?: number;
  /** Receives what happened to idle connections; never a secret. */
  log?: (message: string) => void;
}

const STATEMENT_TIMEOUT_MS = 8_000;
const CONNECT_TIMEOUT_MS = 5_000;
/** How much longer than its own statement_timeout a server may take to say so. */
const ANSWER_GRACE_MS = 2_000;
const INT8_OID = 20;
const JSON_OID = 114;
const JSONB_OID = 3802;
const INT8_ARRAY_OID = 1016;
const DATE_OID = 1082;
const DATE_ARRAY_OID = 1182;
const TEXT_ARRAY_OID = 1009;

/**
 * A pool whose connections run as `role`: statement_timeout 8 s, lock_timeout 3 s, idle_in_transaction 15 s, UTC, search_path public.
 * int8 comes as a number where it is a safe integer (ids are below 2^53 by contract), else as text; numeric stays text; timestamptz is
 * a Date; date is its text, because a day has no time that a timezone could move. A stopped server is reported to `log` and to the query that meets it; it never ends the process.
 * @throws nothing itself; connecting fails with a pg error (28xxx, 3D000, 42501, class 08 ...)
 */
export function createPool(options: PoolOptions): pg.Pool {
  const log = options.log ?? (() => undefined);
  const statementTimeoutMs = options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS;
  // A connection that a firewall forgot stays open and silent for as long as TCP has patience, a quarter of an hour; a few of them would
  // stop ingest. Only ingest, because the other roles lengthen statement_timeout for long work.
  const isBounded = options.role === 'runledger_ingest' && statementTimeoutMs > 0;
  const pool = new LedgerPool({
    connectionString: options.databaseUrl,
    max: options.maxConnections,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    ...(isBounded ? { query_timeout: statementTimeoutMs + ANSWER_GRACE_MS } : {}),
    application_name: options.role,
    types: { getTypeParser },
    onConnect: async (client) => {
      // pg passes the same error object to this listener and, later in the tick, to every query that waits on the connection: giving
      // it a SQLSTATE here is what lets callers tell a lost connection by its code.
      client.on('error', (error) => {
        markCode(error, DISCONNECTED);
        log(`database connection lost: ${error.message}`);
      });
      await client.query(loadSql('queries/store/set_connection'), [options.role, String(statementTimeoutMs)]);
    },
  });
  // Without a listener the loss of an idle connection would end the process.
  pool.on('error', () => undefined);
  return pool;
}

/** Errors of connecting that carry no code (time-outs, a pool that was ended) get the SQLSTATE for "cannot connect". */
class LedgerPool extends pg.Pool {
  override connect(): Promise<pg.PoolClient>;
  override connect(
    callback: (error: Error | undefined, client: pg.PoolClient | undefined, done: (release?: unknown) => void) => void,
  ): void;
  override connect(
    callback?: (error: Error | undefined, client: pg.PoolClient | undefined, done: (release?: unknown) => void) => void,
  ): Promise<pg.PoolClient> | undefined {
    if (callback === undefined) {
      return super.connect().catch((error: unknown) => {
        throw markCode(error, NOT_CONNECTED);
      });
    }
    super.connect((error, client, done) => {
      callback(error === undefined || error === null ? undefined : markCode(error, NOT_CONNECTED), client, done);
    });
    return undefined;
  }
}

function markCode<E>(error: E, code: string): E {
  if (error instanceof Error && !('code' in error && typeof error.code === 'string')) Object.assign(error, { code });
  return error;
}

const getTypeParser: typeof pg.types.getTypeParser = (oid, format) => {
  const parse = pg.types.getTypeParser(oid, format);
  if (format === 'binary') return parse;
  if (oid === INT8_OID) return toSafeNumber;
  if (oid === DATE_OID) return (text: string) => text;
  if (Number(oid) === DATE_ARRAY_OID) return pg.types.getTypeParser(TEXT_ARRAY_OID as typeof oid);
  if (oid === JSON_OID || oid === JSONB_OID) return parseJson;
  if (Number(oid) === INT8_ARRAY_OID) return (text: string) => mapNested(parse(text));
  return parse;
};

function toSafeNumber(text: string): number | string {
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : text;
}

function mapNested(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(mapNested);
  return typeof value === 'string' ? toSafeNumber(value) : value;
}

export interface TransactionOptions {
  readOnly?: boolean;
  isolation?: 'read committed' | 'repeatable read' | 'serializable';
}

/**
 * Runs `work` in one transaction: COMMIT when it returns, ROLLBACK when it throws. The connection goes back to the pool unless it broke.
 * @throws what `work` threw, or the error of BEGIN or COMMIT; Error with code 25P02 when `work` swallowed an error that had already
 * failed the transaction, so that a COMMIT which the server turned into a ROLLBACK is never taken for success
 */
export async function inTransaction<T>(
  pool: pg.Pool,
  work: (client: pg.PoolClient) => Promise<T>,
  options: TransactionOptions = {},
): Promise<T> {
  return runTransaction(pool, beginText(options), work);
}

/**
 * Like inTransaction, with `app.tenant_id` set for the policies of runledger_reader.
 * @param tenantId an integer in [0, 2^31)
 * @throws RangeError for any other tenantId, before a connection is taken
 */
export async function inTenant<T>(
  pool: pg.Pool,
  tenantId: number,
  work: (client: pg.PoolClient) => Promise<T>,
  options: TransactionOptions = {},
): Promise<T> {
  if (!Number.isInteger(tenantId) || tenantId < 0 || tenantId > 2_147_483_647) {
    throw new RangeError(`A tenant id is an integer from 0 to 2147483647, not ${String(tenantId)}`);
  }
  // A literal, because SET takes no parameters and Citus hands only a literal SET LOCAL on to its workers; the check above makes it safe.
  return runTransaction(pool, `${beginText(options)}; set local app.tenant_id = '${tenantId}'`, work);
}

function beginText(options: TransactionOptions): string {
  const isolation = options.isolation === undefined ? '' : ` isolation level ${options.isolation}`;
  return `begin${isolation}${options.readOnly === true ? ' read only' : ''}`;
}

async function runTransaction<T>(
  pool: pg.Pool,
  begin: string,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  let lost: Error | undefined;
  const onLost = (error: Error) => {
    lost = error;
  };
  client.on('error', onLost);
  let broken: Error | undefined;
  try {
    await client.query(begin);
    const result = await work(client);
    const { command } = await client.query('commit');
    if (command !== 'COMMIT') {
      throw Object.assign(new Error('The transaction had failed and was rolled back'), { code: '25P02' });
    }
    return result;
  } catch (error) {
    // The words are pg's own, not the server's, and all that it gives.
    if (error instanceof Error && error.message === 'Query read timeout') markCode(error, DISCONNECTED);
    broken = await rollBack(client, error, lost);
    // After a loss pg answers further queries with errors that have no code; the loss itself is what the caller must see.
    throw lost ?? error;
  } finally {
    client.off('error', onLost);
    client.release(broken);
  }
}

/** Resolves to the error that makes the connection unusable, or to undefined when it can go back to the pool. */
async function rollBack(client: pg.PoolClient, cause: unknown, lost: Error | undefined): Promise<Error | undefined> {
  if (lost !== undefined) return lost;
  if (isConnectionLost(cause)) return cause as Error;
  try {
    await client.query('rollback');
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** Waits before another try: for callers that retry what isRetryable names. */
export async function retrying<T>(tries: number, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt >= tries || !isRetryable(error)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20 * attempt + Math.random() * 50));
    }
  }
}
