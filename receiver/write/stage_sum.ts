/** What rows add to their stage: units, cost, tokens, retries, and the register of the stage's state. */

import { type EventRow, RUN_STAGE, SEQ_MAIN } from '../map/row.ts';
import { DecimalSum } from './decimal.ts';
import { compareText, NEVER } from './order.ts';
import { timestampText } from './timestamp.ts';

export interface StageSum {
  row: EventRow;
  total: number;
  success: number;
  error: number;
  cost: DecimalSum;
  tokensInput: number;
  tokensOutput: number;
  durationMs: number;
  retries: number;
  fallbacks: number;
  startedUs: number;
  endedUs: number;
  state: EventRow | null;
}

/** Rows of the run itself, log records and other events belong to a stage by name only. */
export function countsInStage(row: EventRow): boolean {
  switch (row.kind) {
    case 'stage':
    case 'item':
    case 'vendor_call':
      return true;
    case 'event':
      return (row.event === 'retry' || row.event === 'fallback') && row.stage !== RUN_STAGE;
    default:
      return false;
  }
}

export function newStage(row: EventRow): StageSum {
  return {
    row,
    total: 0,
    success: 0,
    error: 0,
    cost: new DecimalSum(),
    tokensInput: 0,
    tokensOutput: 0,
    durationMs: 0,
    retries: 0,
    fallbacks: 0,
    startedUs: Number.POSITIVE_INFINITY,
    endedUs: 0,
    state: null,
  };
}

export function addToStage(stage: StageSum, row: EventRow): void {
  stage.total += row.unitsTotal;
  stage.success += row.unitsSuccess;
  stage.error += row.unitsError;
  if (row.costUsd !== null) stage.cost.add(row.costUsd);
  stage.tokensInput += row.tokensInput;
  stage.tokensOutput += row.tokensOutput;
  if (row.kind === 'event') {
    if (row.event === 'retry') stage.retries++;
    else stage.fallbacks++;
  } else if (row.kind === 'stage') {
    if (row.seq === SEQ_MAIN) {
      stage.durationMs += row.durationMs ?? 0;
      stage.endedUs = Math.max(stage.endedUs, row.tsUs);
    } else stage.startedUs = Math.min(stage.startedUs, row.tsUs);
    if (stage.state === null || compareStageStates(row, stage.state) > 0) stage.state = row;
  }
}

/** The stage span that ends last decides; a start after the last end says that it runs again. seq is 0 for a start, 1 for an end. */
function compareStageStates(a: EventRow, b: EventRow): number {
  return a.tsUs - b.tsUs || a.seq - b.seq || compareText(a.spanId, b.spanId);
}

export function stageRecord(stage: StageSum): object {
  const { row, state } = stage;
  return {
    run_id: row.runId,
    tenant_id: row.tenantId,
    stage: row.stage,
    count_total: stage.total,
    count_success: stage.success,
    count_error: stage.error,
    cost_usd: stage.cost.toString(),
    tokens_input: stage.tokensInput,
    tokens_output: stage.tokensOutput,
    duration_ms: stage.durationMs,
    retry_count: stage.retries,
    fallback_count: stage.fallbacks,
    started_at: Number.isFinite(stage.startedUs) ? timestampText(stage.startedUs) : null,
    ended_at: stage.endedUs > 0 ? timestampText(stage.endedUs) : null,
    status: state === null ? null : state.seq === SEQ_MAIN ? state.status : 'running',
    state_at: state === null ? NEVER : timestampText(state.tsUs),
    state_is_end: state === null ? -1 : state.seq,
    state_span_id: state?.spanId ?? '',
  };
}
