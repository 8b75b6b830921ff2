/** Run metrics and the run's statement of what was sent, from the attributes of one span. */

import { LIMITS } from '../limits.ts';
import type { Extra } from './extra.ts';
import { FIELD } from './fields.ts';
import type { Names } from './names.ts';
import { asDecimal } from './number.ts';
import type { RowMetrics } from './row.ts';
import { cutName } from './text.ts';
import type { View } from './view.ts';

export function readMetrics(view: View, extra: Extra, isRun: boolean, names: Names): RowMetrics | null {
  const sent = isRun ? readSent(view) : null;
  if (view.own.metrics.length === 0 && sent === null) return null;
  const metrics: RowMetrics = {};
  for (const { name, sum, value } of view.own.metrics.slice(0, LIMITS.metricsPerSpan)) {
    const decimal = asDecimal(value);
    const key = cutName(names.clean(name), LIMITS.metricNameChars);
    if (decimal === null || key === '' || !fitsNumeric(decimal)) {
      extra.mark('metric_ignored');
      continue;
    }
    // Names come from senders: a null prototype keeps __proto__ an ordinary name.
    if (sum) metrics.add = Object.assign(metrics.add ?? Object.create(null), { [key]: decimal });
    else metrics.set = Object.assign(metrics.set ?? Object.create(null), { [key]: decimal });
  }
  if (view.own.metrics.length > LIMITS.metricsPerSpan) extra.mark('metrics_dropped');
  if (sent !== null) metrics.sent = sent;
  return metrics;
}

/** How many stage, item and vendor_call spans of the run the sender ended and recorded; null when it does not say. */
function readSent(view: View): NonNullable<RowMetrics['sent']> | null {
  const stages = view.ownCount(FIELD.sentStages);
  const items = view.ownCount(FIELD.sentItems);
  const vendorCalls = view.ownCount(FIELD.sentVendorCalls);
  if (stages === undefined && items === undefined && vendorCalls === undefined) return null;
  return {
    stages: stages ?? 0,
    items: items ?? 0,
    vendor_calls: vendorCalls ?? 0,
    dropped: view.ownCount(FIELD.sentDropped) ?? 0,
  };
}

/** Doubles reach 1e308; sums of metrics stay readable numbers. */
function fitsNumeric(decimal: string): boolean {
  return decimal.length <= 40;
}
