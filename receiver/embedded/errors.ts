/** The one error the launcher throws on purpose: its message is meant for the person at the terminal and says what to do next. */

export class EmbeddedError extends Error {
  override readonly name = 'EmbeddedError';
}

/** What every message about missing binaries ends with: the way out that works on any platform. */
export const useOwnDatabase = 'set DATABASE_URL to a PostgreSQL 15 to 18 server';

/** The `code` of a system error (ENOENT, EACCES, ...), else null. */
export function errorCode(error: unknown): string | null {
  if (typeof error !== 'object' || error === null || !('code' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
