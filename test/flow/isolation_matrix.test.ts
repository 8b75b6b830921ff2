/**
 * Every route and every table, asked for tenant A's rows by everybody who is not A. docs/isolation.md is what was answered; UPDATE_DOCS=1
 * writes it anew, and nothing that shows another tenant can get onto it.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deriveDue } from '../../receiver/derive/derive_due.ts';
import { apiRoutes } from '../../receiver/serve/routes.ts';
import { loadUiFiles } from '../../receiver/serve/ui_files.ts';
import { createPool } from '../../receiver/store/pool.ts';
import { createToken, revokeToken, SCOPES } from '../../receiver/store/tokens.ts';
import { type BiLogin, createBiLogin } from '../helpers/bi_login.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { renderMatrix } from '../helpers/isolation_page.ts';
import { type Asking, ask, askings, marksOf, OPEN_PATHS, RUN_OF } from '../helpers/isolation_routes.ts';
import { observeSending, type Right, type Sender, sendIntoTrace } from '../helpers/isolation_sending.ts';
import {
  type Relation,
  ROLES,
  relationsOf,
  type Seen,
  seenAfter,
  seenBy,
  seenByReader,
} from '../helpers/isolation_tables.ts';
import { startTestReceiver, type TestReceiver } from '../helpers/receiver.ts';
import { MINE, OTHER, SHARED_ROWS, seedTenants, TENANT_TABLES } from '../helpers/seed_tenants.ts';
import { HOUR_MS, type Scene, seedScene } from './api_scene.ts';
import { seedRun } from './api_seed.ts';
import { bearer } from './api_server.ts';

const PAGE = new URL('../../docs/isolation.md', import.meta.url);
/** In the order in which they ask: A last, since what it does is done. */
const ASKERS = ['none', 'expired', 'revoked', 'ingest', 'B', 'write', 'A'] as const;
type Asker = (typeof ASKERS)[number];
const SHOWN: readonly Asker[] = ['A', 'B', 'ingest', 'write', 'expired', 'revoked', 'none'];

const PROBLEM_MEMBERS = ['type', 'title', 'status', 'detail'];

let database: TestDatabase;
let receiver: TestReceiver;
let superuser: pg.Pool;
let owner: pg.Pool;
let operators: pg.Pool;
let readers: pg.Pool;
let bi: BiLogin;
let scene: Scene;
let tokens: Record<Asker, string | undefined>;
let tokenOfA: number;

beforeAll(async () => {
  database = await createTestDatabase();
  const { databaseUrl } = database;
  superuser = new pg.Pool({ connectionString: database.superuserUrl, max: 1 });
  [owner, operators, readers] = (['runledger_owner', 'runledger_operator', 'runledger_reader'] as const).map((role) =>
    createPool({ databaseUrl, role, maxConnections: 1 }),
  ) as [pg.Pool, pg.Pool, pg.Pool];
  await seedTenants(database.superuserUrl);
  await superuser.query(SHARED_ROWS);
  scene = await seedScene(owner);
  await seedOwnRuns();
  await makeTokens();
  // The receiver's jobs would try to send what waits, and note it.
  await superuser.query("update runledger.alert_deliveries set next_attempt_at = now() + interval '1 day'");
  receiver = await startTestReceiver(databaseUrl);
  tokens.ingest = receiver.ingestToken;
  bi = await createBiLogin(database, OTHER);
});
afterAll(async () => {
  await receiver.close();
  await Promise.all([superuser, owner, operators, readers].map((pool) => pool.end()));
  await bi.drop();
  await database.drop();
});

/** A night that A alone has and one that B alone has, each with a sample. */
async function seedOwnRuns(): Promise<void> {
  const startedAt = scene.nights[1] ?? new Date();
  await seedRun(owner, { tenantId: MINE, runId: RUN_OF.a, startedAt });
  await seedRun(owner, { tenantId: OTHER, runId: RUN_OF.b, startedAt });
  await owner.query(
    "insert into qa_samples (run_id, tenant_id, company_id, bucket) values ($1, $2, 500, 'High'), ($3, $4, 500, 'High')",
    [RUN_OF.a, MINE, RUN_OF.b, OTHER],
  );
  await deriveDue(owner, { now: new Date(Date.now() + HOUR_MS) });
}

async function makeTokens(): Promise<void> {
  const of = (tenantId: number, name: string, scopes = SCOPES) =>
    createToken(operators, { kind: 'tenant', tenantId, name, scopes });
  const a = await of(MINE, 'a');
  const revoked = await createToken(operators, { kind: 'admin', name: 'revoked' });
  await revokeToken(operators, revoked.tokenId);
  const expired = await createToken(operators, { kind: 'admin', name: 'expired' });
  await superuser.query("update runledger.tokens set expires_at = now() - interval '1 minute' where token_id = $1", [
    expired.tokenId,
  ]);
  tokenOfA = a.tokenId;
  tokens = {
    none: undefined,
    expired: expired.token,
    revoked: revoked.token,
    ingest: undefined,
    B: (await of(OTHER, 'b')).token,
    write: (await of(MINE, 'w', ['write'])).token,
    A: a.token,
  };
}

/** Jobs begin on the full minute, and what one of them does between two looks would be blamed on those who ask: waits until none is near. */
async function awaitNoJobs(): Promise<void> {
  const second = (Date.now() / 1000) % 60;
  if (second < 10 || second > 45) await sleep(((70 - second) % 60) * 1000);
}

/** Changes when anything of tenant A does. */
async function stateOfA(): Promise<string[]> {
  const states: string[] = [];
  for (const table of TENANT_TABLES) {
    const { rows } = await superuser.query(
      `select md5(string_agg(t::text, chr(10) order by t::text)) as state from ${table} t where tenant_id = ${MINE}`,
    );
    states.push(`${table} ${rows[0].state}`);
  }
  return states;
}

async function cellOf(asking: Asking, asker: Asker): Promise<string> {
  const answer = await ask(receiver.urls.api, asking, tokens[asker]);
  const text = await answer.text();
  const request = `${asking.route} ${asking.path} by ${asker}`;
  expect(answer.status, `${request}: ${text}`).toBeLessThan(500);
  const [own, others] = asker === 'B' ? (['b', 'a'] as const) : (['a', 'b'] as const);
  const isTenant = ['A', 'B', 'write'].includes(asker);
  if (answer.ok) expect(marksOf(others, text), request).toEqual([]);
  // A refusal may repeat the id that was asked for, and nothing more.
  else expect(PROBLEM_MEMBERS, `${request}: ${text}`).toEqual(expect.arrayContaining(Object.keys(JSON.parse(text))));
  if (!isTenant) expect([401, 403], request).toContain(answer.status);
  else if (asker === 'B' && asking.isAboutA) expect([403, 404], request).toContain(answer.status);
  return answer.ok && marksOf(own, text).length > 0 ? `${answer.status} own` : String(answer.status);
}

async function observeRoutes() {
  const asked = askings({ alert: scene.alertOf.a, token: tokenOfA });
  const cells = new Map<Asker, string[]>();
  await awaitNoJobs();
  const before = await stateOfA();
  for (const asker of ASKERS) {
    if (asker === 'write') expect(await stateOfA()).toEqual(before);
    const column: string[] = [];
    for (const asking of asked) column.push(await cellOf(asking, asker));
    cells.set(asker, column);
  }
  const rows = asked.map(({ route, detail }, index) => [
    `\`${nameOf(route)}${detail}\``,
    ...SHOWN.map((asker) => cells.get(asker)?.[index] ?? ''),
  ]);
  return { columns: ['about tenant A', ...SHOWN], rows };
}

function nameOf(route: string): string {
  const [method = '', path = ''] = route.split(' ');
  return `${method.toUpperCase()} ${path.replace(/:(\w+)/g, '{$1}')}`;
}

function senders(): Sender[] {
  const rightOf = (asker: Asker): Right =>
    ['A', 'write', 'ingest'].includes(asker) ? 'sends' : asker === 'B' ? 'other tenant' : 'unknown';
  const all = SHOWN.map((name) => ({ name, token: tokens[name], right: rightOf(name) }));
  return [...all, { name: 'admin', token: receiver.adminToken, right: 'never' }];
}

const TRIES: Record<string, readonly string[]> = {
  'BI of B': ['select 1'],
  'SET app.tenant_id': [`set app.tenant_id = '${MINE}'`],
  'SET ROLE': ROLES.map((role) => `set role ${role}`),
  'RESET ROLE': ['reset role', 'set role runledger_bi; reset role', 'reset session authorization', 'discard all'],
  'row_security off': ['set row_security = off'],
};

async function observeTable(relation: Relation): Promise<string[]> {
  const everything = await seenBy((text) => superuser.query(text), relation);
  // A wall before nothing proves nothing.
  if (relation.hasTenant && !relation.name.includes('.events_'))
    expect([relation.name, ...everything]).toEqual(expect.arrayContaining([relation.name, 'A', 'B']));
  const unbound = await seenBy((text) => readers.query(text), relation);
  expect([relation.name, ...unbound]).not.toEqual(expect.arrayContaining(['A']));
  expect([relation.name, ...unbound]).not.toEqual(expect.arrayContaining(['B']));
  const cells: Seen[] = [unbound, await seenByReader(readers, OTHER, relation)];
  for (const attempts of Object.values(TRIES)) cells.push(await seenAfter(bi, relation, attempts));
  for (const cell of cells) expect([relation.name, cell.includes('A')]).toEqual([relation.name, false]);
  return cells.map(cellText);
}

function cellText(seen: Seen): string {
  const kinds = [...new Set(seen)].sort();
  const rows = kinds.filter((kind) => kind !== 'refused');
  if (rows.length > 0) return rows.join(', ').replace('rows of no tenant', 'no tenant');
  return kinds.length > 0 ? 'refused' : 'nothing';
}

async function observeTables() {
  const rows = new Map<string, string[]>();
  // Deriving the runs has emptied this one.
  await superuser.query(
    'insert into runledger.dirty_runs select tenant_id, run_id, now(), now(), 1 from enrichment_runs on conflict do nothing',
  );
  for (const relation of await relationsOf(superuser)) {
    const name = relation.name.replace(/\.events_\d+$/, '.events_YYYYMMDD');
    const cells = await observeTable(relation);
    expect([relation.name, ...(rows.get(name) ?? cells)]).toEqual([relation.name, ...cells]);
    rows.set(name, cells);
  }
  const columns = ['table or view', 'reader, no tenant', 'reader of B', ...Object.keys(TRIES)];
  return { columns, rows: [...rows].map(([name, cells]) => [`\`${name}\``, ...cells]) };
}

describe('tenant A', () => {
  it('no route is left out', () => {
    const listed = apiRoutes({
      jaegerUiUrl: null,
      storedKey: (key) => key,
      receiverHealth: () => null,
      signals: null,
      version: '0',
    }).map(({ method, path }) => `${method} ${path}`);
    const asked = askings({ alert: 1, token: 1 }).map(({ route }) => route);
    expect([...new Set(asked)].sort()).toEqual(listed.sort());
  });

  it('open paths hold nothing of any tenant', async () => {
    for (const path of OPEN_PATHS) {
      const answer = await fetch(receiver.urls.api + path);
      expect([path, answer.status]).toEqual([path, 200]);
      const text = await answer.text();
      expect([path, ...marksOf('a', text), ...marksOf('b', text)]).toEqual([path]);
    }
  });

  it('the dashboard is the same for everybody, whoever asks for whatever page, and holds nothing of any tenant', async () => {
    const files = loadUiFiles();
    expect(files, 'npm run build makes the dashboard').not.toBeNull();
    const pages = [
      '',
      `runs/${MINE}/${RUN_OF.a}`,
      `alerts/${scene.alertOf.a}`,
      'qa',
      'trends',
      'sign-in',
      'runbooks/CR-02',
    ];
    for (const path of [...pages, ...[...(files?.keys() ?? [])].filter((file) => file !== 'index.html')]) {
      const bodies = new Set<string>();
      for (const asker of SHOWN) {
        const token = tokens[asker];
        const answer = await fetch(`${receiver.urls.api}/ui/${path}`, {
          headers: token === undefined ? {} : bearer(token),
        });
        expect([path, asker, answer.status]).toEqual([path, asker, 200]);
        bodies.add(await answer.text());
      }
      expect([path, bodies.size]).toEqual([path, 1]);
      const [body = ''] = bodies;
      expect([path, ...marksOf('a', body), ...marksOf('b', body)]).toEqual([path]);
    }
  });

  it('a span that names no tenant is its sender’s, whatever trace it names', async () => {
    const found = await sendIntoTrace({ urls: receiver.urls, superuser }, { a: tokens.A ?? '', b: tokens.B ?? '' });
    expect(found).toEqual({ a: [MINE], b: [OTHER] });
  });

  it('is seen by nobody else, by any route, table or view, and docs/isolation.md says so; UPDATE_DOCS=1 writes it', async () => {
    const observed = {
      routes: await observeRoutes(),
      openPaths: OPEN_PATHS,
      sending: await observeSending({ urls: receiver.urls, superuser }, senders()),
    };
    const page = renderMatrix({ ...observed, tables: await observeTables() });
    if (process.env.UPDATE_DOCS === '1') writeFileSync(PAGE, page);
    expect(readFileSync(PAGE, 'utf8')).toBe(page);
  });
});
