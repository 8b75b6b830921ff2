/** Messages as the alert engine writes them, with what a test wants to be different. */
import type { AlertMessage } from '../../receiver/derive/alerts/finding.ts';
import type { Outgoing } from '../../receiver/derive/delivery/request.ts';

export function alertMessage(more: Partial<AlertMessage> = {}): AlertMessage {
  return {
    event: 'fired',
    event_at: '2026-11-22T02:05:00.000Z',
    alert_id: 41,
    rule: 'crawl_error_rate',
    code: 'CR-02',
    severity: 'warn',
    title: 'CR-02 crawl error rate 0.42 of 210 items, limit 0.30',
    text: 'Tenant acme (7), pipeline nightly (production), run 4711. 88 of 210 items failed.',
    tenant_id: 7,
    tenant_name: 'acme',
    environment: 'production',
    pipeline: 'nightly',
    subject: 'crawl',
    numbers: { value: 0.41904761904761906, limit: 0.3, errors: 88, total: 210 },
    run: {
      run_id: 4711,
      run_key: '4711',
      status: 'succeeded',
      started_at: '2026-11-22T01:30:00.000Z',
      ended_at: '2026-11-22T02:01:00.000Z',
    },
    fired_at: '2026-11-22T02:05:00.000Z',
    resolved_at: null,
    links: {
      runbook: 'https://runledger.example.org/runbooks/CR-02',
      run: 'https://runledger.example.org/ui/runs/7/4711',
      jaeger: 'https://jaeger.example.org/trace/4bf92f3577b34da6a3ce929d0e0e4736',
      langsmith: 'https://smith.langchain.com/o/1/projects/p/2?peek=3&x=4',
    },
    ...more,
  };
}

export function outgoing(more: Partial<AlertMessage> = {}, deliveryId = '7-1'): Outgoing {
  return { deliveryId, message: alertMessage(more) };
}
