/**
 * Loads OpenTelemetry's SDK packages when set-up first needs them. They take a third of a second to load, which a pipeline that only uses
 * the helpers with a provider of its own does not pay.
 */

import { createRequire } from 'node:module';
import type { ContextManager } from '@opentelemetry/api';
import type { tracing } from '@opentelemetry/sdk-node';

const require = createRequire(import.meta.url);

export type SdkNode = typeof import('@opentelemetry/sdk-node');

export function loadSdkNode(): SdkNode {
  return require('@opentelemetry/sdk-node') as SdkNode;
}

/** What an OTLP exporter over HTTP takes from us; everything else it reads from the environment. */
export interface OtlpHttpOptions {
  url?: string;
  headers?: Record<string, string>;
}

type ExporterConstructor = new (options?: OtlpHttpOptions) => tracing.SpanExporter;

export function loadJsonExporter(): ExporterConstructor {
  const loaded = require('@opentelemetry/exporter-trace-otlp-http') as { OTLPTraceExporter: ExporterConstructor };
  return loaded.OTLPTraceExporter;
}

/** The exporters that sdk-node itself depends on are taken from where it stands, so that strict package managers find them too. */
function fromSdkNode<T>(name: string): T {
  return createRequire(require.resolve('@opentelemetry/sdk-node'))(name) as T;
}

export function loadProtobufExporter(): ExporterConstructor {
  return fromSdkNode<{ OTLPTraceExporter: ExporterConstructor }>('@opentelemetry/exporter-trace-otlp-proto')
    .OTLPTraceExporter;
}

export function loadGrpcExporter(): ExporterConstructor {
  return fromSdkNode<{ OTLPTraceExporter: ExporterConstructor }>('@opentelemetry/exporter-trace-otlp-grpc')
    .OTLPTraceExporter;
}

export function loadZipkinExporter(): new () => tracing.SpanExporter {
  return fromSdkNode<{ ZipkinExporter: new () => tracing.SpanExporter }>('@opentelemetry/exporter-zipkin')
    .ZipkinExporter;
}

/** For an application that registered a provider without a context manager. */
export function makeContextManager(): ContextManager {
  const loaded = fromSdkNode<{ AsyncLocalStorageContextManager: new () => ContextManager }>(
    '@opentelemetry/context-async-hooks',
  );
  return new loaded.AsyncLocalStorageContextManager().enable();
}
