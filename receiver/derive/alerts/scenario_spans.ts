/** The runs of the story as OTLP/JSON, span for span as an instrumented pipeline sends them. */

import { createHash } from 'node:crypto';
import { ATTR, METRIC_PREFIX } from '../../../sdk/attributes.ts';
import { ENVIRONMENT, type StoryCalls, type StoryRun, type StoryStage, TENANT_NAMES } from './scenario_story.ts';

type AttributeValue = string | number | boolean;
type Attributes = Record<string, AttributeValue>;

interface SpanFields {
  name: string;
  startedAt: Date;
  endedAt: Date;
  attributes: Attributes;
  failed?: boolean;
  isRoot?: boolean;
}

const STATUS_ERROR = 2;
const TRACE_URL = 'https://smith.langchain.com/o/example/projects/p/enrichment/r';

/** An ExportTraceServiceRequest with all spans of these runs. */
export function requestOf(runs: readonly StoryRun[]): Uint8Array {
  return encode(runs.flatMap(spansOf));
}

/** A span of this run that comes again and says something else, and spans that no ledger can place in time. */
export function troubleOf(run: StoryRun): Uint8Array {
  const [stage] = run.stages.filter(({ items }) => items.length > 0);
  const item = stage?.items[0];
  if (stage === undefined || item === undefined) throw new Error('the story has no item to send again');
  // The same end, so that it is the same event.
  const again = spansOfItem(run, stage, { ...item, failed: !item.failed });
  const untimed = Array.from({ length: 5 }, (_, index) => ({
    ...spanOf(run, `untimed-${index}`, {
      name: 'untimed',
      startedAt: new Date(0),
      endedAt: new Date(0),
      attributes: { [ATTR.kind]: 'item', [ATTR.stage]: stage.name, [ATTR.itemId]: 900 + index },
    }),
  }));
  return encode([again, ...untimed]);
}

function encode(spans: readonly object[]): Uint8Array {
  const resource = {
    attributes: attributesOf({
      'service.name': 'enrichment',
      'service.version': '1.4.2',
      'deployment.environment.name': ENVIRONMENT,
    }),
  };
  return Buffer.from(JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans }] }] }));
}

function spansOf(run: StoryRun): object[] {
  const inner = run.stages.flatMap((stage) => [
    ...stage.items.map((item) => spansOfItem(run, stage, item)),
    ...stage.calls.map((calls) => callSpan(run, stage, calls)),
  ]);
  if (run.outcome === 'silent') return [startMarker(run), ...inner];
  return [...inner, ...run.stages.map((stage) => stageSpan(run, stage)), runSpan(run)];
}

function runSpan(run: StoryRun): object {
  const count = (of: (stage: StoryStage) => number) => run.stages.reduce((sum, stage) => sum + of(stage), 0);
  const metrics = Object.entries(run.metrics).map(([name, value]) => [`${METRIC_PREFIX}${name}`, value] as const);
  return spanOf(run, 'run', {
    name: run.pipeline,
    startedAt: run.startedAt,
    endedAt: run.endedAt,
    failed: run.outcome === 'failed',
    isRoot: true,
    attributes: {
      [ATTR.kind]: 'run',
      [ATTR.pipeline]: run.pipeline,
      [ATTR.runStatus]: run.outcome,
      [ATTR.langsmithUrl]: `${TRACE_URL}/${run.runKey}`,
      [ATTR.sentStages]: run.stages.length,
      [ATTR.sentItems]: count(({ items }) => items.length) + run.lostItems,
      [ATTR.sentVendorCalls]: count(({ calls }) => calls.length),
      ...Object.fromEntries(metrics),
    },
  });
}

/** All that is ever heard of the run itself. */
function startMarker(run: StoryRun): object {
  return spanOf(run, 'marker', {
    name: 'runledger.start',
    startedAt: run.startedAt,
    endedAt: run.startedAt,
    attributes: {
      [ATTR.kind]: 'start',
      [ATTR.pipeline]: run.pipeline,
      [ATTR.subjectKind]: 'run',
      [ATTR.subjectSpanId]: idOf(run, 'run', 16),
      [ATTR.subjectStartUnixNano]: nanosOf(run.startedAt),
      [ATTR.subjectRoot]: true,
    },
  });
}

function stageSpan(run: StoryRun, stage: StoryStage): object {
  return spanOf(run, `stage-${stage.name}`, {
    name: stage.name,
    startedAt: stage.startedAt,
    endedAt: stage.endedAt,
    failed: stage.failed,
    attributes: {
      [ATTR.kind]: 'stage',
      [ATTR.stage]: stage.name,
      [ATTR.stageUnit]: stage.items.length > 0 ? 'items' : 'self',
    },
  });
}

function spansOfItem(run: StoryRun, stage: StoryStage, item: StoryStage['items'][number]): object {
  const { id, ms, failed, bucket } = item;
  const share = (stage.endedAt.getTime() - stage.startedAt.getTime() - ms) / (stage.items.length + 1);
  const startedAt = new Date(stage.startedAt.getTime() + Math.max(0, Math.floor(share * id)));
  return spanOf(run, `item-${stage.name}-${id}`, {
    name: 'item',
    startedAt,
    endedAt: new Date(startedAt.getTime() + ms),
    failed,
    attributes: {
      [ATTR.kind]: 'item',
      [ATTR.stage]: stage.name,
      [ATTR.itemId]: id,
      ...(bucket !== undefined && { [ATTR.itemBucket]: bucket }),
      ...(failed && { [ATTR.errorCode]: 'HTTP_503' }),
    },
  });
}

function callSpan(run: StoryRun, stage: StoryStage, calls: StoryCalls): object {
  return spanOf(run, `calls-${stage.name}-${calls.vendor}`, {
    name: calls.vendor,
    startedAt: stage.startedAt,
    endedAt: stage.endedAt,
    attributes: {
      [ATTR.kind]: 'vendor_call',
      [ATTR.stage]: stage.name,
      [ATTR.vendor]: calls.vendor,
      [ATTR.calls]: calls.calls,
      [ATTR.errors]: calls.errors ?? 0,
      [ATTR.rateLimitHits]: calls.rateLimitHits ?? 0,
      [ATTR.quotaExhausted]: calls.quotaExhausted === true,
      [ATTR.costUsd]: calls.costUsd,
    },
  });
}

function spanOf(run: StoryRun, what: string, fields: SpanFields): object {
  return {
    traceId: idOf(run, 'trace', 32),
    spanId: idOf(run, what, 16),
    ...(fields.isRoot !== true && { parentSpanId: idOf(run, 'run', 16) }),
    name: fields.name,
    kind: 1,
    startTimeUnixNano: nanosOf(fields.startedAt),
    endTimeUnixNano: nanosOf(fields.endedAt),
    ...(fields.failed === true && { status: { code: STATUS_ERROR } }),
    attributes: attributesOf({
      [ATTR.tenantId]: TENANT_NAMES[run.tenantId] ?? run.tenantId,
      [ATTR.runId]: run.runKey,
      ...fields.attributes,
    }),
  };
}

function attributesOf(attributes: Attributes): object[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }));
}

function anyValue(value: AttributeValue): object {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}

/** Hex of this length, the same at every telling. */
function idOf(run: StoryRun, what: string, length: number): string {
  return createHash('sha256').update(`${run.runKey}/${what}`).digest('hex').slice(0, length);
}

function nanosOf(time: Date): string {
  return `${time.getTime()}000000`;
}
