/** What one vendor_call span adds to its vendor and stage: calls, errors, limits, tokens and cost. */

import { VALUE_STRING } from '../decode/shape.ts';
import { LIMITS } from '../limits.ts';
import type { Extra } from './extra.ts';
import { asDecimal } from './number.ts';
import type { EventRow } from './row.ts';
import type { SpanScene } from './scene.ts';
import { callStatus, errorCodeOf, httpStatusOf } from './status.ts';
import type { View } from './view.ts';

const RATE_LIMIT_CODES = new Set([
  '429',
  'http_429',
  'rate_limit',
  'rate_limit_exceeded',
  'rate_limit_error',
  'ratelimiterror',
  'too_many_requests',
]);
const QUOTA_CODES = new Set([
  '402',
  'http_402',
  'insufficient_quota',
  'quota_exceeded',
  'quota_exhausted',
  'billing_hard_limit_reached',
  'billing_not_active',
  'insufficient_credits',
  'not_enough_credits',
  'out_of_credits',
  'credits_exhausted',
  'payment_required',
  'monthly_usage_limit_exceeded',
]);

/** Batches state their own counts: one span may say calls = 50, errors = 3. */
export function addUsage(row: EventRow, scene: SpanScene, extra: Extra): void {
  const { span, view, mapping } = scene;
  const httpStatus = httpStatusOf(view);
  const status = callStatus(span, view, httpStatus);
  const failed = status === 'error';
  const code = failed || status === 'retry' ? errorCodeOf(span, view, mapping) : null;
  const count = (field: CountField, otherwise: number) => readCount(view, extra, field) ?? otherwise;

  row.status = status;
  row.errorCode = code;
  row.calls = count('calls', 1);
  row.errors = Math.min(count('errors', failed ? 1 : 0), row.calls);
  const limited = httpStatus === 429 || (code !== null && RATE_LIMIT_CODES.has(code.toLowerCase()));
  row.rateLimitHits = count('rateLimitHits', limited ? 1 : 0);
  row.quotaExhausted =
    view.ownBoolean('quotaExhausted') || httpStatus === 402 || (code !== null && QUOTA_CODES.has(code.toLowerCase()));

  const tokensInput = readCount(view, extra, 'tokensInput');
  const tokensOutput = readCount(view, extra, 'tokensOutput');
  row.tokensInput = tokensInput ?? 0;
  row.tokensOutput = tokensOutput ?? 0;

  const stated = statedCost(view, extra);
  if (stated !== undefined) {
    row.costUsd = stated;
    return;
  }
  const priced = mapping.priceUsage({
    tenantId: row.tenantId,
    vendor: row.vendor ?? '',
    provider: ownText(view, 'provider') ?? row.vendor,
    model: ownText(view, 'model'),
    atUs: row.tsUs,
    calls: row.calls,
    units: readCount(view, extra, 'units'),
    tokensInput,
    tokensOutput,
    tokensCacheRead: readCount(view, extra, 'tokensCacheRead') ?? 0,
    tokensCacheWrite: readCount(view, extra, 'tokensCacheWrite') ?? 0,
  });
  row.costUsd = priced?.costUsd ?? null;
  row.priceId = priced?.priceId ?? null;
}

type CountField =
  | 'calls'
  | 'errors'
  | 'rateLimitHits'
  | 'tokensInput'
  | 'tokensOutput'
  | 'tokensCacheRead'
  | 'tokensCacheWrite'
  | 'units';

/** Null when absent, and when it is no count, which is then marked. */
function readCount(view: View, extra: Extra, field: CountField): number | null {
  const count = view.ownCount(field);
  if (count === null) extra.mark(`${field}_ignored`);
  return count ?? null;
}

/** Undefined when no cost is stated; null when what is stated cannot be summed: it is kept in extra. */
function statedCost(view: View, extra: Extra): string | null | undefined {
  const value = view.getOwn('costUsd');
  if (value === undefined) return undefined;
  const decimal = asDecimal(value);
  if (decimal !== null && !decimal.startsWith('-') && Number(decimal) <= LIMITS.costUsdPerSpan) return decimal;
  extra.mark('cost_ignored');
  if (value.value !== null && typeof value.value !== 'object') extra.text('cost_usd', String(value.value));
  return null;
}

function ownText(view: View, field: 'provider' | 'model'): string | null {
  const value = view.getOwn(field);
  return value?.type === VALUE_STRING ? value.value : null;
}
