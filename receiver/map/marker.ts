/**
 * Start markers. Spans reach us when they end, so a run or stage announces itself by a span (or log record) that ends at once and names its
 * subject. The row it makes has the subject's key and nothing that the subject does not know, so both make the same single row.
 */

import { VALUE_INT, VALUE_STRING } from '../decode/shape.ts';
import { FIELD } from './fields.ts';
import type { Identity } from './identity.ts';
import type { Mapping, Outcome } from './mapping.ts';
import { asBoolean } from './number.ts';
import { blankRow, type EventRow, RUN_STAGE, SEQ_START } from './row.ts';
import { runFacts } from './run.ts';
import { stageName } from './stage.ts';
import { plausibleUs, refuseTime } from './time.ts';
import type { View } from './view.ts';

export interface MarkerScene {
  readonly span: { traceId: string };
  readonly view: View;
  readonly mapping: Mapping;
  readonly identity: Identity;
}

export function mapStartMarker(scene: MarkerScene): Outcome | null {
  const { view, mapping, identity } = scene;
  const refuse = (
    reason: 'invalid_marker' | 'no_tenant' | 'no_time' | 'future' | 'too_old',
    message: string,
  ): Outcome => {
    mapping.out.refusals.push({ tenantId: identity.tenantId, reason, message });
    return { kind: 'start', refused: reason, message };
  };

  const kind = view.text(FIELD.subjectKind);
  const spanId = view.text(FIELD.subjectSpanId)?.toLowerCase() ?? '';
  const statedUs = subjectStartUs(view);
  if ((kind !== 'run' && kind !== 'stage') || !/^(?!0{16})[0-9a-f]{16}$/.test(spanId) || statedUs === null) {
    return refuse(
      'invalid_marker',
      'a start marker needs runledger.subject.kind (run or stage), .span_id (16 hex) and .start_unix_nano (decimal nanoseconds)',
    );
  }
  const tsUs = plausibleUs(statedUs);
  const badTime = refuseTime(tsUs, mapping);
  if (badTime !== null) return refuse(badTime, 'the start that a marker announces lies outside of what is kept');
  if (kind === 'run' && identity.tenantId === 0)
    return refuse('no_tenant', 'a run needs its tenant: set runledger.tenant.id');

  const row = blankRow(identity.tenantId, identity.run);
  row.tsUs = tsUs;
  row.spanId = spanId;
  row.seq = SEQ_START;
  row.kind = kind;
  row.event = 'start';
  row.traceId = scene.span.traceId;
  if (kind === 'run') startRun(row, scene);
  else {
    row.stage = stageName(view.text(FIELD.stage) ?? view.text(FIELD.taskName), mapping);
  }
  mapping.out.rows.push(row);
  return null;
}

function startRun(row: EventRow, scene: MarkerScene): void {
  const { view, mapping, identity } = scene;
  const run = identity.run ?? { key: scene.span.traceId };
  row.run = run;
  row.runId = 'id' in run ? run.id : 0;
  row.stage = RUN_STAGE;
  row.facts = runFacts(scene, {
    status: 'running',
    startedUs: row.tsUs,
    atUs: row.tsUs,
    spanId: row.spanId,
    langsmithUrl: null,
  });
  const root = view.getOwn(FIELD.subjectRoot);
  // A log record may belong to no trace.
  if (scene.span.traceId !== '' && root !== undefined && asBoolean(root) === true) {
    const claimsTenantless = mapping.principal.kind === 'ingest';
    mapping.out.bindings.push({ tenantId: identity.tenantId, run, traceId: scene.span.traceId, claimsTenantless });
  }
}

/** Nanoseconds as decimal text or an integer, to floored microseconds; null when it is none. A double has lost the last digits. */
function subjectStartUs(view: View): number | null {
  const value = view.getOwn(FIELD.subjectStart);
  if (value === undefined || (value.type !== VALUE_STRING && value.type !== VALUE_INT)) return null;
  const text = String(value.value);
  return /^[0-9]{1,20}$/.test(text) ? Number(BigInt(text) / 1000n) : null;
}
