/** What the exit codes mean, and the error that carries one to the end of the program. */

import { ConfigError } from '../config.ts';
import { EmbeddedError } from '../embedded/errors.ts';
import { StartError } from '../listen.ts';
import { Problem } from '../serve/problem.ts';
import { errorCode, isRetryable } from '../store/errors.ts';
import { AdministratorNeededError, ForeignTableError } from '../store/migrate.ts';

export const EXIT = {
  ok: 0,
  /** The command did its work and the answer is no: audit found a difference, there is no such run, a span is refused. */
  no: 1,
  /** Unknown command or option, a value that cannot be right, a file that cannot be read. */
  usage: 2,
  /** The database or the receiver cannot be reached or started; the same command may work later. */
  unreachable: 3,
  /** A fault of Runledger itself. */
  fault: 4,
  /** Ended at the keyboard, as shells count it: 128 + SIGINT. */
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** For the reference of the command line. */
export const EXIT_MEANING: Readonly<Record<ExitCode, string>> = {
  0: 'done',
  1: 'the answer is no: `audit` found a difference, there is no such run, a record is refused, a migration is missing',
  2: 'wrong use: unknown command or option, a value that cannot be right, a file that cannot be read',
  3: 'the database or the receiver cannot be reached or started; the same command may work later',
  4: 'a fault of Runledger; `--debug` shows where',
  130: 'ended with Ctrl-C',
};

/** Ends the program with a code; the message says what is wrong and, in its second line if need be, what to do. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** Missing relation, schema, function, column or role: a database that was never migrated, or not far enough. */
const NOT_MIGRATED = new Set(['42P01', '3F000', '42883', '42703', '22023', '42704']);

/** One or two lines for a person, and the exit code, of anything that was thrown. */
export function explainError(error: unknown): { exitCode: ExitCode; message: string } {
  if (error instanceof CliError) return { exitCode: error.exitCode, message: error.message };
  if (error instanceof ConfigError) return { exitCode: EXIT.usage, message: error.message };
  if (error instanceof EmbeddedError) return { exitCode: EXIT.unreachable, message: error.message };
  if (error instanceof StartError) return { exitCode: EXIT.unreachable, message: error.message };
  if (error instanceof AdministratorNeededError || error instanceof ForeignTableError) {
    return { exitCode: EXIT.no, message: error.message };
  }
  if (error instanceof Problem) return explainProblem(error);
  const text = error instanceof AggregateError ? messageOf(error.errors[0]) : messageOf(error);
  const code = errorCode(error);
  if (code === '57014')
    return { exitCode: EXIT.unreachable, message: 'The database took too long and the statement was stopped' };
  if (isRetryable(error)) {
    return {
      exitCode: EXIT.unreachable,
      message: `The database cannot be reached: ${text}\nCheck DATABASE_URL, and that the server runs; without DATABASE_URL the embedded one is used`,
    };
  }
  if (code !== undefined && NOT_MIGRATED.has(code)) {
    return {
      exitCode: EXIT.unreachable,
      message: `The database has no ledger of this version yet (${text})\nRun: runledger migrate`,
    };
  }
  if (code === '42501') {
    return {
      exitCode: EXIT.usage,
      message: `${text}\nThe commands need the ledger's own login; that of a BI tool is for psql and BI tools`,
    };
  }
  if (code !== undefined && /^E[A-Z]+$/.test(code)) return { exitCode: EXIT.usage, message: text };
  return {
    exitCode: EXIT.fault,
    message: `${text}\nThis looks like a fault of Runledger; run again with --debug for where it happened`,
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What the shared queries refuse, in the words of a command line. */
function explainProblem(problem: Problem): { exitCode: ExitCode; message: string } {
  const { runs } = problem.members;
  if (problem.status === 409 && Array.isArray(runs)) {
    const tenants = runs.map((run: { tenant_id: number }) => run.tenant_id).join(', ');
    return { exitCode: EXIT.no, message: `Several tenants have a run of this id: ${tenants}\nSay which with --tenant` };
  }
  return { exitCode: problem.status === 400 ? EXIT.usage : EXIT.no, message: problem.message };
}
