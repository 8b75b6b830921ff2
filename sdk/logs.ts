/**
 * Structured JSON logs, on request: one line for each event of a run, stage, item or vendor call, from the loggers obs.run, obs.stage,
 * obs.vendor and obs.qa. They repeat what the spans say, for people who read logs; the ledger does not need them.
 */

import type { RunClock } from './clock.ts';
import { noteInternalError } from './health.ts';
import type { OpenSpan } from './open_span.ts';
import { maskEmails } from './privacy.ts';

export type LoggerName = 'obs.run' | 'obs.stage' | 'obs.vendor' | 'obs.qa';

export interface LogFields {
  event: string;
  status: string;
  durationMs?: number;
  errorCode?: string | undefined;
  errorMessage?: string | undefined;
  vendor?: string;
  costUsd?: number | undefined;
  tokensInput?: number | undefined;
  tokensOutput?: number | undefined;
}

type Sink = (line: string) => void;

let sink: Sink | null = null;

/** Turns the logs on (true: standard output) or hands each line, without its newline, to a function; false turns them off. */
export function setLogs(target: boolean | Sink): void {
  if (target === true) sink = (line) => void process.stdout.write(`${line}\n`);
  else sink = target === false ? null : target;
}

export function logging(): boolean {
  return sink !== null;
}

/** Writes one line. E-mail addresses in any text are masked before it is written. */
export function logLine(logger: LoggerName, owner: OpenSpan, fields: LogFields): void {
  if (sink === null) return;
  try {
    const { run, stage, item } = owner.frame;
    const line = JSON.stringify({
      ts: timeOf(run.clock),
      level: fields.status === 'error' || fields.status === 'failed' ? 'error' : 'info',
      logger,
      tenant_id: run.tenant,
      run_id: run.id,
      stage: stage?.name,
      company_id: item?.id,
      event: fields.event,
      status: fields.status,
      duration_ms: fields.durationMs,
      error_code: fields.errorCode,
      error_msg: fields.errorMessage,
      vendor: fields.vendor,
      cost_usd: fields.costUsd,
      tokens_input: fields.tokensInput,
      tokens_output: fields.tokensOutput,
      trace_id: owner.span.spanContext().traceId,
    });
    sink(maskEmails(line));
  } catch (error) {
    noteInternalError(error);
  }
}

function timeOf(clock: RunClock | null): string {
  const at = clock?.now();
  return (at === undefined ? new Date() : new Date(at[0] * 1000 + at[1] / 1e6)).toISOString();
}

/** The end of `owner` as a log line: finish or error with its duration. */
export function logEnd(logger: LoggerName, owner: OpenSpan, status: string, more: Partial<LogFields> = {}): void {
  if (sink === null) return;
  logLine(logger, owner, {
    event: status === 'error' || status === 'failed' ? 'error' : 'finish',
    status,
    durationMs: Math.round(performance.now() - owner.startedMs),
    errorCode: owner.failure?.code,
    errorMessage: owner.failure?.message,
    ...more,
  });
}
