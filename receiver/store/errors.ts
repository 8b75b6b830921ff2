/**
 * What a database error means, read from its SQLSTATE or its connection error code and never from its words, which change with the
 * server's version and language (and carry shard names on Citus).
 */

/** Our marks for errors of pg that carry no code of their own: SQLSTATE class 08. */
export const NOT_CONNECTED = '08001';
export const DISCONNECTED = '08006';

/** SQLSTATE classes of which every member may pass later: connection, resources, operator intervention, the server's disk. */
const PASSING_CLASSES = new Set(['08', '28', '3D', '53', '57', '58']);
const PASSING_STATES = new Set([
  '40001', // serialization_failure
  '40P01', // deadlock_detected
  '40003', // statement_completion_unknown
  '55P03', // lock_not_available
  '55006', // object_in_use
  '25006', // read_only_sql_transaction: connected to a replica during a failover
  '25P03', // idle_in_transaction_session_timeout
  '25P04', // transaction_timeout
]);
const CONNECTION_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENETRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EADDRNOTAVAIL',
  'EMFILE',
  'ENFILE',
  'ENOENT', // a unix socket that is not there yet
  'ERR_STREAM_PREMATURE_CLOSE', // a COPY whose connection went away
  'ERR_STREAM_DESTROYED',
]);

/** The SQLSTATE or system code of an error, or undefined. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

function isSqlState(code: string): boolean {
  return /^[0-9A-Z]{5}$/.test(code) && !CONNECTION_CODES.has(code);
}

/**
 * Whether the same work may succeed later without anybody changing it: lost connections, locks and deadlocks, time-outs, a full or
 * starting server, and a login or database that an administrator still has to set right. Everything else is permanent.
 */
export function isRetryable(error: unknown): boolean {
  // Node reports a host with several addresses as one AggregateError.
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.every(isRetryable);
  const code = errorCode(error);
  if (code === undefined) return false;
  if (CONNECTION_CODES.has(code)) return true;
  return isSqlState(code) && (PASSING_STATES.has(code) || PASSING_CLASSES.has(code.slice(0, 2)));
}

/** Whether the rows themselves are at fault (data exception, violated constraint), so that leaving one out can help. */
export function isRowFault(error: unknown): boolean {
  const code = errorCode(error);
  return code !== undefined && isSqlState(code) && (code.startsWith('22') || code.startsWith('23'));
}

/** Whether the connection is gone, whatever became of the transaction on it. */
export function isConnectionLost(error: unknown): boolean {
  const code = errorCode(error);
  if (code === undefined) return false;
  if (CONNECTION_CODES.has(code)) return true;
  return code.startsWith('08') || ['57P01', '57P02', '57P03', '57P05', '25P03', '25P04'].includes(code);
}
