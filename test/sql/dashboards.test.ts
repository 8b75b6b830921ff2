/**
 * Every query of the Grafana dashboards and Metabase questions, run as the BI login of a tenant: it works, it shows something, it reads views
 * alone, and what it shows fits the panel that it is in.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PUBLIC_VIEWS } from '../helpers/catalogue_rights.ts';
import {
  expandGrafana,
  expandMetabase,
  type Panel,
  readDashboards,
  readProvisioning,
  readQuestions,
  relationsOf,
} from '../helpers/dashboards.ts';
import { MINE, OTHER } from '../helpers/seed_tenants.ts';
import { openViewDatabase, type ViewDatabase } from '../helpers/view_database.ts';
import { makeRuns } from '../helpers/view_model.ts';

const DASHBOARDS = readDashboards();
const QUESTIONS = readQuestions();
const RANGE = { from: '2026-06-01T00:00:00Z', to: '2026-12-31T23:59:59Z' };
const VALUES = {
  tenant: [String(MINE), String(OTHER)],
  pipeline: ['nightly', 'weekly', ''],
  stage: ['crawl', 'score'],
  run: [''],
};
const TIMESTAMPTZ_OID = 1184;
const NUMBER_OIDS = [20, 21, 23, 700, 701, 1700];

let opened: ViewDatabase;
beforeAll(async () => {
  opened = await openViewDatabase(makeRuns());
});
afterAll(() => opened.close());

const PANELS = DASHBOARDS.flatMap(({ file, panels }) =>
  panels.map((panel) => ({ name: `${file}: ${panel.title}`, panel })),
);

async function ask(sql: string) {
  expect([sql, relationsOf(sql).filter((name) => !PUBLIC_VIEWS.includes(name))]).toEqual([sql, []]);
  const result = await opened.bi.query(sql);
  expect([sql, result.rows.length > 0]).toEqual([sql, true]);
  for (const row of result.rows) expect([MINE, undefined]).toContain(row.tenant_id);
  return result;
}

describe('Grafana', () => {
  it('has the five dashboards, each under its own address, with panels that do not lie on each other', () => {
    expect(DASHBOARDS.map(({ uid }) => uid).sort()).toEqual([
      'runledger-latency',
      'runledger-overview',
      'runledger-quality',
      'runledger-service-levels',
      'runledger-vendors',
    ]);
    for (const { panels, timezone } of DASHBOARDS) {
      expect(timezone).toBe('utc');
      expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
      for (const a of panels) {
        expect(a.gridPos.x + a.gridPos.w).toBeLessThanOrEqual(24);
        for (const b of panels)
          if (a !== b) expect([a.title, b.title, overlap(a, b)]).toEqual([a.title, b.title, false]);
      }
    }
  });

  it.each(PANELS)('$name', async ({ panel }) => {
    expect(panel.title.length).toBeGreaterThan(0);
    expect(panel.description).toMatch(/\.$/);
    expect(panel.targets).toHaveLength(1);
    for (const target of panel.targets) {
      expect([panel.datasource.uid, target.datasource.uid]).toEqual(['runledger', 'runledger']);
      const { rows, fields } = await ask(expandGrafana(target.rawSql, RANGE, VALUES));
      expect(target.format).toBe(panel.type === 'timeseries' ? 'time_series' : 'table');
      if (panel.type === 'timeseries') {
        expect(fields.find(({ name }) => name === 'time')?.dataTypeID).toBe(TIMESTAMPTZ_OID);
        expect(fields.some(({ name, dataTypeID }) => name !== 'time' && NUMBER_OIDS.includes(dataTypeID))).toBe(true);
        const times = rows.map(({ time }) => time.getTime());
        expect(times).toEqual(times.toSorted((a, b) => a - b));
      }
      if (panel.type === 'stat') {
        expect(rows).toHaveLength(1);
        expect(Object.values(rows[0])).not.toContain(null);
      }
    }
  });

  it('shows the stages of the chosen run alone, whatever is typed into the box', async () => {
    const sql = PANELS.find(({ panel }) => panel.title === 'Stages of runs')?.panel.targets[0]?.rawSql ?? '';
    const withStages = makeRuns().find(({ tenant_id, stages }) => tenant_id === MINE && stages.length === 2);
    const chosen = await ask(expandGrafana(sql, RANGE, { ...VALUES, run: [String(withStages?.run_id)] }));
    expect(chosen.rows.map(({ run_id }) => Number(run_id))).toEqual([withStages?.run_id, withStages?.run_id]);
    const odd = await opened.bi.query(expandGrafana(sql, RANGE, { ...VALUES, run: ["' or '' = '"] }));
    expect(odd.rows).toEqual([]);
  });

  it.each(
    DASHBOARDS.flatMap(({ file, templating }) =>
      templating.list.map((variable) => ({ name: `${file}: ${variable.name}`, variable })),
    ),
  )('variable $name', async ({ variable }) => {
    expect(Object.keys(VALUES)).toContain(variable.name);
    if (variable.type === 'textbox') return expect(variable.query).toBe('');
    expect(variable.type).toBe('query');
    const { rows, fields } = await ask(expandGrafana(variable.query, RANGE, VALUES));
    expect(fields).toHaveLength(1);
    if (variable.name === 'tenant') expect(rows).toEqual([{ tenant_id: MINE }]);
  });

  it('is provisioned from the environment, and keeps no secret', () => {
    const { datasource, provider } = readProvisioning();
    expect(datasource).toMatch(/^ {4}uid: runledger$/m);
    for (const key of ['url', 'user', 'password', 'database', 'sslmode'])
      expect(datasource).toMatch(new RegExp(`^ +${key}: \\$\\{RUNLEDGER_SQL_[A-Z]+\\}$`, 'm'));
    expect(provider).toMatch(/^ +path: \$\{RUNLEDGER_DASHBOARDS\}$/m);
  });
});

function overlap({ gridPos: a }: Panel, { gridPos: b }: Panel): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

describe('Metabase', () => {
  const given = { since: '2026-06-01', pipeline: 'nightly', stage: 'crawl', bucket: 'High' };

  it.each(QUESTIONS)('$file, with and without its filters', async ({ sql }) => {
    expect(sql).toMatch(/^-- [A-Z].+\. .*\.\n/);
    const variables = [...sql.matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1] ?? '');
    for (const name of variables) expect(sql.split('\n')[0]).toContain(name);
    const all = await ask(expandMetabase(sql, given, false));
    const some = await ask(expandMetabase(sql, given, true));
    if (sql.includes('[[')) expect(expandMetabase(sql, given, true)).not.toBe(expandMetabase(sql, given, false));
    expect(some.fields.map(({ name }) => name)).toEqual(all.fields.map(({ name }) => name));
  });
});

it('a query that reads past the views is seen', () => {
  expect(relationsOf("select 1 from runs r join run_event_logs e on true where x = 'from nowhere'")).toEqual([
    'runs',
    'run_event_logs',
  ]);
});
