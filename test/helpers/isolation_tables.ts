/** Whose rows somebody sees in a table or view, for each role that faces tenants and whatever a SQL prompt allows it to set. */

import pg from 'pg';
import { inTenant } from '../../receiver/store/pool.ts';
import type { BiLogin } from './bi_login.ts';
import { MINE, OTHER } from './seed_tenants.ts';

/** What is seen of a relation: 'A', 'B', 'shared' (rows of tenant 0), 'rows of no tenant', or alone 'nothing' or 'refused'. */
export type Seen = readonly string[];

export interface Relation {
  /** With its schema. */
  name: string;
  hasTenant: boolean;
  isView: boolean;
}

type Query = (text: string) => Promise<pg.QueryResult>;

const REFUSED = '42501';

export async function relationsOf(superuser: pg.Pool): Promise<Relation[]> {
  const { rows } = await superuser.query<Relation>(`
    select format('%s.%s', c.relnamespace::regnamespace, c.relname) as name, c.relkind = 'v' as "isView",
      exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped) as "hasTenant"
    from pg_class c
    where c.relnamespace in ('public'::regnamespace, 'runledger'::regnamespace) and c.relkind in ('r', 'p', 'v', 'm', 'f')
      and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')
    order by 2, 1`);
  return rows;
}

export async function seenBy(query: Query, { name, hasTenant }: Relation): Promise<Seen> {
  try {
    const { rows } = await query(
      hasTenant ? `select distinct tenant_id from ${name} order by 1` : `select from ${name} limit 1`,
    );
    return hasTenant ? rows.map(({ tenant_id: id }) => nameOf(id)) : rows.map(() => 'rows of no tenant');
  } catch (error) {
    if (error instanceof pg.DatabaseError && error.code === REFUSED) return ['refused'];
    throw error;
  }
}

function nameOf(tenantId: number): string {
  if (tenantId === 0) return 'shared';
  return tenantId === MINE ? 'A' : tenantId === OTHER ? 'B' : `tenant ${tenantId}`;
}

export const ROLES = ['runledger_owner', 'runledger_ingest', 'runledger_reader', 'runledger_operator', 'runledger_bi'];

/** Of the role behind the API, in a transaction bound to the tenant. */
export function seenByReader(reader: pg.Pool, tenantId: number, relation: Relation): Promise<Seen> {
  return seenBy((text) => inTenant(reader, tenantId, (client) => client.query(text)), relation);
}

/** @param bi the login of tenant B */
export async function seenAfter(bi: BiLogin, relation: Relation, attempts: readonly string[]): Promise<Seen> {
  const seen: string[] = [];
  for (const attempt of attempts) {
    await tolerate(() => bi.query(attempt));
    seen.push(...(await seenBy((text) => bi.query(text), relation)));
    await bi.query('reset role');
    await bi.query('discard all');
  }
  return seen;
}

/** Only a refusal is expected of an attempt. */
async function tolerate(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || error.code !== REFUSED) throw error;
  }
}
