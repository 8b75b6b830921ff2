/** Every numeric ceiling of the receiver, with its unit. Protocol limits cite shared contract sections by rule, not by number. */

export const LIMITS = {
  /** Largest request body, compressed and inflated alike (OTLP 1.11 recommends 64 MiB). */
  bodyBytes: 64 * 1024 * 1024,
  /** All inflated request bodies held at one time; more is answered 503. One request of the largest size always fits. */
  inFlightBodyBytes: 96 * 1024 * 1024,
  /** Records decoded and mapped between two turns of the event loop. */
  chunkRecords: 512,
  /** Rows of one transaction; two large groups at a time beat many small ones (reference/write-path.md, figures). */
  groupRows: 4096,
  /** Mapped rows waiting for a transaction over all requests; more is answered 503. */
  queuedRows: 32_768,
  /** Of one token at the HTTP API, in one process. */
  apiRequestsPerMinute: 3_000,
  /** Chunks of one request that are mapped and not yet committed. */
  chunksInFlight: 8,
  /** AnyValue nesting. */
  valueDepth: 64,
  attributesPerRecord: 1024,
  eventsPerSpan: 1024,
  /** Text cut lengths, in code points unless said otherwise. */
  stageChars: 64,
  eventChars: 64,
  vendorChars: 64,
  modelChars: 100,
  bucketChars: 16,
  errorCodeChars: 64,
  metricNameChars: 64,
  runKeyChars: 200,
  itemTextChars: 200,
  messageChars: 256,
  extraKeys: 32,
  extraKeyBytes: 64,
  extraValueBytes: 256,
  extraBytes: 2048,
  metricsPerSpan: 64,
  stagesPerRun: 200,
  vendorsPerRun: 100,
  durationMs: 2_147_483_647,
  costUsdPerSpan: 1_000_000,
  /** Tokens, calls, units: the sum of a group, with all rows that wait for it to be placed, stays an exact double. */
  countPerSpan: 200_000_000_000,
  /** Parked rows per tenant. */
  parkedRows: 20_000,
  /** And bytes of them, where the tenant has no quota of its own. */
  parkedBytes: 64 * 1024 * 1024,
  parkedHours: 24,
  futureHours: 24,
  /** Text of a partial_success message. */
  partialMessageBytes: 2048,
  retryAfterSeconds: 1,
  /** Longest time that a tenant over its rate is asked to wait; exporters keep what they wait with in memory. */
  rateRetryAfterSeconds: 3,
  /** What a tenant with a rate may send at once after a pause, in seconds of that rate: exporters send every few seconds. */
  burstSeconds: 10,
  /** How long a new run that was let in may take to be stored before its place is free again. */
  admissionSeconds: 300,
  /** A request's line and headers; more is answered 431. */
  headerBytes: 16 * 1024,
  /** Until a connection has sent its request's headers; more is answered 408. */
  headersMs: 20_000,
  /** Between two pieces of a body, and for the whole body; more is answered 408. */
  bodyIdleMs: 20_000,
  bodyTotalMs: 120_000,
  /** How an unread body is thrown away after its answer, so that the sender can still read that answer. */
  lingerIdleMs: 5_000,
  lingerTotalMs: 30_000,
  lingerBytes: 512 * 1024 * 1024,
  /** Longer than the idle time of the usual load balancers (60 s), so that they close first. */
  keepAliveMs: 125_000,
  /** Open connections per port; the system refuses more. */
  connections: 4_096,
  /** From the first signal to the process's end; orchestrators kill at 30 s. */
  shutdownMs: 25_000,
} as const;
