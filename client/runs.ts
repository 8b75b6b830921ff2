/** Runs: what they came to, their events, and the few things people change about them; and the files of a run. */

import type { PipelinePage, RunComparison, RunDetail, RunMetrics, RunPage, RunStats } from '../receiver/serve/shape.ts';
import type { EventLine, EventPage, RunDurations, RunErrors, RunTimeline } from '../receiver/serve/shape_events.ts';
import { change, type Paged, type PageOptions, readJson, readPaged, split } from './pages.ts';
import type { CallOptions, Send } from './request.ts';

/** A tenant's number or name. */
export type TenantRef = string | number;
/** A run's number (run_id) or the pipeline's own key for it. */
export type RunRef = string | number;

export type RunStatus = RunPage['runs'][number]['status'];
export type ListedRun = RunPage['runs'][number];
export type {
  EventLine,
  EventPage,
  PipelinePage,
  RunComparison,
  RunDetail,
  RunDurations,
  RunErrors,
  RunMetrics,
  RunPage,
  RunStats,
  RunTimeline,
};

export interface OfTenant extends CallOptions {
  /** For an admin token, where several tenants have what is asked for. */
  tenant?: TenantRef;
}

export interface RunsOptions extends OfTenant, PageOptions {
  pipeline?: string;
  status?: RunStatus;
  environment?: string;
  /** Beginning of the run key or run id. */
  q?: string;
  has_alerts?: boolean;
  /** Inclusive: 2026-11-22 or 2026-11-22T01:30:00Z. */
  from?: string;
  /** Exclusive. */
  to?: string;
}

export interface EventsOptions extends OfTenant, PageOptions {
  stage?: string;
  kind?: EventLine['kind'];
  status?: EventLine['status'];
  event?: string;
  vendor?: string;
  /** Its company_id. */
  item?: number;
  error_code?: string;
  /** `slowest` gives one page. */
  sort?: 'ts' | '-ts' | 'slowest';
}

export interface BeginRun {
  pipeline: string;
  /** Made up when absent; the same key again answers the same run. */
  run_key?: string;
  environment?: string;
  langsmith_url?: string;
  /** Needed with an admin token. */
  tenant?: TenantRef;
}

export type DurationsOptions = OfTenant & ({ stage: string; vendor?: never } | { vendor: string; stage?: never });

export function createRuns(send: Send) {
  const patch = (run: RunRef, body: object, given: OfTenant) =>
    change<RunDetail>(send, { method: 'PATCH', path: ['runs', run], body, given });
  return {
    /** Newest first. */
    list: (options: RunsOptions = {}): Paged<RunPage, ListedRun> =>
      readPaged(send, ['runs'], options, (page: RunPage) => page.runs),
    get: (run: RunRef, options: OfTenant = {}) => readJson<RunDetail>(send, ['runs', run], options),
    /** Stages and vendors: counts, percentiles, tokens, cost. */
    stats: (run: RunRef, options: OfTenant = {}) => readJson<RunStats>(send, ['runs', run, 'stats'], options),
    /** Business numbers. */
    metrics: (run: RunRef, options: OfTenant = {}) => readJson<RunMetrics>(send, ['runs', run, 'metrics'], options),
    /** Beside another run of the tenant, by default the one before it. */
    compare: (run: RunRef, options: OfTenant & { with?: RunRef } = {}) =>
      readJson<RunComparison>(send, ['runs', run, 'compare'], options),
    events: (run: RunRef, options: EventsOptions = {}): Paged<EventPage, EventLine> =>
      readPaged(send, ['runs', run, 'events'], options, (page: EventPage) => page.events),
    /** Failures by code. */
    errors: (run: RunRef, options: OfTenant = {}) => readJson<RunErrors>(send, ['runs', run, 'errors'], options),
    /** What ended when. */
    timeline: (run: RunRef, options: OfTenant & { steps?: number } = {}) =>
      readJson<RunTimeline>(send, ['runs', run, 'timeline'], options),
    /** A histogram of a stage's or a vendor's durations. */
    durations: (run: RunRef, options: DurationsOptions) =>
      readJson<RunDurations>(send, ['runs', run, 'durations'], options),
    /** Each pipeline with its last runs and what fires. */
    pipelines: (options: OfTenant = {}) => readJson<PipelinePage>(send, ['pipelines'], options),
    begin: (run: BeginRun, options: CallOptions = {}) =>
      change<RunDetail>(send, { method: 'POST', path: ['runs'], body: run, given: options }),
    cancel: (run: RunRef, what: { by: string; reason: string }, options: OfTenant = {}) =>
      patch(run, { action: 'cancel', ...what }, options),
    /** Leaves it out of baselines, trends and alerts. */
    exclude: (run: RunRef, what: { by: string; reason: string }, options: OfTenant = {}) =>
      patch(run, { action: 'exclude', ...what }, options),
    include: (run: RunRef, what: { by: string; reason?: string }, options: OfTenant = {}) =>
      patch(run, { action: 'include', ...what }, options),
    /** null removes the note. */
    note: (run: RunRef, what: { by: string; note: string | null }, options: OfTenant = {}) =>
      patch(run, { action: 'note', ...what }, options),
  };
}

export interface ExportFile {
  /** As the receiver would call it. */
  fileName: string;
  contentType: string;
  /** Ends when the whole file is there; fails when the transfer breaks off. Whoever reads slowly makes the receiver slow, and nothing else. */
  stream: ReadableStream<Uint8Array>;
}

export function createExports(send: Send) {
  const open = async (file: string, run: RunRef, options: OfTenant): Promise<ExportFile> => {
    const { signal, query } = split(options);
    const response = await send({
      method: 'GET',
      path: ['export', file],
      query: { run_id: String(run), ...query },
      signal,
    });
    const name = /filename="([^"]+)"/.exec(response.headers.get('content-disposition') ?? '')?.[1];
    return {
      fileName: name ?? file,
      contentType: response.headers.get('content-type') ?? '',
      stream: response.body ?? new ReadableStream({ start: (controller) => controller.close() }),
    };
  };
  return {
    runEvents: (run: RunRef, format: 'csv' | 'jsonl' | 'parquet', options: OfTenant = {}) =>
      open(`run_events.${format}`, run, options),
    qa: (run: RunRef, format: 'csv' | 'parquet', options: OfTenant = {}) => open(`qa.${format}`, run, options),
  };
}
