/** A plan in one line: how each table is read, pages touched, and the time to plan and to run. */
import type { PoolClient } from 'pg';

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  'Actual Rows'?: number;
  'Actual Loops'?: number;
  'Shared Hit Blocks'?: number;
  'Shared Read Blocks'?: number;
  Plans?: PlanNode[];
}

interface Explained {
  Plan: PlanNode;
  'Planning Time': number;
  'Execution Time': number;
}

/** Day partitions are one table here. */
const PARTITION = /^events_\d{8}$/;

export async function planOf(client: PoolClient, sql: string, parameters: unknown[]): Promise<string> {
  const text = sql.trim().replace(/;$/, '');
  const { rows } = await client.query<{ 'QUERY PLAN': Explained[] | string }>(
    `explain (analyze, buffers, format json) ${text}`,
    parameters,
  );
  const given = rows[0]?.['QUERY PLAN'];
  const [explained] = typeof given === 'string' ? (JSON.parse(given) as Explained[]) : (given ?? []);
  if (explained === undefined) throw new Error('no plan');
  const reads = new Map<string, number>();
  collect(explained.Plan, reads);
  const pages = (explained.Plan['Shared Hit Blocks'] ?? 0) + (explained.Plan['Shared Read Blocks'] ?? 0);
  const read = [...reads].map(([how, rowsRead]) => `${how} ${rowsRead.toLocaleString('en')}`);
  return `${read.join(', ')}; ${pages.toLocaleString('en')} pages; ${explained['Planning Time'].toFixed(1)} + ${explained['Execution Time'].toFixed(1)} ms`;
}

/** Rows that each way of reading a table gave, over all loops. */
function collect(node: PlanNode, reads: Map<string, number>): void {
  const relation = node['Relation Name'];
  const loops = node['Actual Loops'] ?? 0;
  if (relation !== undefined && loops > 0) {
    const table = PARTITION.test(relation) ? 'events' : relation;
    const how = `${node['Node Type'].replace(' Scan', '').toLowerCase()} ${table}`;
    reads.set(how, (reads.get(how) ?? 0) + Math.round((node['Actual Rows'] ?? 0) * loops));
  }
  for (const child of node.Plans ?? []) collect(child, reads);
}
