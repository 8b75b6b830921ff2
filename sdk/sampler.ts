/**
 * The sampler: records and samples every span that names a run and leaves the rest to another sampler. A ledger of which a tenth is kept
 * counts wrong, and an unsampled parent would silence a whole run.
 */

import { type Attributes, type Context, type Link, SamplingDecision, type SpanKind } from '@opentelemetry/api';
import type { tracing } from '@opentelemetry/sdk-node';
import { ATTR } from './attributes.ts';
import { frameOf } from './context.ts';
import { envText } from './environment.ts';
import { warnOnce } from './health.ts';
import { loadSdkNode } from './packages.ts';

/**
 * The sampler for a provider that the application registers itself. With `setup()` it is there already.
 *
 * @param rest decides about spans outside runs. Default: what OTEL_TRACES_SAMPLER says.
 *
 * @example
 * new NodeSDK({ sampler: runledgerSampler(), spanProcessors: [runledgerSpanProcessor(), new BatchSpanProcessor(exporter)] });
 */
export function runledgerSampler(rest: tracing.Sampler = samplerFromEnvironment()): tracing.Sampler {
  return {
    shouldSample(
      context: Context,
      traceId: string,
      name: string,
      kind: SpanKind,
      attributes: Attributes,
      links: Link[],
    ) {
      if (namesRun(context, attributes)) return { decision: SamplingDecision.RECORD_AND_SAMPLED };
      return rest.shouldSample(context, traceId, name, kind, attributes, links);
    },
    toString: () => `RunledgerSampler{${rest.toString()}}`,
  };
}

function namesRun(context: Context, attributes: Attributes): boolean {
  const frame = frameOf(context);
  if (frame !== undefined) return !frame.run.silent;
  return attributes[ATTR.runId] !== undefined || attributes['run.id'] !== undefined;
}

/** OTEL_TRACES_SAMPLER and its argument, by OpenTelemetry's rules; its default is parentbased_always_on. */
export function samplerFromEnvironment(): tracing.Sampler {
  const { AlwaysOffSampler, AlwaysOnSampler, ParentBasedSampler, TraceIdRatioBasedSampler } = loadSdkNode().tracing;
  const name = envText('OTEL_TRACES_SAMPLER')?.toLowerCase() ?? 'parentbased_always_on';
  const roots: Record<string, () => tracing.Sampler> = {
    always_on: () => new AlwaysOnSampler(),
    always_off: () => new AlwaysOffSampler(),
    traceidratio: () => new TraceIdRatioBasedSampler(ratioFromEnvironment()),
  };
  const root = roots[name.replace(/^parentbased_/, '')];
  if (root === undefined) {
    warnOnce('SAMPLER', `OTEL_TRACES_SAMPLER=${name} is not known; parentbased_always_on is used.`);
    return new ParentBasedSampler({ root: new AlwaysOnSampler() });
  }
  return name.startsWith('parentbased_') ? new ParentBasedSampler({ root: root() }) : root();
}

function ratioFromEnvironment(): number {
  const text = envText('OTEL_TRACES_SAMPLER_ARG');
  const ratio = Number(text);
  if (text !== undefined && ratio >= 0 && ratio <= 1) return ratio;
  warnOnce('SAMPLER_ARG', 'OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1; 1 is used.');
  return 1;
}
