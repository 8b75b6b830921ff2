/**
 * From the bearer token of a request to who sent it, on every request: a short-lived cache over runledger.find_token. A flood of unknown
 * tokens costs bounded memory and a bounded number of look-ups, and tokens that were good a moment ago are looked up before strangers.
 */

import type pg from 'pg';
import { loadSql } from './sql.ts';
import { hashToken, isTokenShaped, type Scope, type TokenKind } from './tokens.ts';

export interface Credential {
  tokenId: number;
  kind: TokenKind;
  /** null unless kind is tenant. */
  tenantId: number | null;
  scopes: readonly Scope[];
  name: string;
  /** Who signed in at the identity provider; absent: a token, which says what one may do and not who one is. */
  person?: string;
}

export interface TokenVerifier {
  /**
   * @returns who the token stands for; null: unknown, expired, revoked, or its tenant is disabled
   * @throws the database error when the look-up failed, or an error of SQLSTATE 53300 when too many strangers wait (both retryable)
   */
  verify(token: string): Promise<Credential | null>;
  close(): void;
}

/** A revoked token dies within 5 s of its revocation; the rest of the 5 s is for the look-up itself. */
const GOOD_MS = 4_500;
/** Short, because a token may be seeded just after its first use. */
const UNKNOWN_MS = 1_000;
const CACHED_TOKENS = 5_000;
const LOOKUPS_AT_ONCE = 2;
const WAITING_STRANGERS = 256;
const WAITING_KNOWN = 4_096;
const USED_EVERY_MS = 60_000;

interface Entry {
  credential: Credential | null;
  untilMs: number;
}

interface Waiting {
  key: string;
  hash: Buffer;
  resolve: (credential: Credential | null) => void;
  reject: (error: unknown) => void;
}

/**
 * @param pool of runledger_ingest or runledger_operator
 * @param options.log told when noting a token's last use failed, which fails no request
 */
export function createTokenVerifier(pool: pg.Pool, options: { log?: (message: string) => void } = {}): TokenVerifier {
  return new CachedVerifier(pool, options.log ?? (() => undefined));
}

class CachedVerifier implements TokenVerifier {
  readonly #pool: pg.Pool;
  readonly #log: (message: string) => void;
  /** Two caches, so that strangers never push a good token out. Keyed by SHA-256, so that the texts stay nowhere. */
  readonly #good = new Map<string, Entry>();
  readonly #unknown = new Map<string, Entry>();
  readonly #pending = new Map<string, Promise<Credential | null>>();
  readonly #knownQueue: Waiting[] = [];
  readonly #strangerQueue: Waiting[] = [];
  readonly #usedAtMs = new Map<number, number>();
  #running = 0;
  #closed = false;

  constructor(pool: pg.Pool, log: (message: string) => void) {
    this.#pool = pool;
    this.#log = log;
  }

  async verify(token: string): Promise<Credential | null> {
    if (!isTokenShaped(token)) return null;
    const hash = hashToken(token);
    const key = hash.toString('base64');
    const entry = this.#good.get(key) ?? this.#unknown.get(key);
    if (entry !== undefined && performance.now() < entry.untilMs) return this.#use(entry.credential);
    let pending = this.#pending.get(key);
    if (pending === undefined) {
      pending = this.#enqueue(key, hash).finally(() => this.#pending.delete(key));
      this.#pending.set(key, pending);
    }
    return this.#use(await pending);
  }

  close(): void {
    this.#closed = true;
    this.#good.clear();
    this.#unknown.clear();
    for (const waiting of [...this.#knownQueue.splice(0), ...this.#strangerQueue.splice(0)])
      waiting.reject(closedError());
  }

  #enqueue(key: string, hash: Buffer): Promise<Credential | null> {
    if (this.#closed) return Promise.reject(closedError());
    const known = this.#good.has(key);
    const queue = known ? this.#knownQueue : this.#strangerQueue;
    if (queue.length >= (known ? WAITING_KNOWN : WAITING_STRANGERS)) {
      return Promise.reject(Object.assign(new Error('Too many tokens wait to be looked up'), { code: '53300' }));
    }
    return new Promise((resolve, reject) => {
      queue.push({ key, hash, resolve, reject });
      this.#pump();
    });
  }

  #pump(): void {
    while (this.#running < LOOKUPS_AT_ONCE) {
      const waiting = this.#knownQueue.shift() ?? this.#strangerQueue.shift();
      if (waiting === undefined) return;
      this.#running++;
      this.#lookUp(waiting)
        .then(waiting.resolve, waiting.reject)
        .finally(() => {
          this.#running--;
          this.#pump();
        });
    }
  }

  async #lookUp({ key, hash }: Waiting): Promise<Credential | null> {
    // Counted from before the look-up: a revocation that commits while it runs is seen in time all the same.
    const startedMs = performance.now();
    const { rows } = await this.#pool.query(loadSql('queries/store/find_token'), [hash]);
    const row = rows[0];
    this.#good.delete(key);
    this.#unknown.delete(key);
    if (row === undefined) {
      remember(this.#unknown, key, { credential: null, untilMs: startedMs + UNKNOWN_MS });
      return null;
    }
    const credential: Credential = {
      tokenId: row.token_id,
      kind: row.kind,
      tenantId: row.kind === 'tenant' ? row.tenant_id : null,
      scopes: row.scopes,
      name: row.name,
      ...(row.person === null ? {} : { person: row.person }),
    };
    const leftMs = row.expires_at === null ? GOOD_MS : Math.min(GOOD_MS, row.expires_at.getTime() - Date.now());
    remember(this.#good, key, { credential, untilMs: startedMs + leftMs });
    return credential;
  }

  #use(credential: Credential | null): Credential | null {
    if (credential === null) return null;
    const nowMs = performance.now();
    const usedAtMs = this.#usedAtMs.get(credential.tokenId);
    if (usedAtMs === undefined || nowMs - usedAtMs >= USED_EVERY_MS) {
      this.#usedAtMs.delete(credential.tokenId);
      remember(this.#usedAtMs, credential.tokenId, nowMs);
      this.#pool.query(loadSql('queries/store/mark_token_used'), [credential.tokenId]).catch((error: unknown) => {
        this.#log(
          `The last use of token ${credential.tokenId} was not noted: ${error instanceof Error ? error.message : 'unknown'}`,
        );
      });
    }
    return credential;
  }
}

/** Adds an entry and drops the oldest ones beyond the limit. */
function remember<K, V>(cache: Map<K, V>, key: K, value: V): void {
  cache.set(key, value);
  for (const oldest of cache.keys()) {
    if (cache.size <= CACHED_TOKENS) return;
    cache.delete(oldest);
  }
}

function closedError(): Error {
  return Object.assign(new Error('The receiver is stopping'), { code: '57P01' });
}
