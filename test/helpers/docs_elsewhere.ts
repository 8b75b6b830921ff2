/** Blocks of pages that the tests of docs_*.test.ts do not execute: each with the test that does, or with the reason why nothing can. */

export interface Elsewhere {
  /** One page, or with a slash at its end all pages below. */
  page: string;
  /** Text that the block has. */
  has: string;
  /** The test that executes it. */
  by?: string;
  why: string;
}

const DRAWING = 'a drawing';

export const ELSEWHERE: readonly Elsewhere[] = [
  { page: 'ARCHITECTURE.md', has: 'pipeline with sdk/', why: DRAWING },
  { page: 'README.md', has: 'your pipeline      ', why: DRAWING },
  { page: 'docs/deploy.md', has: 'pipelines ──OTLP──>', why: DRAWING },
  {
    page: 'README.md',
    has: 'Is it right?',
    by: 'test/flow/docs_commands.test.ts',
    why: 'what the demo prints at its end, compared with what it printed',
  },
  {
    page: 'docs/alert-messages.md',
    has: 'Tenant',
    by: 'test/sql/alert_scenario.test.ts',
    why: 'the page is written by that test out of what the rules say',
  },
  {
    page: 'docs/client.md',
    has: "from 'runledger/client'",
    by: 'test/flow/client_docs.test.ts',
    why: 'compiled and run against a receiver with runs, alerts and files to ask for',
  },
  {
    page: 'docs/delivery.md',
    has: '"event": "fired"',
    by: 'test/flow/delivery_docs.test.ts',
    why: 'compared with the message that is sent',
  },
  {
    page: 'docs/runbooks/',
    has: "-- in the pipeline's database",
    by: 'test/sql/runbooks.test.ts',
    why: "is typed into a database that is not the ledger's",
  },
  {
    page: 'docs/sql.md',
    has: 'create role runledger_bi_7',
    by: 'test/sql/sql_docs.test.ts',
    why: 'needs an administrator, a name and a password of its own',
  },
];
