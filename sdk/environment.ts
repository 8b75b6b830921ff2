/**
 * The only place where the SDK reads the environment, for the few standard variables that OpenTelemetry's own packages do not read for
 * us once we build the span pipeline ourselves.
 */

/** @returns the trimmed value, or undefined when unset or empty: OpenTelemetry treats the two alike. */
export function envText(name: string): string | undefined {
  const value = process.env[name]?.trim();
  return value === undefined || value === '' ? undefined : value;
}

function envPositive(name: string): number | undefined {
  const value = Number(envText(name));
  return Number.isFinite(value) && value > 0 ? value : undefined;
}

export function envList(name: string): string[] {
  return (envText(name) ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** OTEL_SDK_DISABLED: everything of OpenTelemetry is off. */
export function isDisabled(): boolean {
  return envText('OTEL_SDK_DISABLED')?.toLowerCase() === 'true';
}

/** Events that a span keeps. */
export function eventCountLimit(): number | undefined {
  return envPositive('OTEL_SPAN_EVENT_COUNT_LIMIT');
}

export interface BatchSettings {
  maxQueueSize: number;
  maxExportBatchSize?: number;
  scheduledDelayMillis?: number;
  exportTimeoutMillis?: number;
}

/** OTEL_BSP_*, with our own default for the queue: at 5,000 spans/s a pause of ten seconds fits. */
export function batchSettings(): BatchSettings {
  const settings: BatchSettings = { maxQueueSize: envPositive('OTEL_BSP_MAX_QUEUE_SIZE') ?? 65_536 };
  const batch = envPositive('OTEL_BSP_MAX_EXPORT_BATCH_SIZE');
  const delay = envPositive('OTEL_BSP_SCHEDULE_DELAY');
  const timeout = envPositive('OTEL_BSP_EXPORT_TIMEOUT');
  if (batch !== undefined) settings.maxExportBatchSize = Math.min(batch, settings.maxQueueSize);
  if (delay !== undefined) settings.scheduledDelayMillis = delay;
  if (timeout !== undefined) settings.exportTimeoutMillis = timeout;
  return settings;
}

/** True when the environment says where traces go, so that an option may not. */
export function hasEndpoint(): boolean {
  return (envText('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT') ?? envText('OTEL_EXPORTER_OTLP_ENDPOINT')) !== undefined;
}

/** True when the environment already carries an authorization header for traces. */
export function hasAuthorization(): boolean {
  const headers = [...envList('OTEL_EXPORTER_OTLP_TRACES_HEADERS'), ...envList('OTEL_EXPORTER_OTLP_HEADERS')];
  return headers.some((header) => header.toLowerCase().startsWith('authorization='));
}

/** True when the environment names the service. */
export function hasServiceName(): boolean {
  if (envText('OTEL_SERVICE_NAME') !== undefined) return true;
  return envList('OTEL_RESOURCE_ATTRIBUTES').some((pair) => pair.startsWith('service.name='));
}

/** `grpc`, `http/json` or `http/protobuf`; OpenTelemetry's default is the last. */
export function otlpProtocol(): string {
  return envText('OTEL_EXPORTER_OTLP_TRACES_PROTOCOL') ?? envText('OTEL_EXPORTER_OTLP_PROTOCOL') ?? 'http/protobuf';
}

/** The environment of a child process; `withoutNodeOptions` keeps loaders and inspectors of this process out of it. */
export function childEnvironment(withoutNodeOptions: boolean): NodeJS.ProcessEnv {
  return withoutNodeOptions ? { ...process.env, NODE_OPTIONS: '' } : process.env;
}
