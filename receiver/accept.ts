/** One body of a known sender to what its sender is told: the step that OTLP over HTTP and over gRPC have in common. */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { checkMetrics } from './decode/decode.ts';
import type { Encoding } from './decode/shape.ts';
import type { Ingest } from './ingest_types.ts';
import type { Principal } from './map/snapshot.ts';
import type { PartialSuccess, Signal } from './respond.ts';

export interface AcceptDeps {
  ingest: Ingest;
  /** Number of data points of a metrics request; throws DecodeError. */
  checkMetrics(body: Uint8Array, encoding: Encoding): number | Promise<number>;
}

/** Resolves after the commit; throws as Ingest does. */
export async function accept(
  signal: Signal,
  body: Uint8Array,
  encoding: Encoding,
  principal: Principal,
  deps: AcceptDeps,
): Promise<PartialSuccess> {
  if (signal === 'metrics') {
    const points = await deps.checkMetrics(body, encoding);
    return { rejected: 0, message: points === 0 ? '' : `${points} data points received; metrics are not kept yet` };
  }
  const { rejected, message } = await deps.ingest[signal](body, encoding, principal);
  return { rejected, message: message ?? '' };
}

/** Counts the data points of a metrics request; others get their turn between its steps. Throws DecodeError. */
export async function countDataPoints(body: Uint8Array, encoding: Encoding): Promise<number> {
  const steps = checkMetrics(body, encoding);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value.dataPoints;
    await nextTurn();
  }
}
