/**
 * Reads what mapping needs to know of this installation (tenants, vendors, prices, names, the privacy key, the retention floor), and the
 * quotas of tenants, and keeps it current. Each request maps under one immutable value; a database that is away leaves the last one in place.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { Price, Snapshot, Vendor } from '../map/snapshot.ts';
import { NO_QUOTAS, type Quota, type Quotas } from '../quota.ts';
import { loadSql } from './sql.ts';

const LOOK_EVERY_MS = 2_000;
/** Senders may name unknown tenants as often as they like; this is how often the database hears of it. */
const ASKED_EVERY_MS = 1_000;
const DAY_MS = 86_400_000;

export interface SnapshotOptions {
  /** Hosts allowed in langsmith_trace_url besides loopback. */
  linkHosts: Iterable<string>;
  /** Spans that ended before today (UTC) minus this many days are too old, even before the nightly job has moved the floor. */
  retentionDays?: number;
  log?: (message: string) => void;
}

export interface SnapshotSource {
  current(): Snapshot;
  quotas(): Quotas;
  /** Reads again at once, for a caller that has just changed something (registered a tenant). @throws the database error */
  refresh(): Promise<void>;
  /**
   * Waits for what the database said at that time or later, which takes up to a second: whoever asks meanwhile waits for the same look.
   * @param sinceMs of performance.now()
   * @throws the database error
   */
  readSince(sinceMs: number): Promise<void>;
  close(): void;
}

interface SnapshotRow {
  tenants: { id: number; name: string | null; active: boolean }[];
  vendors: { name: string; countHttp: boolean; aliases: string[]; hosts: string[] }[];
  prices: (Omit<Price, 'fromUs'> & { fromUs: string | null })[];
  aliases: { alias: string; attribute: string }[];
  quotas: (Quota & { tenantId: number })[];
  privacyKey: string;
  floorUs: string;
}

/**
 * @param pool of runledger_ingest
 * @throws the database error when the first look fails
 */
export async function createSnapshotSource(pool: pg.Pool, options: SnapshotOptions): Promise<SnapshotSource> {
  const source = new PolledSnapshot(pool, options);
  await source.start();
  return source;
}

class PolledSnapshot implements SnapshotSource {
  readonly #pool: pg.Pool;
  readonly #options: SnapshotOptions;
  #snapshot: Snapshot | undefined;
  #quotas: Quotas = NO_QUOTAS;
  #fingerprint = '';
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  #failing = false;
  /** When the look began that the snapshot is of, of performance.now(). */
  #readAtMs = Number.NEGATIVE_INFINITY;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  /** The look that those wait for who asked after the last one began. */
  #asked: Promise<void> | null = null;
  /** Looks run one after the other, so that an older one never overwrites what a newer one read. */
  #last: Promise<void> = Promise.resolve();

  constructor(pool: pg.Pool, options: SnapshotOptions) {
    this.#pool = pool;
    this.#options = options;
  }

  async start(): Promise<void> {
    await this.refresh();
    this.#schedule();
  }

  current(): Snapshot {
    if (this.#snapshot === undefined) throw new Error('The snapshot was not read yet');
    return this.#snapshot;
  }

  quotas(): Quotas {
    return this.#quotas;
  }

  refresh(): Promise<void> {
    const look = this.#last.then(() => this.#look());
    this.#last = look.catch(() => undefined);
    return look;
  }

  async readSince(sinceMs: number): Promise<void> {
    if (this.#readAtMs >= sinceMs) return;
    this.#asked ??= this.#askAgain();
    await this.#asked;
  }

  async #askAgain(): Promise<void> {
    // Always a turn later, so that what is cleared here has been set.
    await sleep(Math.max(0, this.#askedAtMs + ASKED_EVERY_MS - performance.now()));
    this.#asked = null;
    this.#askedAtMs = performance.now();
    await this.refresh();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => {
      this.refresh()
        .then(
          () => {
            this.#failing = false;
          },
          (error: unknown) => {
            if (!this.#failing)
              this.#options.log?.(
                `Tenants and prices stay as they were: ${error instanceof Error ? error.message : ''}`,
              );
            this.#failing = true;
          },
        )
        .finally(() => this.#schedule());
    }, LOOK_EVERY_MS);
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    const beganMs = performance.now();
    const { rows } = await this.#pool.query<{ fingerprint: string }>(loadSql('queries/store/snapshot_fingerprint'));
    const fingerprint = `${rows[0]?.fingerprint ?? ''} ${this.#firstDayUs()}`;
    if (fingerprint === this.#fingerprint) {
      this.#readAtMs = beganMs;
      return;
    }
    // A change between the two statements only means that the next look reads once more.
    const read = await this.#pool.query<{ snapshot: SnapshotRow }>(loadSql('queries/store/snapshot'));
    const row = read.rows[0]?.snapshot;
    if (row === undefined) throw new Error('The database returned no snapshot');
    this.#snapshot = buildSnapshot(row, this.#options.linkHosts, this.#firstDayUs());
    this.#quotas = new Map(row.quotas.map(({ tenantId, ...quota }) => [tenantId, Object.freeze(quota)]));
    this.#fingerprint = fingerprint;
    this.#readAtMs = beganMs;
  }

  /** The first day that the configured retention accepts, microseconds; -Infinity when none is configured. */
  #firstDayUs(): number {
    const { retentionDays } = this.#options;
    if (retentionDays === undefined) return Number.NEGATIVE_INFINITY;
    return (Math.floor(Date.now() / DAY_MS) - retentionDays) * DAY_MS * 1000;
  }
}

function buildSnapshot(row: SnapshotRow, linkHosts: Iterable<string>, firstDayUs: number): Snapshot {
  const vendorByAlias = new Map<string, Vendor>();
  const vendorByHost = new Map<string, Vendor>();
  const vendors = row.vendors.map((entry) => ({
    entry,
    vendor: Object.freeze({ name: entry.name, countHttp: entry.countHttp }),
  }));
  for (const { entry, vendor } of vendors) {
    for (const alias of entry.aliases) vendorByAlias.set(alias.toLowerCase(), vendor);
    for (const host of entry.hosts) vendorByHost.set(host.toLowerCase(), vendor);
  }
  // A vendor's own name is never another's alias.
  for (const { vendor } of vendors) vendorByAlias.set(vendor.name.toLowerCase(), vendor);
  const named = row.tenants.filter((tenant) => tenant.name !== null);
  return Object.freeze({
    tenantIdByName: new Map(named.map((tenant) => [tenant.name ?? '', tenant.id])),
    activeTenantIds: new Set(row.tenants.filter((tenant) => tenant.active).map((tenant) => tenant.id)),
    disabledTenantIds: new Set(row.tenants.filter((tenant) => !tenant.active).map((tenant) => tenant.id)),
    vendorByAlias,
    vendorByHost,
    prices: row.prices.map((price) =>
      Object.freeze({ ...price, fromUs: price.fromUs === null ? Number.NEGATIVE_INFINITY : Number(price.fromUs) }),
    ),
    linkHosts: new Set([...linkHosts].map((host) => host.toLowerCase())),
    attributeAliases: new Map(row.aliases.map(({ alias, attribute }) => [alias.toLowerCase(), attribute])),
    privacyKey: Buffer.from(row.privacyKey, 'hex'),
    retentionFloorUs: Math.max(Number(row.floorUs), firstDayUs),
  });
}
