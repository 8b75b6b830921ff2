/** The Prometheus text that dashboards and alerts read: names, labels, and zero before the first event. */

import type { ServerResponse } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { createMetrics, type Metrics } from '../../receiver/metrics.ts';

let metrics: Metrics;
afterEach(() => metrics.stop());

/** Scrapes through the same handler that the API mounts. */
function scrape(): Promise<string> {
  return new Promise((resolve) => {
    const response = { statusCode: 0, setHeader: () => undefined, end: (text: string) => resolve(text) };
    metrics.handler({} as never, response as unknown as ServerResponse);
  });
}

test('counters show zero before their first event, so that an increase can be seen', async () => {
  metrics = createMetrics();
  const text = await scrape();
  expect(text).toContain('runledger_receiver_accepted_spans_total 0');
  expect(text).toContain('runledger_receiver_refused_spans_total{reason="too_old"} 0');
  expect(text).toContain('runledger_duplicate_rows_total 0');
});

test('what is counted is what is shown', async () => {
  metrics = createMetrics();
  metrics.acceptedSpans(5);
  metrics.acceptedSpans(7);
  metrics.refused('no_time', 2);
  metrics.conflicts(1);
  metrics.parkedRows(9);
  metrics.parkedRows(4);
  metrics.committed(0.004, 500);
  metrics.answered('traces', 200);
  metrics.answeredGrpc('traces', 'OK');
  metrics.answeredGrpc('logs', 'UNAVAILABLE');
  metrics.watch({ queueRows: () => 17, bodyBytesInFlight: () => 1234 });
  const lines = (await scrape()).split('\n');
  expect(lines).toEqual(
    expect.arrayContaining([
      'runledger_receiver_accepted_spans_total 12',
      'runledger_receiver_refused_spans_total{reason="no_time"} 2',
      'runledger_conflicts_total 1',
      'runledger_parked_rows 4',
      'runledger_commit_duration_seconds_bucket{le="0.0025"} 0',
      'runledger_commit_duration_seconds_bucket{le="0.005"} 1',
      'runledger_group_rows_sum 500',
      'runledger_receiver_requests_total{signal="traces",status="200",transport="http"} 1',
      'runledger_receiver_requests_total{signal="traces",status="OK",transport="grpc"} 1',
      'runledger_receiver_requests_total{signal="logs",status="UNAVAILABLE",transport="grpc"} 1',
      'runledger_queue_rows 17',
      'runledger_body_bytes_in_flight 1234',
    ]),
  );
});

test('the process tells its memory, CPU and event loop delay as numbers', async () => {
  metrics = createMetrics();
  const text = await scrape();
  for (const name of [
    'process_resident_memory_bytes',
    'process_cpu_seconds_total',
    'nodejs_eventloop_delay_p99_seconds',
  ]) {
    expect(text).toMatch(new RegExp(`^${name} \\d`, 'm'));
  }
});
