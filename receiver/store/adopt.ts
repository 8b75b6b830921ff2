/**
 * An enrichment_runs that an application had before Runledger came: whether it can be adopted, and the part of the migrations that its
 * owner has to run. It keeps its key, rows, owner and grants; the policies are for our roles and are not forced on its owner.
 */

import type pg from 'pg';
import { errorCode } from './errors.ts';
import { loadSql } from './sql.ts';
import { adoptedSection, listSqlFiles } from './sql_files.ts';

/** Something in the database has our names and another shape; the message has the commands that help. */
export class ForeignTableError extends Error {
  override readonly name = 'ForeignTableError';
}

interface ForeignRelation {
  name: string;
  table_name: string;
  is_table: boolean;
  command: string;
}

/**
 * Looks, before the first migration, for tables of our names that are not ours.
 * @throws ForeignTableError unless there is none, or only an enrichment_runs that fits and `adopt` is set
 */
export async function checkForeignTables(client: pg.Client, adopt: boolean, hasCitus: boolean): Promise<void> {
  const { rows } = await client.query<ForeignRelation>(loadSql('queries/migrate/foreign_relations'));
  const runs = rows.find((row) => row.name === 'enrichment_runs' && row.is_table);
  const problems = runs === undefined ? [] : await readAdoptionProblems(client);
  const adoptable = runs !== undefined && !hasCitus && !problems.some((problem) => problem.kind === 'shape');
  const inTheWay = rows.filter((row) => !adoptable || row.table_name !== 'enrichment_runs');
  if (inTheWay.length > 0) throw new ForeignTableError(foreignMessage(inTheWay, problems));
  if (!adoptable) return;
  if (!adopt) throw new ForeignTableError(ADOPT_MESSAGE);
  if (problems.length > 0) throw new ForeignTableError(problemMessage(problems.map((problem) => problem.problem)));
  await tryInsert(client);
}

const ADOPT_MESSAGE =
  'There is a table public.enrichment_runs already, with run_id as its key. Nothing was changed.\n' +
  'To keep it and let Runledger work in it, run: runledger migrate --adopt\n' +
  'It keeps its key, rows, owner and grants, gains columns, and its application goes on as before.\n' +
  'To give Runledger a table of its own instead, rename it first: ' +
  'alter table public.enrichment_runs rename to enrichment_runs_before_runledger;';

function foreignMessage(
  relations: readonly ForeignRelation[],
  problems: readonly { kind: string; problem: string }[],
): string {
  const shape = problems.filter((problem) => problem.kind === 'shape').map((problem) => problem.problem);
  const why = shape.length > 0 ? `\nenrichment_runs cannot be adopted: ${shape.join('; ')}.` : '';
  return (
    `This database already has ${relations.map((row) => `public.${row.name}`).join(', ')}, not made by Runledger.${why}\n` +
    `Nothing was changed. Rename what is in the way, then migrate again:\n\n${relations.map((row) => row.command).join('\n')}\n`
  );
}

function problemMessage(problems: readonly string[]): string {
  return `public.enrichment_runs cannot be adopted yet. Nothing was changed.\n${problems.map((line) => `  - ${line}`).join('\n')}`;
}

async function readAdoptionProblems(client: pg.Client): Promise<{ kind: string; problem: string }[]> {
  return (await client.query<{ kind: string; problem: string }>(loadSql('queries/migrate/adoption_problems'))).rows;
}

/** Inserts a row of each status and takes them back. A missing row of the application's own (23503) says nothing about the shape. */
async function tryInsert(client: pg.Client): Promise<void> {
  await client.query('begin');
  try {
    await client.query(loadSql('adoption/try_insert'));
  } catch (error) {
    if (errorCode(error) === '23503') return;
    const reason = error instanceof Error ? error.message : String(error);
    throw new ForeignTableError(
      problemMessage([
        `it refuses rows as Runledger writes them (run_id, tenant_id, and status running, succeeded, failed, cancelled or abandoned): ` +
          `${reason}. Give the column a default, or widen the check.`,
      ]),
    );
  } finally {
    await client.query('rollback');
  }
}

/** Paths of the adopted sections that were not run yet; empty where enrichment_runs is ours. */
export function pendingAdoptedSections(applied: ReadonlyMap<string, string>): string[] {
  return listSqlFiles('migrations')
    .map(adoptedSection)
    .filter((section) => section !== undefined && !applied.has(section.path))
    .map((section) => section?.path ?? '');
}

/**
 * Runs what the migrations do to enrichment_runs as the login, which has the rights of its owner; each section once.
 * @param client as runledger_owner, and so again afterwards
 */
export async function applyAdoptedSections(client: pg.Client, applied: ReadonlyMap<string, string>): Promise<string[]> {
  const done: string[] = [];
  for (const file of listSqlFiles('migrations')) {
    const section = adoptedSection(file);
    if (section === undefined || applied.has(section.path)) continue;
    await client.query('begin');
    try {
      await client.query(loadSql('adoption/open_schema'));
      await client.query("select set_config('role', 'none', true)");
      await client.query(loadSql('adoption/prepare'));
      await client.query(section.text);
      await client.query("select set_config('role', 'runledger_owner', true)");
      await client.query(loadSql('adoption/close_schema'));
      await client.query(loadSql('queries/migrate/record_applied_file'), [section.path, section.sha256]);
      await client.query('commit');
    } catch (error) {
      await client.query('rollback');
      throw error;
    }
    done.push(section.path);
  }
  return done;
}
