/**
 * The receiver's own counters and gauges, and their Prometheus text. No label names a tenant: what a tenant does is in the ledger. The
 * receiver only counts and never traces itself, or its own spans would come back to it.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Meter } from '@opentelemetry/api';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { REFUSAL_REASONS, type RefusalReason } from './map/row.ts';
import { HOLDING_QUOTAS, type HoldingQuota } from './quota.ts';
import type { Signal } from './respond.ts';

export interface Metrics {
  /** Spans and log records that are in the ledger after their commit. */
  acceptedSpans(count: number): void;
  acceptedLogs(count: number): void;
  /** Spans and log records refused for good. */
  refused(reason: RefusalReason, count?: number): void;
  /** A request that has to come again because of a tenant's quota. */
  held(quota: HoldingQuota): void;
  /** Rows that were in the ledger already: resends. */
  duplicateRows(count: number): void;
  /** Rows whose key was there with other content. */
  conflicts(count: number): void;
  /** Rows that wait for their trace's root, over all tenants, as last counted. */
  parkedRows(rows: number): void;
  /** One transaction: how long from BEGIN to COMMIT, and how many rows. */
  committed(durationSeconds: number, rows: number): void;
  /** One answered OTLP/HTTP request; status 0: the sender left before its answer. */
  answered(signal: Signal | 'other', status: number): void;
  /** One OTLP/gRPC call that ended, with the name of its code; `other`: refused by the framing or its deadline, or the sender left. */
  answeredGrpc(signal: Signal | 'other', code: string): void;
  /** Gives the gauges that are read at each scrape their sources. */
  watch(sources: GaugeSources): void;
  /** Writes the Prometheus text. */
  handler(request: IncomingMessage, response: ServerResponse): void;
  stop(): Promise<void>;
}

export interface GaugeSources {
  /** Mapped rows that wait for a transaction. */
  queueRows?: () => number;
  bodyBytesInFlight?: () => number;
}

/** Seconds; a commit on a local disk takes 2 to 20 ms, a database in trouble runs into the 8 s statement timeout. */
const COMMIT_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const GROUP_BUCKETS = [1, 8, 64, 256, 512, 1024, 2048, 4096, 8192];
const NANOSECONDS = 1e9;

export function createMetrics(): Metrics {
  const exporter = new PrometheusExporter({
    preventServerStart: true,
    withoutScopeInfo: true,
    withoutTargetInfo: true,
  });
  const provider = new MeterProvider({ readers: [exporter] });
  const meter = provider.getMeter('runledger');
  const counter = (name: string, description: string) => zeroed(meter.createCounter(name, { description }));
  const acceptedSpans = counter('runledger_receiver_accepted_spans_total', 'Spans accepted and committed');
  const acceptedLogs = counter('runledger_receiver_accepted_logs_total', 'Log records accepted and committed');
  const refused = meter.createCounter('runledger_receiver_refused_spans_total', {
    description: 'Spans and log records refused for good, by reason',
  });
  // A series that appears only with its first refusal has no increase that an alert could see.
  for (const reason of REFUSAL_REASONS) refused.add(0, { reason });
  const held = meter.createCounter('runledger_receiver_held_requests_total', {
    description: 'Requests sent back until later by the quota of a tenant',
  });
  for (const quota of HOLDING_QUOTAS) held.add(0, { quota });
  const duplicates = counter('runledger_duplicate_rows_total', 'Rows that were stored already');
  const conflicts = counter('runledger_conflicts_total', 'Rows whose key was stored with other content');
  const requests = meter.createCounter('runledger_receiver_requests_total', {
    description:
      'OTLP requests by transport, signal and status: HTTP, 0 if the sender left before its answer, or gRPC by name',
  });
  const parked = meter.createGauge('runledger_parked_rows', {
    description: 'Rows that wait for the root of their trace',
  });
  const commits = meter.createHistogram('runledger_commit_duration_seconds', {
    description: 'From BEGIN to COMMIT of one group of requests',
    advice: { explicitBucketBoundaries: COMMIT_BUCKETS },
  });
  const groups = meter.createHistogram('runledger_group_rows', {
    description: 'Rows of one transaction',
    advice: { explicitBucketBoundaries: GROUP_BUCKETS },
  });
  const stopProcess = watchProcess(meter);
  return {
    acceptedSpans: (count) => acceptedSpans.add(count),
    acceptedLogs: (count) => acceptedLogs.add(count),
    refused: (reason, count = 1) => refused.add(count, { reason }),
    held: (quota) => held.add(1, { quota }),
    duplicateRows: (count) => duplicates.add(count),
    conflicts: (count) => conflicts.add(count),
    parkedRows: (rows) => parked.record(rows),
    committed(durationSeconds, rows) {
      commits.record(durationSeconds);
      groups.record(rows);
    },
    answered: (signal, status) => requests.add(1, { signal, status: String(status), transport: 'http' }),
    answeredGrpc: (signal, code) => requests.add(1, { signal, status: code, transport: 'grpc' }),
    watch(sources) {
      if (sources.queueRows)
        gauge(meter, 'runledger_queue_rows', 'Mapped rows that wait for a transaction', sources.queueRows);
      if (sources.bodyBytesInFlight) {
        gauge(meter, 'runledger_body_bytes_in_flight', 'Bytes of request bodies in memory', sources.bodyBytesInFlight);
      }
    },
    handler: (request, response) => exporter.getMetricsRequestHandler(request, response),
    async stop() {
      stopProcess();
      await provider.shutdown();
    },
  };
}

/** A counter that shows 0 before its first event. */
function zeroed<C extends { add(value: number): void }>(counter: C): C {
  counter.add(0);
  return counter;
}

function gauge(meter: Meter, name: string, description: string, read: () => number): void {
  meter.createObservableGauge(name, { description }).addCallback((result) => result.observe(read()));
}

/** The usual figures of a process, under the names that dashboards for Prometheus expect. */
function watchProcess(meter: Meter): () => void {
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  gauge(meter, 'process_resident_memory_bytes', 'Resident memory', () => process.memoryUsage.rss());
  gauge(meter, 'nodejs_heap_used_bytes', 'Heap in use', () => process.memoryUsage().heapUsed);
  gauge(
    meter,
    'nodejs_external_memory_bytes',
    'Memory of buffers outside the heap',
    () => process.memoryUsage().external,
  );
  const startSeconds = Date.now() / 1000 - process.uptime();
  gauge(meter, 'process_start_time_seconds', 'Start of the process, seconds since the epoch', () => startSeconds);
  meter
    .createObservableCounter('process_cpu_seconds_total', { description: 'User and system CPU time' })
    .addCallback((result) => {
      const { user, system } = process.cpuUsage();
      result.observe((user + system) / 1e6);
    });
  gauge(meter, 'nodejs_eventloop_delay_p99_seconds', 'p99 of the event loop’s delay since the last scrape', () => {
    const seconds = delay.count === 0 ? 0 : delay.percentile(99) / NANOSECONDS;
    delay.reset();
    return seconds;
  });
  return () => void delay.disable();
}
