/**
 * The process's log: one JSON object a line, readable lines on a terminal. Whatever a caller passes, no secret of the configuration, no
 * token and no text of an error that may quote a payload gets through.
 */

import { type Logger, pino } from 'pino';

export type { Logger } from 'pino';

export interface LogOptions {
  level: string;
  /** Exact texts that are replaced wherever they appear. */
  secrets?: readonly string[];
  /** Default: standard output. */
  stream?: { write(text: string): unknown; isTTY?: boolean };
}

const MASK = '****';
const SECRET_KEY = /token|password|secret|authorization|cookie|api_?key|webhook/i;
/** Shapes that are secret whoever holds them: bearer headers and passwords inside URLs. */
const SECRET_SHAPES: readonly [RegExp, string][] = [
  [/\b(Bearer|Basic) +[\x21\x23-\x5b\x5d-\x7e]+/gi, `$1 ${MASK}`],
  [/\b([a-z][a-z0-9+.-]*:\/\/[^\s:/@"\\]*):[^\s/@"\\]+@/gi, `$1:${MASK}@`],
];
/** SQLSTATE classes whose messages name objects and states, never values of rows. */
const TELLING_CLASSES = new Set(['08', '25', '28', '3D', '40', '42', '53', '55', '57', '58']);

export function createLog({ level, secrets = [], stream = process.stdout }: LogOptions): Logger {
  const scrub = createScrubber(secrets);
  const pretty = stream.isTTY === true;
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError, error: describeError },
    },
    { write: (line) => void stream.write(pretty ? prettyLine(scrub(line)) : scrub(line)) },
  );
}

/** What may be told of an error: name, code and place; its words only where they cannot quote a payload. */
export function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: typeof error };
  const { code, syscall, constraint, table, address, port } = error as NodeJS.ErrnoException & Record<string, unknown>;
  const telling = { code, syscall, constraint, table, address, port };
  return {
    type: error.name,
    ...(isTelling(error) && { message: error.message }),
    ...Object.fromEntries(Object.entries(telling).filter(([, value]) => ['string', 'number'].includes(typeof value))),
    stack: frames(error),
    ...(error.cause !== undefined && { cause: describeError(error.cause) }),
  };
}

/** System errors, our own errors, and those of the database's classes that speak of objects and states. */
function isTelling(error: Error): boolean {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (syscall !== undefined || OWN_ERRORS.has(error.name)) return true;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && TELLING_CLASSES.has(code.slice(0, 2));
}

/** Their messages are ours and hold no payload by contract. */
const OWN_ERRORS = new Set(['RequestError', 'DecodeError', 'ConfigError', 'EmbeddedError', 'StartError']);

/** The stack without its first lines, which repeat the message. */
function frames(error: Error): string[] {
  const lines = (error.stack ?? '').split('\n').map((line) => line.trim());
  return lines.filter((line) => /^at .*:\d+:\d+\)?$/.test(line)).slice(0, 8);
}

function createScrubber(secrets: readonly string[]): (line: string) => string {
  // Longest first, so that a secret inside another one does not leave the rest of it behind.
  const texts = secrets
    .map((secret) => JSON.stringify(secret).slice(1, -1))
    .filter((secret) => secret.length >= 6)
    .sort((a, b) => b.length - a.length);
  return (line) => {
    let clean = line;
    for (const text of texts) clean = clean.replaceAll(text, MASK);
    for (const [shape, replacement] of SECRET_SHAPES) clean = clean.replace(shape, replacement);
    return clean.replace(SECRET_FIELD, (field, name: string) =>
      SECRET_KEY.test(name) ? `"${name}":"${MASK}"` : field,
    );
  };
}

/** A string member of a JSON line. */
const SECRET_FIELD = /"([A-Za-z_][A-Za-z0-9_.-]*)":"(?:[^"\\]|\\.)*"/g;

const COLORS: Record<string, number> = { trace: 90, debug: 90, info: 32, warn: 33, error: 31, fatal: 35 };

/** `12:34:56 INFO  message  key=value`. */
function prettyLine(line: string): string {
  const { time, level, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const clock = String(time).slice(11, 19);
  const label = String(level);
  const rest = Object.entries(fields).map(([key, value]) => {
    const shown = SECRET_KEY.test(key) ? MASK : typeof value === 'string' ? value : JSON.stringify(value);
    return `\x1b[90m${key}=\x1b[0m${shown}`;
  });
  const text = [msg === undefined ? '' : String(msg), ...rest].filter((part) => part !== '').join('  ');
  return `\x1b[90m${clock}\x1b[0m \x1b[${COLORS[label] ?? 0}m${label.toUpperCase().padEnd(5)}\x1b[0m ${text}\n`;
}
