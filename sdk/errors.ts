/**
 * What an error becomes in telemetry: a short code and one short line, never a stack. Used when a callback throws or `fail(error)` is
 * called.
 */

import { maskEmails } from './privacy.ts';

const CODE_CHARS = 64;
const MESSAGE_CHARS = 256;

/** Codes with which HTTP clients only repeat that the status was bad; the status says more. */
const GENERIC_CODES = new Set(['ERR_BAD_REQUEST', 'ERR_BAD_RESPONSE', 'ERR_NON_2XX_3XX_RESPONSE']);

/** Codes by which vendors say that the account's quota or credit is used up. */
const QUOTA_CODES =
  /insufficient_quota|quota_exceeded|insufficient_credits|payment_required|billing_hard_limit|out_of_credits/i;

interface ErrorShape {
  code?: unknown;
  name?: unknown;
  message?: unknown;
  status?: unknown;
  statusCode?: unknown;
  response?: { status?: unknown; statusCode?: unknown };
  cause?: unknown;
}

/** @returns at most 64 characters: the error's own code, else `HTTP_<status>`, else its name, else its cause's, else `ERROR`. */
export function errorCode(error: unknown): string {
  if (typeof error === 'string') return codeFromText(error);
  const shape = shapeOf(error);
  if (shape === null) return 'ERROR';
  const status = httpStatus(error);
  if (typeof shape.code === 'string' && shape.code !== '' && !(status !== null && GENERIC_CODES.has(shape.code))) {
    return cleanCode(shape.code);
  }
  if (status !== null) return `HTTP_${status}`;
  const cause = shapeOf(shape.cause);
  if (cause !== null && typeof cause.code === 'string' && cause.code !== '') return cleanCode(cause.code);
  const name = typeof shape.name === 'string' ? shape.name : '';
  return name === '' || name === 'Error' ? 'ERROR' : cleanCode(name);
}

/** @returns the HTTP status that an error of a client library carries, 400 to 599, or null. */
export function httpStatus(error: unknown): number | null {
  const shape = shapeOf(error);
  if (shape === null) return null;
  for (const value of [shape.status, shape.statusCode, shape.response?.status, shape.response?.statusCode]) {
    if (typeof value === 'number' && value >= 400 && value <= 599) return value;
  }
  return null;
}

/** @returns at most 256 characters of the error's message, e-mail addresses masked; empty when it has none. */
export function errorMessage(error: unknown): string {
  const text = typeof error === 'string' ? error : shapeOf(error)?.message;
  return typeof text === 'string' ? maskEmails(text.slice(0, 4 * MESSAGE_CHARS)).slice(0, MESSAGE_CHARS) : '';
}

/** True when a code or a line of text says that a quota or credit is used up. */
export function saysQuota(text: unknown): boolean {
  return typeof text === 'string' && QUOTA_CODES.test(text);
}

/** A code given by hand is kept; a sentence given instead of one is not a code. */
function codeFromText(text: string): string {
  return /^[\w.:-]{1,64}$/.test(text) ? text : 'ERROR';
}

function cleanCode(code: string): string {
  return maskEmails(code.slice(0, 4 * CODE_CHARS)).slice(0, CODE_CHARS);
}

function shapeOf(error: unknown): ErrorShape | null {
  return typeof error === 'object' && error !== null ? error : null;
}
