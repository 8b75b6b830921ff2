/**
 * Set-up: OpenTelemetry's Node SDK with our span processor, our sampler and a queue that counts. The standard OTEL_* variables decide
 * everything that they can decide; options fill in what they leave open. The only place that knows which version of the SDK is below.
 */

import { hostname } from 'node:os';
import { context, ProxyTracerProvider, propagation, type TracerProvider, trace } from '@opentelemetry/api';
import type { NodeSDKConfiguration, tracing } from '@opentelemetry/sdk-node';
import { batchSettings, envText, hasServiceName, isDisabled } from './environment.ts';
import { installExitHooks } from './exit.ts';
import { ExportQueue } from './export_queue.ts';
import { type Destination, exportersFromEnvironment } from './exporters.ts';
import { noteInternalError, readStats, resetHealth, type SdkStats, warnOnce } from './health.ts';
import { sendBlocking } from './last_flush.ts';
import { setLogs } from './logs.ts';
import { loadSdkNode, makeContextManager } from './packages.ts';
import { runledgerSpanProcessor } from './processor.ts';
import { runledgerSampler } from './sampler.ts';

/** Texts may be undefined, as a variable of the environment is that is not set. */
export interface SetupOptions {
  /** Base URL of the ledger's receiver or a collector. Default: OTEL_EXPORTER_OTLP_ENDPOINT, else http://localhost:4318. */
  endpoint?: string | undefined;
  /** Token of the ledger. Default: what OTEL_EXPORTER_OTLP_HEADERS says (`authorization=Bearer ...`). */
  token?: string | undefined;
  /** Default: OTEL_SERVICE_NAME. */
  serviceName?: string | undefined;
  /** Instrumentations to register, such as those of undici and of the vendors' libraries. */
  instrumentations?: NonNullable<NodeSDKConfiguration['instrumentations']>;
  /** JSON log lines of runs, stages, items and vendor calls: true for standard output, or a function that takes each line. */
  logs?: boolean | ((line: string) => void);
  /** Further span processors, after ours. */
  spanProcessors?: tracing.SpanProcessor[];
  /** Say what can be said when the process ends. Default true. */
  exitHooks?: boolean;
}

export interface SetupHandle {
  /** Sends what is queued, waits until it is acknowledged or lost (at most 30 s), and takes the set-up down. Never rejects. */
  shutdown(): Promise<void>;
  /** Sends what is queued and waits until it is acknowledged or lost, at most 30 s. Never rejects. */
  forceFlush(): Promise<void>;
  /** What was sent, what waits and what was lost. */
  stats(): SdkStats;
}

const WAIT_MS = 30_000;

let active: SetupHandle | null = null;

/**
 * Sets OpenTelemetry up for this process, once: a second call returns the same handle. When the application has registered a provider of
 * its own, that one stays; add `runledgerSpanProcessor()` and `runledgerSampler()` to it.
 *
 * @example
 * const telemetry = setup({ endpoint: 'http://127.0.0.1:4318', token: process.env.LEDGER_TOKEN });
 * await run({ tenant: 7, pipeline: 'nightly' }, nightly);
 * await telemetry.shutdown();
 */
export function setup(options: SetupOptions = {}): SetupHandle {
  if (active !== null) return active;
  setLogs(options.logs ?? false);
  try {
    active = isDisabled() ? idleHandle() : hasProvider() ? besideProvider(options) : ownProvider(options);
  } catch (error) {
    noteInternalError(error);
    active = idleHandle();
  }
  return active;
}

function ownProvider(options: SetupOptions): SetupHandle {
  const { NodeSDK } = loadSdkNode();
  const destination = destinationOf(options);
  const queues: ExportQueue[] = [];
  const processors: tracing.SpanProcessor[] = [runledgerSpanProcessor(), ...(options.spanProcessors ?? [])];
  for (const { name, exporter } of exportersFromEnvironment(destination)) {
    if (name === 'console') processors.push(new (loadSdkNode().tracing.SimpleSpanProcessor)(exporter));
    else {
      const queue = new ExportQueue(exporter, batchSettings());
      queues.push(queue);
      processors.push(queue);
    }
  }
  const sdk = new NodeSDK(configuration(options, processors));
  sdk.start();
  const flushAll = () => Promise.all(queues.map((queue) => queue.forceFlush()));
  const removeHooks = hooks(options, {
    flush: (timeoutMs) => within(timeoutMs, flushAll),
    flushBlocking: (timeoutMs) => {
      sendBlocking(
        queues.flatMap((queue) => queue.takeUnacknowledged()),
        destination,
        timeoutMs,
      );
      return true;
    },
    counts: readStats,
  });
  return makeHandle(
    flushAll,
    async () => {
      await sdk.shutdown();
      unregister();
    },
    removeHooks,
  );
}

/** Another provider exports; only its own flush can be called. */
function besideProvider(options: SetupOptions): SetupHandle {
  if (!contextTravels()) context.setGlobalContextManager(makeContextManager());
  warnOnce(
    'OTHER_PROVIDER',
    'an OpenTelemetry provider is registered already and stays: add runledgerSpanProcessor() and runledgerSampler() to it.',
  );
  const flush = async () => {
    const provider = registeredProvider() as TracerProvider & { forceFlush?: () => Promise<void> };
    await provider.forceFlush?.();
  };
  const removeHooks = hooks(options, {
    flush: (timeoutMs) => within(timeoutMs, flush),
    flushBlocking: () => false,
    counts: readStats,
  });
  return makeHandle(flush, flush, removeHooks);
}

function configuration(options: SetupOptions, spanProcessors: tracing.SpanProcessor[]): Partial<NodeSDKConfiguration> {
  const { resources } = loadSdkNode();
  const settings: Partial<NodeSDKConfiguration> = {
    sampler: runledgerSampler(),
    spanProcessors,
    instrumentations: options.instrumentations ?? [],
    resource: resources.defaultResource().merge(
      resources.resourceFromAttributes({
        'host.name': hostname(),
        'process.pid': process.pid,
        'process.runtime.name': 'nodejs',
        'process.runtime.version': process.versions.node,
      }),
    ),
  };
  if (options.serviceName !== undefined && !hasServiceName()) settings.serviceName = options.serviceName;
  // The default detectors put the command line into every resource, and command lines carry secrets.
  if (envText('OTEL_NODE_RESOURCE_DETECTORS') === undefined) settings.resourceDetectors = [resources.envDetector];
  if (envText('OTEL_METRICS_EXPORTER') === undefined) settings.metricReaders = [];
  if (envText('OTEL_LOGS_EXPORTER') === undefined) settings.logRecordProcessors = [];
  return settings;
}

function hooks(options: SetupOptions, flushing: Parameters<typeof installExitHooks>[0]): () => void {
  return options.exitHooks === false ? () => undefined : installExitHooks(flushing);
}

function makeHandle(
  flush: () => Promise<unknown>,
  close: () => Promise<unknown>,
  removeHooks: () => void,
): SetupHandle {
  let closing: Promise<void> | null = null;
  const handle: SetupHandle = {
    forceFlush: () => within(WAIT_MS, flush),
    stats: readStats,
    shutdown: () => {
      closing ??= within(WAIT_MS, close).then(() => {
        removeHooks();
        sayLosses();
        if (active === handle) active = null;
      });
      return closing;
    },
  };
  return handle;
}

function idleHandle(): SetupHandle {
  return makeHandle(
    () => Promise.resolve(),
    () => Promise.resolve(),
    () => undefined,
  );
}

/** Waits for `work` but not longer than `timeoutMs`; errors are counted. The timer does not keep the process alive. */
async function within(timeoutMs: number, work: () => Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeUp = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
    timer.unref();
  });
  try {
    await Promise.race([work(), timeUp]);
  } catch (error) {
    noteInternalError(error);
  } finally {
    clearTimeout(timer);
  }
}

function sayLosses(): void {
  const { dropped, pending } = readStats();
  if (dropped + pending === 0) return;
  warnOnce(
    'LOSSES',
    `${dropped} spans were lost in this process and ${pending} were not acknowledged; the ledger marks such runs incomplete.`,
  );
}

/** After our own shutdown a later set-up may start afresh. */
function unregister(): void {
  trace.disable();
  context.disable();
  propagation.disable();
}

function destinationOf({ endpoint, token }: SetupOptions): Destination {
  return { ...(endpoint === undefined ? {} : { endpoint }), ...(token === undefined ? {} : { token }) };
}

/** The provider behind the API's proxy. */
function registeredProvider(): TracerProvider {
  const provider = trace.getTracerProvider();
  return provider instanceof ProxyTracerProvider ? provider.getDelegate() : provider;
}

function hasProvider(): boolean {
  return registeredProvider() !== new ProxyTracerProvider().getDelegate();
}

function contextTravels(): boolean {
  const probe = Symbol('probe');
  return context.with(context.active().setValue(probe, true), () => context.active().getValue(probe) === true);
}

/** Forgets the set-up and its counts, so that each test starts like a new process. */
export function forgetSetup(): void {
  active = null;
  resetHealth();
}
