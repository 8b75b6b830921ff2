/**
 * Every function of the client with everything it can be given, as test/unit/client_routes.test.ts compares it with the routes' own schemas.
 * `Required` makes the compiler ask for each option here, so that none goes untried.
 */

import type {
  ActsOptions,
  AlertsOptions,
  BeginRun,
  Client,
  CostsOptions,
  EventsOptions,
  NewChannel,
  OverrideChange,
  QaFilter,
  QaOptions,
  QaSettingChange,
  QuotaLimits,
  Review,
  RuleChange,
  RunsOptions,
  TrendsOptions,
} from '../../client/client.ts';

type Given<T> = Omit<Required<T>, 'signal'>;

const tenant = 7;
const run = 4711;
const page = { limit: 10, cursor: 'c' };
const by = 'Ana';

const runs: Given<RunsOptions> = {
  ...{ tenant, pipeline: 'nightly', status: 'failed', environment: 'production', q: '2026', has_alerts: true },
  ...{ from: '2026-11-22', to: '2026-11-23T01:30:00Z', ...page },
};
const events: Given<EventsOptions> = {
  ...{ tenant, stage: 'crawl', kind: 'item', status: 'error', event: 'finish', vendor: 'openai', item: 500 },
  ...{ error_code: 'timeout', sort: '-ts', ...page },
};
const begin: Required<BeginRun> = {
  ...{ pipeline: 'nightly', run_key: '2026-11-23', environment: 'production' },
  ...{ langsmith_url: 'https://smith.langchain.com/x', tenant },
};
const filter: Given<QaFilter> = { tenant, run, bucket: 'high', reviewer: by, pipeline: 'nightly' };
const samples: Given<QaOptions> = { ...filter, result: 'pass', ...page };
const review: Required<Review> = { result: 'fail', reviewer: by, notes: 'seen', checks: { domain: true } };
const setting: Required<QaSettingChange> = { tenant, bucket: 'high', sample_limit: 3, checks: { domain: false }, by };
const alerts: Given<AlertsOptions> = {
  ...{ tenant, state: ['firing', 'acked'], code: 'CR-02', pipeline: 'nightly', environment: 'production', run },
  ...page,
};
const trends: Given<TrendsOptions> = { tenant, pipeline: 'nightly', environment: 'production', weeks: 4, by: 'day' };
const acts: Given<ActsOptions> = { tenant, act: 'token_create', object: 'token 1', ...page };

const costs: Given<CostsOptions> = { tenant, pipeline: 'nightly', environment: 'production', weeks: 4, by: 'month' };
const channel: Required<NewChannel> = {
  ...{ channel: 'ops', kind: 'webhook', url: 'https://hooks.example/x', secret: 'of-the-signatures' },
  ...{ min_severity: 'page', allow_private: true, tenant },
};
const rule: Required<RuleChange> = {
  ...{ enabled: true, severity: 'page', parameters: { rate: 0.2 }, remind_after_minutes: null, by, reason: 'noise' },
};
const override: Required<OverrideChange> = { enabled: null, parameters: { rate: 0.3 }, by, reason: 'small lists' };
const quota: Required<QuotaLimits> = {
  ...{ spans_per_second: 1000, burst_spans: 5000, open_runs: 10, stages_per_run: 100, vendors_per_run: null },
  ...{ parked_bytes: 4_194_304 },
};

type Call = (client: Client) => PromiseLike<unknown>;

/** By route; more than one where several functions, or several shapes of one, end there. */
export const CLIENT_CALLS: Readonly<Record<string, readonly Call[]>> = {
  'get /runs': [(client) => client.runs.list(runs)],
  'get /runs/:id': [(client) => client.runs.get('a/b c?', { tenant: 'acme' })],
  'get /runs/:id/stats': [(client) => client.runs.stats(run, { tenant })],
  'get /runs/:id/metrics': [(client) => client.runs.metrics(run, { tenant })],
  'get /runs/:id/compare': [(client) => client.runs.compare(run, { tenant, with: 4710 })],
  'get /runs/:id/events': [(client) => client.runs.events(run, events)],
  'get /runs/:id/errors': [(client) => client.runs.errors(run, { tenant })],
  'get /runs/:id/timeline': [(client) => client.runs.timeline(run, { tenant, steps: 60 })],
  'get /runs/:id/durations': [
    (client) => client.runs.durations(run, { tenant, stage: 'crawl' }),
    (client) => client.runs.durations(run, { tenant, vendor: 'openai' }),
  ],
  'get /pipelines': [(client) => client.runs.pipelines({ tenant })],
  'post /runs': [(client) => client.runs.begin(begin)],
  'patch /runs/:id': [
    (client) => client.runs.cancel(run, { by, reason: 'wrong list' }, { tenant }),
    (client) => client.runs.exclude(run, { by, reason: 'test data' }, { tenant }),
    (client) => client.runs.include(run, { by, reason: 'real after all' }, { tenant }),
    (client) => client.runs.note(run, { by, note: null }, { tenant }),
  ],
  'get /export/run_events.csv': [(client) => client.exports.runEvents(run, 'csv', { tenant })],
  'get /export/run_events.jsonl': [(client) => client.exports.runEvents(run, 'jsonl', { tenant })],
  'get /export/run_events.parquet': [(client) => client.exports.runEvents(run, 'parquet', { tenant })],
  'get /export/qa.csv': [(client) => client.exports.qa(run, 'csv', { tenant })],
  'get /export/qa.parquet': [(client) => client.exports.qa(run, 'parquet', { tenant })],
  'get /qa': [(client) => client.qa.list(samples)],
  'get /qa/summary': [(client) => client.qa.summary(filter)],
  'patch /qa/:run/:item': [(client) => client.qa.review(run, 500, review, { tenant })],
  'get /qa/settings': [(client) => client.qa.settings({ tenant })],
  'put /qa/settings': [(client) => client.qa.setSetting(setting)],
  'get /alerts': [(client) => client.alerts.list(alerts)],
  'get /alerts/:id': [(client) => client.alerts.get(12)],
  'post /alerts/:id/ack': [(client) => client.alerts.ack(12, { by, note: 'on it' })],
  'post /alerts/:id/snooze': [
    (client) => client.alerts.snooze(12, { by, note: 'later', minutes: 60 }),
    (client) => client.alerts.snooze(12, { by, note: 'later', until: '2099-01-01T00:00:00Z' }),
  ],
  'get /tenants/:id/overview': [(client) => client.tenants.overview('acme')],
  'get /trends': [(client) => client.trends(trends)],
  'get /metrics/tenants': [(client) => client.tenantMetrics({ tenant })],
  'get /ingest/health': [(client) => client.ingestHealth()],
  'get /acts': [(client) => client.acts(acts)],
  'get /me': [(client) => client.me()],
  'get /trends/costs': [(client) => client.costs(costs)],
  'get /budgets': [(client) => client.budgets({ tenant })],
  'get /channels': [(client) => client.channels.list({ tenant })],
  'post /channels': [(client) => client.channels.set(channel)],
  'patch /channels/:channel': [(client) => client.channels.enable('ops', false, { tenant })],
  'delete /channels/:channel': [(client) => client.channels.remove('ops', { tenant })],
  'post /channels/:channel/test': [(client) => client.channels.test('ops', { tenant })],
  'get /rules': [(client) => client.rules.list()],
  'patch /rules/:rule': [(client) => client.rules.set('stage_errors', rule)],
  'put /rules/:rule/override': [
    (client) => client.rules.setOverride('stage_errors', override, { tenant, pipeline: 'nightly' }),
  ],
  'delete /rules/:rule/override': [
    (client) => client.rules.removeOverride('stage_errors', { tenant, pipeline: 'nightly' }),
  ],
  'get /tenants/:id/quota': [(client) => client.tenants.quota('acme')],
  'put /tenants/:id/quota': [(client) => client.tenants.setQuota('acme', quota)],
  'get /tokens': [(client) => client.tokens.list()],
  'post /tokens': [
    (client) =>
      client.tokens.create({
        ...{ kind: 'tenant', tenant, name: 'reader', scopes: ['read'], expires_at: '2099-01-01T00:00:00Z' },
      }),
    (client) => client.tokens.create({ kind: 'ingest', name: 'pipeline', expires_at: '2099-01-01T00:00:00Z' }),
  ],
  'post /tokens/:id/rotate': [(client) => client.tokens.rotate(3, { grace_minutes: 60 })],
  'delete /tokens/:id': [(client) => client.tokens.revoke(3)],
  'get /tenants': [(client) => client.tenants.list()],
  'get /tenants/:id': [(client) => client.tenants.get('acme')],
  'post /tenants': [(client) => client.tenants.create('acme')],
  'patch /tenants/:id': [(client) => client.tenants.update(7, { name: 'acme-eu', status: 'disabled' })],
  'delete /tenants/:id': [(client) => client.tenants.disable('acme')],
};

/** What needs no token and stands beside the list of routes. */
export const OPEN_CALLS: Readonly<Record<string, Call>> = {
  'get /runbooks': (client) => client.runbooks.list(),
  'get /runbooks/{code}': (client) => client.runbooks.get('CR-02'),
  'get /healthz': (client) => client.alive(),
  'get /readyz': (client) => client.ready(),
  'get /metrics': (client) => client.metrics(),
  'get /openapi.json': (client) => client.openapi(),
};

/** Routes that the client leaves out, and why. */
export const LEFT_OUT: Readonly<Record<string, string>> = {
  'get /ui/session': "the dashboard's sign-in: a program has a token",
};
