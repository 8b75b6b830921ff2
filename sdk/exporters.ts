/** The exporters that the environment asks for: OTEL_TRACES_EXPORTER and, for OTLP, its protocol. */

import type { tracing } from '@opentelemetry/sdk-node';
import { envList, hasAuthorization, hasEndpoint, otlpProtocol } from './environment.ts';
import { warnOnce } from './health.ts';
import {
  loadGrpcExporter,
  loadJsonExporter,
  loadProtobufExporter,
  loadSdkNode,
  loadZipkinExporter,
  type OtlpHttpOptions,
} from './packages.ts';

/** Where to send, for what the environment leaves open. */
export interface Destination {
  /** Base URL of the receiver or collector, such as `http://127.0.0.1:4318`. */
  endpoint?: string;
  /** Token of the ledger, sent as a bearer token. */
  token?: string;
}

/** One exporter and whether it wants each span at once. */
export interface NamedExporter {
  name: string;
  exporter: tracing.SpanExporter;
}

/** @returns the exporters, none when OTEL_TRACES_EXPORTER is `none`. */
export function exportersFromEnvironment(destination: Destination): NamedExporter[] {
  const asked = envList('OTEL_TRACES_EXPORTER');
  if (asked.length === 1 && asked[0] === 'none') return [];
  const names = asked.length === 0 || asked.includes('none') ? ['otlp'] : [...new Set(asked)];
  const made: NamedExporter[] = [];
  for (const name of names) {
    const exporter = makeExporter(name, destination);
    if (exporter === null)
      warnOnce('EXPORTER', `OTEL_TRACES_EXPORTER=${name} is not known; use otlp, zipkin, console or none.`);
    else made.push({ name, exporter });
  }
  return made;
}

function makeExporter(name: string, destination: Destination): tracing.SpanExporter | null {
  if (name === 'otlp') return makeOtlpExporter(destination);
  if (name === 'console') return new (loadSdkNode().tracing.ConsoleSpanExporter)();
  return name === 'zipkin' ? new (loadZipkinExporter())() : null;
}

/** The exporter for OTLP, in the protocol that the environment names. */
export function makeOtlpExporter(destination: Destination): tracing.SpanExporter {
  const protocol = otlpProtocol();
  if (protocol === 'grpc') {
    if (destination.token !== undefined && !hasAuthorization()) {
      warnOnce(
        'GRPC_TOKEN',
        'over gRPC the token must be in OTEL_EXPORTER_OTLP_HEADERS (authorization=Bearer ...), not an option.',
      );
    }
    const url = hasEndpoint() ? undefined : destination.endpoint;
    return new (loadGrpcExporter())(url === undefined ? {} : { url });
  }
  if (protocol !== 'http/json' && protocol !== 'http/protobuf') {
    warnOnce('PROTOCOL', `OTEL_EXPORTER_OTLP_PROTOCOL=${protocol} is not known; http/protobuf is used.`);
  }
  const Exporter = protocol === 'http/json' ? loadJsonExporter() : loadProtobufExporter();
  return new Exporter(httpOptions(destination));
}

/** The environment wins over options, field by field. */
function httpOptions({ endpoint, token }: Destination): OtlpHttpOptions {
  const options: OtlpHttpOptions = {};
  if (endpoint !== undefined && !hasEndpoint()) options.url = tracesUrl(endpoint);
  if (token !== undefined && !hasAuthorization()) options.headers = { authorization: `Bearer ${token}` };
  return options;
}

function tracesUrl(endpoint: string): string {
  const base = endpoint.replace(/\/+$/, '');
  return base.endsWith('/v1/traces') ? base : `${base}/v1/traces`;
}
