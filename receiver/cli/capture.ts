/**
 * Reads captured OTLP requests from files: one request as protobuf or JSON, or JSON lines with one request a line (what the Collector's
 * file exporter writes), each perhaps gzipped.
 */

import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import type { Encoding } from '../decode/shape.ts';
import { CliError, EXIT } from './exit.ts';

export type CapturedSignal = 'traces' | 'logs' | 'metrics';

export interface Capture {
  file: string;
  /** 1 is the file's first line; null where the file is one request. */
  line: number | null;
  signal: CapturedSignal;
  encoding: Encoding;
  body: Uint8Array;
}

/** Larger files are cut up before they are sent; the receiver would not take such a request either. */
const FILE_BYTES_MAX = 1024 ** 3;

/**
 * @param signal what the file holds; without it JSON is looked into, and protobuf is taken for logs or metrics only where the file's
 *   name says so, because the three messages look alike on the wire
 */
export async function readCaptures(file: string, signal?: CapturedSignal): Promise<Capture[]> {
  const body = unzip(file, await readBytes(file));
  const first = body.find((byte) => byte > 0x20);
  if (body.length === 0 || first === undefined) throw new CliError(EXIT.usage, `${file} is empty`);
  // `{` as first byte would be field 15, wire type 3: no protobuf message of OTLP begins so. A byte order mark is JSON's as well.
  const isJson = first === 0x7b || first === 0x5b || first === 0xef;
  if (!isJson) return [{ file, line: null, signal: signal ?? guessSignal(file), encoding: 'protobuf', body }];
  const text = new TextDecoder().decode(body);
  const whole = tryParse(text);
  if (whole !== undefined) {
    return [{ file, line: null, signal: signal ?? signalOf(whole) ?? 'traces', encoding: 'json', body: encode(text) }];
  }
  return splitLines(file, text, signal);
}

function splitLines(file: string, text: string, signal: CapturedSignal | undefined): Capture[] {
  const captures: Capture[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const parsed = tryParse(line);
    if (parsed === undefined) throw new CliError(EXIT.usage, `${file}, line ${index + 1} is not JSON`);
    captures.push({
      file,
      line: index + 1,
      signal: signal ?? signalOf(parsed) ?? 'traces',
      encoding: 'json',
      body: encode(line),
    });
  }
  return captures;
}

async function readBytes(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    throw new CliError(EXIT.usage, `${file} cannot be read (${code})`, { cause: error });
  }
}

function unzip(file: string, bytes: Uint8Array): Uint8Array {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: FILE_BYTES_MAX });
  } catch (error) {
    throw new CliError(EXIT.usage, `${file} looks gzipped but cannot be inflated; it may be cut short`, {
      cause: error,
    });
  }
}

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function signalOf(request: unknown): CapturedSignal | null {
  if (typeof request !== 'object' || request === null) return null;
  if ('resourceLogs' in request || 'resource_logs' in request) return 'logs';
  if ('resourceMetrics' in request || 'resource_metrics' in request) return 'metrics';
  return 'traces';
}

function guessSignal(file: string): CapturedSignal {
  const name = file.slice(file.lastIndexOf('/') + 1).toLowerCase();
  if (name.includes('metric')) return 'metrics';
  return /(^|[^a-z])logs?([^a-z]|$)/.test(name) ? 'logs' : 'traces';
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text.replace(/^\ufeff/, ''));
}

/** "file.jsonl:3" */
export function captureName(capture: Capture): string {
  return capture.line === null ? capture.file : `${capture.file}:${capture.line}`;
}
