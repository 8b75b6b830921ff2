/**
 * The attribute names that mapping understands: our own, plain short ones, and the conventions other people send (OTel GenAI, HTTP and
 * CI/CD, OpenInference, Vercel AI SDK). One logical field may have several names; the first of its list that is present wins within a
 * span, a span's value wins over its scope's and that over its resource's.
 */

import { ATTR } from '../../sdk/attributes.ts';

/** Names per logical field, in order of precedence. */
const NAMES = {
  kind: [ATTR.kind],
  tenant: [ATTR.tenantId],
  /** Cloud directories use this name too, so a value that resolves to nothing is ignored, not refused. */
  plainTenant: ['tenant.id'],
  run: [ATTR.runId, 'run.id', 'cicd.pipeline.run.id'],
  pipeline: [ATTR.pipeline, 'cicd.pipeline.name'],
  stage: [ATTR.stage],
  stageUnit: [ATTR.stageUnit],
  countTotal: [ATTR.countTotal],
  countSuccess: [ATTR.countSuccess],
  countError: [ATTR.countError],
  item: [ATTR.itemId, 'company.id'],
  bucket: [ATTR.itemBucket],
  vendor: [ATTR.vendor],
  within: [ATTR.within],
  calls: [ATTR.calls],
  errors: [ATTR.errors],
  rateLimitHits: [ATTR.rateLimitHits],
  quotaExhausted: [ATTR.quotaExhausted],
  costUsd: [ATTR.costUsd, 'llm.cost.total', 'gen_ai.usage.cost'],
  tokensInput: [
    ATTR.tokensInput,
    'gen_ai.usage.input_tokens',
    'gen_ai.usage.prompt_tokens',
    'llm.token_count.prompt',
    'ai.usage.inputTokens',
    'ai.usage.promptTokens',
    'ai.usage.tokens',
  ],
  tokensOutput: [
    ATTR.tokensOutput,
    'gen_ai.usage.output_tokens',
    'gen_ai.usage.completion_tokens',
    'llm.token_count.completion',
    'ai.usage.outputTokens',
    'ai.usage.completionTokens',
  ],
  tokensCacheRead: [
    'gen_ai.usage.cache_read.input_tokens',
    'gen_ai.usage.cache_read_input_tokens',
    'llm.token_count.prompt_details.cache_read',
    'ai.usage.cachedInputTokens',
  ],
  tokensCacheWrite: [
    'gen_ai.usage.cache_write.input_tokens',
    'gen_ai.usage.cache_creation.input_tokens',
    'gen_ai.usage.cache_creation_input_tokens',
    'llm.token_count.prompt_details.cache_write',
  ],
  units: [ATTR.units],
  status: [ATTR.status],
  errorCode: [ATTR.errorCode],
  vendorErrorCode: ['error.code', 'openai.error.code', 'gen_ai.error.code'],
  runStatus: [ATTR.runStatus],
  pipelineResult: ['cicd.pipeline.result'],
  pipelineState: ['cicd.pipeline.run.state'],
  /** A CI/CD task span is a stage, and this its name. */
  taskName: ['cicd.pipeline.task.name'],
  taskRun: ['cicd.pipeline.task.run.id'],
  taskResult: ['cicd.pipeline.task.run.result'],
  runDegraded: [ATTR.runDegraded],
  langsmithUrl: [ATTR.langsmithUrl],
  sentStages: [ATTR.sentStages],
  sentItems: [ATTR.sentItems],
  sentVendorCalls: [ATTR.sentVendorCalls],
  sentDropped: [ATTR.sentDropped],
  subjectSpanId: [ATTR.subjectSpanId],
  subjectKind: [ATTR.subjectKind],
  subjectStart: [ATTR.subjectStartUnixNano],
  subjectRoot: [ATTR.subjectRoot],
  genAiOperation: ['gen_ai.operation.name'],
  openInferenceKind: ['openinference.span.kind'],
  vercelOperation: ['ai.operationId'],
  provider: ['gen_ai.provider.name', 'gen_ai.system', 'llm.provider', 'llm.system', 'ai.model.provider'],
  model: [
    'gen_ai.response.model',
    'gen_ai.request.model',
    'llm.response.model_name',
    'llm.model_name',
    'llm.request.model_name',
    'embedding.model_name',
    'ai.response.model',
    'ai.model.id',
  ],
  httpStatus: ['http.response.status_code', 'http.status_code'],
  httpMethod: ['http.request.method', 'http.method'],
  host: ['server.address', 'net.peer.name', 'http.host'],
  url: ['url.full', 'http.url'],
  peer: ['service.peer.name', 'peer.service'],
  errorType: ['error.type'],
  exceptionType: ['exception.type'],
  environment: ['deployment.environment.name', 'deployment.environment'],
  version: ['service.version'],
  logUid: ['log.record.uid'],
  legacyEventName: ['event.name'],
} as const satisfies Record<string, readonly string[]>;

export type FieldName = keyof typeof NAMES;

const FIELD_NAMES = Object.keys(NAMES) as FieldName[];
export const FIELD_COUNT = FIELD_NAMES.length;

/** Field name -> its slot. */
export const FIELD = Object.fromEntries(FIELD_NAMES.map((name, slot) => [name, slot])) as Record<FieldName, number>;

/** For marks. */
export function fieldName(slot: number): string {
  return FIELD_NAMES[slot] ?? 'field';
}

export interface FieldKey {
  slot: number;
  /** Place in the field's list of names; a smaller one wins. */
  rank: number;
  /** Kept in extra as well: facts that people search for and that have no column. */
  keep: boolean;
}

const KEPT: ReadonlySet<FieldName> = new Set([
  'model',
  'httpStatus',
  'httpMethod',
  'host',
  'genAiOperation',
  'units',
  'errorType',
  'url',
  'peer',
  'provider',
  'within',
  'tokensCacheRead',
  'tokensCacheWrite',
  'openInferenceKind',
  'vercelOperation',
  'taskRun',
]);

export const FIELD_KEYS: ReadonlyMap<string, FieldKey> = new Map(
  FIELD_NAMES.flatMap((name) =>
    NAMES[name].map((key, rank): [string, FieldKey] => [key, { slot: FIELD[name], rank, keep: KEPT.has(name) }]),
  ),
);
