/** A provider in memory with the SDK's processor and sampler, as an application would register it, for tests of the SDK. */

import { context, propagation, trace } from '@opentelemetry/api';
import { tracing } from '@opentelemetry/sdk-node';
import { makeContextManager } from '../../sdk/packages.ts';
import { runledgerSpanProcessor } from '../../sdk/processor.ts';
import { runledgerSampler } from '../../sdk/sampler.ts';
import { forgetSetup } from '../../sdk/setup.ts';

export interface MemoryProvider {
  /** Ended spans, oldest first. */
  spans(): tracing.ReadableSpan[];
  /** Ended spans that state this `runledger.kind`. */
  ofKind(kind: string): tracing.ReadableSpan[];
  /** The one ended span of this name. */
  named(name: string): tracing.ReadableSpan;
  remove(): void;
}

/** Registers the provider; `options` replace its sampler and processors. */
export function registerMemoryProvider(
  options: { sampler?: tracing.Sampler; withoutProcessor?: boolean } = {},
): MemoryProvider {
  forgetSetup();
  const exporter = new tracing.InMemorySpanExporter();
  const provider = new tracing.BasicTracerProvider({
    sampler: options.sampler ?? runledgerSampler(),
    spanProcessors: [
      ...(options.withoutProcessor === true ? [] : [runledgerSpanProcessor()]),
      new tracing.SimpleSpanProcessor(exporter),
    ],
  });
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(makeContextManager());
  const spans = () => exporter.getFinishedSpans();
  return {
    spans,
    ofKind: (kind) => spans().filter((span) => span.attributes['runledger.kind'] === kind),
    named: (name) => {
      const found = spans().filter((span) => span.name === name);
      if (found.length !== 1 || found[0] === undefined) throw new Error(`${found.length} spans are named ${name}`);
      return found[0];
    },
    remove: () => {
      trace.disable();
      context.disable();
      propagation.disable();
    },
  };
}
