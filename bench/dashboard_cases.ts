/** What BI tools ask, as the login of a tenant: panels of the Grafana dashboards, questions of Metabase, and the views themselves. */
import type { Pool } from 'pg';
import { expandGrafana, expandMetabase, readDashboards, readQuestions } from '../test/helpers/dashboards.ts';
import { LIMIT_MS, type QueryCase } from './query_cases.ts';

const DAY_MS = 86_400_000;
const VALUES = {
  pipeline: ['enrichment', 'rescoring', 'export'],
  stage: ['crawl', 'score'],
  run: [''],
  bucket: ['High'],
};

/** Thirty days, as dashboards open. */
export function dashboardCases(tenantId: number, tenantText: string): QueryCase[] {
  const now = Date.now();
  const range = { from: new Date(now - 30 * DAY_MS).toISOString(), to: new Date(now).toISOString() };
  const values = { ...VALUES, tenant: [String(tenantId)] };
  const panels = readDashboards().flatMap(({ file, panels }) =>
    panels.flatMap(({ title, targets }) =>
      (targets ?? []).map(({ rawSql }) => ({
        query: `grafana/${file.replace('.json', '')}`,
        about: title,
        sql: expandGrafana(rawSql, range, values),
      })),
    ),
  );
  const chosen = { pipeline: 'enrichment', stage: 'crawl', bucket: 'High', since: range.from.slice(0, 10) };
  const questions = readQuestions().map(({ file, sql }) => ({
    query: 'metabase',
    about: file.replace('.sql', ''),
    sql: expandMetabase(sql, chosen, true),
  }));
  return [...panels, ...questions].map((one) => biCase({ ...one, about: `${one.about}, ${tenantText}` }, tenantId));
}

/** The newest rows of each view, and seven days of those that have days, weeks or months. */
export async function viewCases(
  superuser: Pool,
  tenantIds: readonly number[],
  textOf: (tenantId: number) => string,
): Promise<QueryCase[]> {
  const { rows } = await superuser.query<{ name: string; columns: string[] }>(
    `select c.oid::regclass::text as name, array_agg(a.attname::text order by a.attnum) as columns
     from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
     where c.relkind = 'v' and has_table_privilege('runledger_bi', c.oid, 'select') and c.relnamespace = 'public'::regnamespace
     group by c.oid order by 1`,
  );
  return rows.flatMap(({ name, columns }) =>
    tenantIds.flatMap((tenantId) =>
      viewQueries(name, columns).map(({ about, sql }) =>
        biCase({ query: `views/${name}`, about: `${about}, ${textOf(tenantId)}`, sql }, tenantId),
      ),
    ),
  );
}

function viewQueries(name: string, columns: readonly string[]): { about: string; sql: string }[] {
  const period = ['day', 'week', 'month'].find((column) => columns.includes(column));
  const time = ['started_at', 'fired_at', 'at'].find((column) => columns.includes(column));
  const queries: { about: string; sql: string }[] = [];
  if (time !== undefined)
    queries.push({ about: 'newest 100 rows', sql: `select * from ${name} order by ${time} desc limit 100` });
  if (period !== undefined)
    queries.push({ about: '7 days', sql: `select * from ${name} where ${period} >= current_date - 7` });
  return queries.length > 0 ? queries : [{ about: '100 rows', sql: `select * from ${name} limit 100` }];
}

function biCase(one: { query: string; about: string; sql: string }, tenantId: number): QueryCase {
  return { ...one, parameters: [], as: 'bi', tenantId, limitMs: LIMIT_MS };
}
