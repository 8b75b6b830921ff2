/** Making, listing, revoking and seeding tokens. Only their SHA-256 is stored; the text is handed out once, when one is made. */

import { createHash, randomBytes } from 'node:crypto';
import type pg from 'pg';
import { loadSql } from './sql.ts';

export type TokenKind = 'tenant' | 'ingest' | 'admin';
export type Scope = 'write' | 'read' | 'review';

export const SCOPES: readonly Scope[] = ['write', 'read', 'review'];

/** So that a person, and a secret scanner, sees what leaked. */
const PREFIX: Record<TokenKind, string> = { tenant: 'rlt_', ingest: 'rli_', admin: 'rla_' };
export const DEFAULT_SCOPES: Record<TokenKind, readonly Scope[]> = { tenant: ['write', 'read'], ingest: [], admin: [] };
const TOKEN_BYTES = 32;
const SHORTEST_SEED = 16;
const LONGEST_TOKEN = 512;
const NAME_CHARS = 100;

export interface NewToken {
  kind: TokenKind;
  /** Exactly for kind tenant; the tenant must be registered. */
  tenantId?: number;
  name: string;
  /** For kind tenant; default write and read. */
  scopes?: readonly Scope[];
  expiresAt?: Date;
}

export interface TokenRecord {
  tokenId: number;
  kind: TokenKind;
  tenantId: number | null;
  name: string;
  scopes: Scope[];
  createdAt: Date;
  expiresAt: Date | null;
  revokedAt: Date | null;
  lastUsedAt: Date | null;
}

/** A request for a token or tenant that cannot be met as it stands; the message says what to change. */
export class InvalidRequestError extends Error {
  override readonly name = 'InvalidRequestError';
}

/** 32 random bytes behind the kind's prefix. */
export function generateToken(kind: TokenKind): string {
  return PREFIX[kind] + randomBytes(TOKEN_BYTES).toString('base64url');
}

export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** Whether a text can be a token at all: visible ASCII of a sane length. Anything else needs no look at the database. */
export function isTokenShaped(text: string): boolean {
  return text.length >= SHORTEST_SEED && text.length <= LONGEST_TOKEN && /^[\x21-\x7e]+$/.test(text);
}

/**
 * Makes a token, valid at once.
 * @param pool speaks as runledger_operator
 * @returns the token's text, which exists nowhere else, and its id
 * @throws InvalidRequestError for a tenant that is not registered, a scope or expiry that makes no sense
 */
export async function createToken(
  pool: Pick<pg.ClientBase, 'query'>,
  request: NewToken,
): Promise<{ token: string; tokenId: number }> {
  checkRequest(request);
  const token = generateToken(request.kind);
  const { rows } = await pool.query<{ token_id: number }>(loadSql('queries/store/create_token'), [
    request.kind,
    request.tenantId ?? 0,
    request.name,
    request.scopes ?? DEFAULT_SCOPES[request.kind],
    request.expiresAt ?? null,
    hashToken(token),
  ]);
  const row = rows[0];
  if (row === undefined) {
    throw new InvalidRequestError(`Tenant ${String(request.tenantId)} is not registered: register it first`);
  }
  return { token, tokenId: row.token_id };
}

function checkRequest(request: NewToken): void {
  if (request.name.trim() === '' || request.name.length > NAME_CHARS) {
    throw new InvalidRequestError(
      `A token needs a name of 1 to ${NAME_CHARS} characters, so that it can be told apart later`,
    );
  }
  if ((request.kind === 'tenant') !== (request.tenantId !== undefined)) {
    throw new InvalidRequestError(
      request.kind === 'tenant'
        ? 'A tenant token needs its tenant'
        : `A token of kind ${request.kind} belongs to no tenant`,
    );
  }
  if (request.kind !== 'tenant' && request.scopes !== undefined && request.scopes.length > 0) {
    throw new InvalidRequestError(
      `Only tenant tokens have scopes; what a token of kind ${request.kind} may do is fixed`,
    );
  }
  const unknown = request.scopes?.find((scope) => !SCOPES.includes(scope));
  if (unknown !== undefined || (request.kind === 'tenant' && request.scopes?.length === 0)) {
    throw new InvalidRequestError(
      `Scopes are one or more of ${SCOPES.join(', ')}${unknown === undefined ? '' : `, not ${unknown}`}`,
    );
  }
  if (request.expiresAt !== undefined && !(request.expiresAt.getTime() > Date.now())) {
    throw new InvalidRequestError('A token must expire in the future');
  }
}

/** All tokens ever made, oldest first, without anything secret. @param operators speaks as runledger_operator */
export async function listTokens(operators: Pick<pg.ClientBase, 'query'>): Promise<TokenRecord[]> {
  const { rows } = await operators.query(loadSql('queries/store/list_tokens'));
  return rows.map(recordOf);
}

function recordOf(row: {
  token_id: number;
  kind: TokenKind;
  tenant_id: number | null;
  name: string;
  scopes: Scope[];
  created_at: Date;
  expires_at: Date | null;
  revoked_at: Date | null;
  last_used_at: Date | null;
}): TokenRecord {
  return {
    tokenId: row.token_id,
    kind: row.kind,
    tenantId: row.tenant_id,
    name: row.name,
    scopes: row.scopes,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
    lastUsedAt: row.last_used_at,
  };
}

/** Takes a token back; verifiers stop taking it within 5 s. @returns false when there is no such token */
export async function revokeToken(pool: Pick<pg.ClientBase, 'query'>, tokenId: number): Promise<boolean> {
  const { rowCount } = await pool.query(loadSql('queries/store/revoke_token'), [tokenId]);
  return rowCount === 1;
}

/**
 * Makes another token with the rights of one that holds, which goes on holding for `graceMinutes`, or not at all with 0.
 * @param client in a transaction, as runledger_operator
 * @returns null when there is no such token, or it holds no more
 */
export async function rotateToken(
  client: Pick<pg.ClientBase, 'query'>,
  tokenId: number,
  graceMinutes: number,
): Promise<{ token: string; record: TokenRecord } | null> {
  const { rows } = await client.query<{ kind: TokenKind }>(loadSql('queries/store/lock_live_token'), [tokenId]);
  const [live] = rows;
  if (live === undefined) return null;
  const token = generateToken(live.kind);
  const made = await client.query(loadSql('queries/store/copy_token'), [tokenId, hashToken(token)]);
  await client.query(loadSql('queries/store/end_token'), [tokenId, graceMinutes]);
  return { token, record: recordOf(made.rows[0]) };
}

export type SeedOutcome = 'created' | 'present' | 'revoked';

/**
 * Registers the token that the configuration names. Repeatable; a changed value replaces the earlier one, which is revoked.
 * @param operators speaks as runledger_operator
 * @returns `revoked` when this very token was taken back before: it stays so
 * @throws InvalidRequestError when the text is shorter than 16 characters or has blanks or letters beyond ASCII
 */
export async function seedToken(
  operators: Pick<pg.ClientBase, 'query'>,
  kind: 'admin' | 'ingest',
  token: string,
): Promise<SeedOutcome> {
  const name = `RUNLEDGER_${kind.toUpperCase()}_TOKEN`;
  if (!isTokenShaped(token)) {
    throw new InvalidRequestError(
      `${name} must have ${SHORTEST_SEED} to ${LONGEST_TOKEN} visible ASCII characters and no blanks`,
    );
  }
  const { rows } = await operators.query<{ outcome: SeedOutcome }>(loadSql('queries/store/seed_token'), [
    kind,
    name,
    DEFAULT_SCOPES[kind],
    hashToken(token),
  ]);
  return rows[0]?.outcome ?? 'present';
}
