/** What one vendor_call span adds to its vendor and stage: calls, errors, limits, tokens and cost. */

import { LIMITS } from '../limits.ts';
import type { Extra } from './extra.ts';
import { FIELD, fieldName } from './fields.ts';
import { asDecimal } from './number.ts';
import type { EventRow } from './row.ts';
import type { SpanScene } from './scene.ts';
import { callStatus, errorCodeOf, httpStatusOf, statesCode } from './status.ts';
import { cutName } from './text.ts';
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

  row.status = status;
  row.errorCode = code;
  row.calls = readCount(view, extra, FIELD.calls) ?? 1;
  row.errors = Math.min(readCount(view, extra, FIELD.errors) ?? (failed ? 1 : 0), row.calls);
  const limited = httpStatus === 429 || means(code, view, RATE_LIMIT_CODES);
  row.rateLimitHits = readCount(view, extra, FIELD.rateLimitHits) ?? (limited ? 1 : 0);
  row.quotaExhausted = view.ownBoolean(FIELD.quotaExhausted) || httpStatus === 402 || means(code, view, QUOTA_CODES);

  const model = view.ownText(FIELD.model);
  // Under one name, whatever the sender calls it, and first, so that other attributes cannot push it out: cost is kept by model.
  if (model !== null)
    extra.text('model', model.length > LIMITS.modelChars ? cutName(mapping.redact(model), LIMITS.modelChars) : model);

  const tokensInput = readCount(view, extra, FIELD.tokensInput);
  const tokensOutput = readCount(view, extra, FIELD.tokensOutput);
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
    provider: view.ownText(FIELD.provider),
    model,
    atUs: row.tsUs,
    calls: row.calls,
    units: readCount(view, extra, FIELD.units),
    tokensInput,
    tokensOutput,
    tokensCacheRead: readCount(view, extra, FIELD.tokensCacheRead) ?? 0,
    tokensCacheWrite: readCount(view, extra, FIELD.tokensCacheWrite) ?? 0,
  });
  row.costUsd = priced?.costUsd ?? null;
  row.priceId = priced?.priceId ?? null;
}

function means(code: string | null, view: View, codes: ReadonlySet<string>): boolean {
  return (code !== null && codes.has(code.toLowerCase())) || statesCode(view, codes);
}

/** Null when absent, and when it is no count, which is then marked. */
function readCount(view: View, extra: Extra, slot: number): number | null {
  const count = view.ownCount(slot);
  if (count === null) extra.mark(`${fieldName(slot)}_ignored`);
  return count ?? null;
}

/** Undefined when no cost is stated; null when what is stated cannot be summed: it is kept in extra. */
function statedCost(view: View, extra: Extra): string | null | undefined {
  const value = view.getOwn(FIELD.costUsd);
  if (value === undefined) return undefined;
  const decimal = asDecimal(value);
  if (decimal !== null && !decimal.startsWith('-') && Number(decimal) <= LIMITS.costUsdPerSpan) return decimal;
  extra.mark('cost_ignored');
  if (value.value !== null && typeof value.value !== 'object') extra.text('cost_usd', String(value.value));
  return null;
}
