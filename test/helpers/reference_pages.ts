/** docs/reference/attributes.md from the lines of sdk/attributes.ts, and from a migrated database docs/reference/tables.md and rules.md. */

import { parseParameters } from '../../receiver/derive/alerts/rule_kinds.ts';
import { KINDS, KNOWN_METRICS } from '../../sdk/attributes.ts';

export interface Column {
  relation: string;
  about: string | null;
  is_view: boolean;
  name: string;
  type: string;
  may_be_null: boolean;
  note: string | null;
}

/** What is public, tables before views; a view's columns may always be null for all that PostgreSQL knows. */
export const COLUMNS = `
  select c.relname::text as relation, obj_description(c.oid) as about, c.relkind = 'v' as is_view, a.attname::text as name,
    format_type(a.atttypid, a.atttypmod) as type, not a.attnotnull as may_be_null, col_description(c.oid, a.attnum) as note
  from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v')
    and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')
  order by 3, 1, a.attnum`;

const ATTRIBUTES_HEAD = `# Attributes

Every name that Runledger owns on the wire, made from \`sdk/attributes.ts\`; a test holds this page against it. The SDK writes them; other languages set them by hand:
[Instrument](../instrument.md#other-languages). They are keys of spans and of log records.

| attribute | where it may stand | meaning |
| --- | --- | --- |
`;

const TABLES_HEAD = `# Tables and views

What SQL users read, made from the comments in the database; a test holds this page against them. Names and columns of \`enrichment_runs\`, \`run_stage_stats\`, \`run_vendor_usage\`,
\`run_event_logs\` and \`run_metrics\` are a promise. Examples, and what each column of a view says: [SQL for analysts](../sql.md). A \`?\` after a type: the value may be missing.
`;

export interface Attribute {
  key: string;
  where: string;
  meaning: string;
}

/** @throws Error for a name without a line that says where and what */
export function attributesOf(source: string, names: readonly string[]): Attribute[] {
  const lines = [...source.matchAll(/^ {2}\/\*\* ([^:\n]+): (.+?)\.? \*\/\n {2}\w+: '([^']+)',$/gm)];
  const found = lines.map(([, where = '', meaning = '', key = '']) => ({ key, where, meaning }));
  const missing = names.filter((name) => !found.some(({ key }) => key === name));
  if (missing.length > 0) throw new Error(`sdk/attributes.ts does not say where and what: ${missing.join(', ')}`);
  return found;
}

export function attributesPage(attributes: readonly Attribute[]): string {
  const rows = attributes.map(({ key, where, meaning }) => `| \`${key}\` | ${where} | ${cell(meaning)} |`);
  const metrics = [
    '| `runledger.metric.NAME` | Any span that makes a row | a number of the run; the last value by time wins |',
    '| `runledger.metric_sum.NAME` | Any span that makes a row | a number of the run; values of all spans are added |',
  ];
  const names = (list: readonly string[]) => list.map((name) => `\`${name}\``).join(', ');
  const tail = `\nKinds: ${names(KINDS)}.\n\nMetrics that the dashboards know; any other name is stored too: ${names(KNOWN_METRICS)}.\n`;
  return `${ATTRIBUTES_HEAD}${[...rows, ...metrics].join('\n')}\n${tail}`;
}

export function tablesPage(columns: readonly Column[]): string {
  const relations = [...new Set(columns.map(({ relation }) => relation))];
  return TABLES_HEAD + relations.map((name) => sectionOf(columns.filter(({ relation }) => relation === name))).join('');
}

export interface RuleRow {
  rule: string;
  code: string;
  kind: string;
  title: string;
  severity: string;
  enabled: boolean;
  parameters: Record<string, unknown>;
  remind_after_minutes: number | null;
}

/** As a new ledger has them. */
export const RULES = `
  select rule, code, kind, title, severity, enabled, parameters, remind_after_minutes from runledger.alert_rules order by code, rule`;

const RULES_HEAD = `# Rules as installed

Every rule with what it goes by, made from the rules of a new ledger and from the kinds that check them; a test holds this page against both. When each fires, and how to set others:
[Rules](../rules.md). \`runledger rule list\` prints those in force.

| rule | code | severity | goes by | what |
| --- | --- | --- | --- | --- |
`;

export function rulesPage(rules: readonly RuleRow[]): string {
  const rows = rules.map(({ rule, code, kind, title, severity, enabled, parameters }) => {
    const parsed = parseParameters(kind, parameters);
    if (!parsed.ok) throw new Error(`${rule}: ${parsed.problems.join('; ')}`);
    const values = Object.entries(parsed.value).map(([name, value]) => `\`${name}=${JSON.stringify(value)}\``);
    const what = `${title}${enabled ? '' : '; off at first'}`;
    return `| \`${rule}\` | [${code}](../runbooks/${code}.md) | ${severity} | ${cell(values.join(', '))} | ${cell(what)} |`;
  });
  return `${RULES_HEAD}${rows.join('\n')}\n`;
}

function sectionOf(columns: readonly Column[]): string {
  const [first] = columns;
  if (first === undefined) return '';
  const kind = first.is_view ? 'View' : 'Table';
  const rows = columns.map(
    ({ name, type, may_be_null, is_view, note }) =>
      `| \`${name}\` | ${shortType(type)}${may_be_null && !is_view ? '?' : ''} | ${cell(note ?? '')} |`,
  );
  return `\n## ${first.relation}\n\n${kind}. ${first.about ?? ''}.\n\n| column | type | |\n| --- | --- | --- |\n${rows.join('\n')}\n`;
}

function shortType(type: string): string {
  return type.replace('timestamp with time zone', 'timestamptz').replace('double precision', 'float8');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
