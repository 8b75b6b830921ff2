/** Every route with a request about tenant A, as test/flow/isolation_matrix.test.ts sends it with each kind of token. */

import { bearer, TENANT_A, TENANT_B } from '../flow/api_server.ts';
import { type ParquetValue, readParquet } from './parquet_read.ts';

/** Runs that one tenant has and the other has not. */
export const RUN_OF = { a: 9001, b: 9002 } as const;

export interface Asking {
  /** Method and path as the list of routes has them. */
  route: string;
  /** What the page shows beside the route; empty where there is nothing to say. */
  detail: string;
  path: string;
  body?: object;
  /** False where the answer may be about whoever asks: a list, or oneself. */
  isAboutA: boolean;
}

const by = 'Stranger';
const RUN = `/runs/${RUN_OF.a}`;
const GET_OF_RUN = ['', '/stats', '/metrics', '/compare', '/events', '/errors', '/timeline'];
const LISTS = [
  '/runs',
  '/pipelines',
  '/qa',
  '/qa/summary',
  '/qa/settings',
  '/alerts',
  '/trends',
  '/trends/costs',
  '/budgets',
  '/metrics/tenants',
];
const EXPORTS = ['run_events.csv', 'run_events.jsonl', 'run_events.parquet', 'qa.csv', 'qa.parquet'];

/** @param ids an open alert of tenant A, and one of its tokens */
export function askings(ids: { alert: number; token: number }): Asking[] {
  const about = (route: string, path: string, body?: object): Asking => ({
    route,
    detail: '',
    path,
    ...(body === undefined ? {} : { body }),
    isAboutA: true,
  });
  const settings = { bucket: 'high', sample_limit: 3, checks: {} };
  return [
    ...LISTS.flatMap((path) => [
      { ...about(`get ${path}`, path), isAboutA: false },
      { ...about(`get ${path}`, `${path}?tenant=${TENANT_A}`), detail: '?tenant=A' },
    ]),
    ...GET_OF_RUN.map((end) => about(`get /runs/:id${end}`, RUN + end)),
    about('get /runs/:id/durations', `${RUN}/durations?stage=crawl`),
    ...EXPORTS.map((file) => about(`get /export/${file}`, `/export/${file}?run_id=${RUN_OF.a}`)),
    about('get /alerts/:id', `/alerts/${ids.alert}`),
    about('get /tenants/:id', `/tenants/${TENANT_A}`),
    about('get /tenants/:id/quota', `/tenants/${TENANT_A}/quota`),
    about('put /tenants/:id/quota', `/tenants/${TENANT_A}/quota`, { open_runs: 5 }),
    about('get /tenants/:id/overview', `/tenants/${TENANT_A}/overview`),
    { ...about('get /me', '/me'), isAboutA: false },
    about('post /runs', '/runs', { pipeline: 'nightly', run_key: 'walls', tenant: String(TENANT_A) }),
    about('patch /runs/:id', RUN, { action: 'note', by, note: 'seen' }),
    about('patch /qa/:run/:item', `/qa/${RUN_OF.a}/500`, { result: 'pass', reviewer: by }),
    about('post /alerts/:id/ack', `/alerts/${ids.alert}/ack`, { by }),
    about('post /alerts/:id/snooze', `/alerts/${ids.alert}/snooze`, { by, minutes: 10 }),
    about('put /qa/settings', '/qa/settings', { ...settings, tenant: String(TENANT_A) }),
    about('get /ingest/health', '/ingest/health'),
    about('get /acts', '/acts'),
    about('get /channels', '/channels'),
    about('post /channels', '/channels', {
      channel: 'mine',
      kind: 'slack',
      url: 'https://hooks.slack.com/services/x',
      tenant: String(TENANT_A),
    }),
    about('patch /channels/:channel', `/channels/of-a?tenant=${TENANT_A}`, { enabled: false }),
    about('post /channels/:channel/test', `/channels/of-a/test?tenant=${TENANT_A}`),
    about('delete /channels/:channel', `/channels/of-a?tenant=${TENANT_A}`),
    about('get /rules', '/rules'),
    about('patch /rules/:rule', '/rules/run_failed', { enabled: false }),
    about('put /rules/:rule/override', `/rules/run_failed/override?tenant=${TENANT_A}`, { enabled: false }),
    about('delete /rules/:rule/override', `/rules/run_failed/override?tenant=${TENANT_A}`),
    about('get /tokens', '/tokens'),
    about('post /tokens', '/tokens', { kind: 'tenant', tenant: String(TENANT_A), name: 'mine' }),
    about('post /tokens/:id/rotate', `/tokens/${ids.token}/rotate`, {}),
    about('delete /tokens/:id', `/tokens/${ids.token}`),
    about('get /tenants', '/tenants'),
    about('post /tenants', '/tenants', { tenant: 'newcomer' }),
    about('patch /tenants/:id', `/tenants/${TENANT_A}`, { status: 'disabled' }),
    about('delete /tenants/:id', `/tenants/${TENANT_A}`, { confirm: String(TENANT_A), by, reason: 'none' }),
  ];
}

export const OPEN_PATHS = [
  '/',
  '/healthz',
  '/readyz',
  '/metrics',
  '/ui/session',
  '/openapi.json',
  '/runbooks',
  '/runbooks/CR-02',
];

export async function ask(url: string, asking: Asking, token: string | undefined): Promise<Response> {
  const answer = await fetch(url + asking.path, {
    method: asking.route.split(' ')[0]?.toUpperCase() ?? 'GET',
    headers: {
      ...(token === undefined ? {} : bearer(token)),
      ...(asking.body === undefined ? {} : { 'Content-Type': 'application/json' }),
    },
    ...(asking.body === undefined ? {} : { body: JSON.stringify(asking.body) }),
  });
  return answer.headers.get('content-type') === 'application/vnd.apache.parquet' ? parquetAsText(answer) : answer;
}

/** What is in a compressed file cannot be searched for marks. */
async function parquetAsText(answer: Response): Promise<Response> {
  const { columns, rows } = await readParquet(new Uint8Array(await answer.arrayBuffer()));
  const lines = rows.map((row) =>
    JSON.stringify(Object.fromEntries(row.map((value, at) => [columns[at]?.name, plainValue(value)]))),
  );
  return new Response(lines.join('\n'), { status: answer.status });
}

function plainValue(value: ParquetValue): string | number | boolean | null {
  return typeof value === 'bigint' ? Number(value) : value;
}

/** What in an answer can only be of a tenant: its number under its name, its texts, its run. Empty: nothing. */
export function marksOf(tenant: 'a' | 'b', text: string): string[] {
  const id = tenant === 'a' ? TENANT_A : TENANT_B;
  const marks = [
    new RegExp(`"tenant_id":${id}\\b`),
    new RegExp(`tenant="${id}"`),
    new RegExp(`secret-of-${id}\\b`),
    new RegExp(`\\bof ${id}\\b`),
    new RegExp(`\\b${RUN_OF[tenant]}\\b`),
  ].filter((mark) => mark.test(text));
  return [...marks.map(String), ...(tenantsOfCsv(text).includes(String(id)) ? ['a line of CSV'] : [])];
}

function tenantsOfCsv(text: string): string[] {
  const [head = '', ...lines] = text.split('\n');
  const column = head.replace('\r', '').split(',').indexOf('tenant_id');
  return column < 0 ? [] : lines.map((line) => line.split(',')[column] ?? '');
}
