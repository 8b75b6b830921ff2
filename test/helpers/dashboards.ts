/** Reads the Grafana dashboards and Metabase questions, and fills in their variables as those tools do. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const SQL = fileURLToPath(new URL('../../sql/', import.meta.url));

export interface Panel {
  id: number;
  type: string;
  title: string;
  description: string;
  gridPos: { x: number; y: number; w: number; h: number };
  datasource: { type: string; uid: string };
  targets: { rawSql: string; format: 'table' | 'time_series'; datasource: { uid: string } }[];
}
export interface Dashboard {
  file: string;
  uid: string;
  title: string;
  description: string;
  timezone: string;
  panels: Panel[];
  templating: { list: { name: string; type: string; query: string }[] };
}

export function readDashboards(): Dashboard[] {
  return readdirSync(`${SQL}grafana/dashboards`).map((file) => ({
    file,
    ...JSON.parse(readFileSync(`${SQL}grafana/dashboards/${file}`, 'utf8')),
  }));
}

export function readProvisioning(): { datasource: string; provider: string } {
  const read = (file: string) => readFileSync(`${SQL}grafana/provisioning/${file}`, 'utf8');
  return { datasource: read('datasources/runledger.yaml'), provider: read('dashboards/runledger.yaml') };
}

export interface Question {
  file: string;
  sql: string;
}

export function readQuestions(): Question[] {
  return readdirSync(`${SQL}metabase`).map((file) => ({ file, sql: readFileSync(`${SQL}metabase/${file}`, 'utf8') }));
}

/** The macros and variables that the dashboards use, as Grafana's PostgreSQL data source writes them out. @throws for any other */
export function expandGrafana(
  sql: string,
  range: { from: string; to: string },
  values: Record<string, string[]>,
): string {
  const quoted = (value: string) => `'${value.replaceAll("'", "''")}'`;
  const list = (name: string) => {
    const found = values[name];
    if (found === undefined) throw new Error(`there is no variable ${name}`);
    return found.map(quoted).join(',');
  };
  const expanded = sql
    .replace(/\$__timeFilter\((\w+)\)/g, (_, column) => `${column} BETWEEN '${range.from}' AND '${range.to}'`)
    .replace(/\$\{(\w+):sqlstring\}/g, (_, name) => list(name))
    .replace(/\$(?!_)(\w+)/g, (_, name) => list(name));
  if (expanded.includes('$')) throw new Error(`what is left is unknown: ${expanded}`);
  return expanded;
}

/** With the optional parts, or without. @throws for a variable that is not given */
export function expandMetabase(sql: string, values: Record<string, string>, withOptional: boolean): string {
  return sql
    .replace(/\[\[(.*?)\]\]/gs, (_, part) => (withOptional ? part : ''))
    .replace(/\{\{(\w+)\}\}/g, (_, name) => {
      const value = values[name];
      if (value === undefined) throw new Error(`there is no variable ${name}`);
      return `'${value}'`;
    });
}

/** The relations that a statement reads from. */
export function relationsOf(sql: string): string[] {
  const code = sql.replace(/--.*$/gm, '').replace(/'[^']*'/g, "''");
  return [...code.matchAll(/\b(?:from|join)\s+([a-z_.]+)/gi)].map((match) => match[1] ?? '');
}
