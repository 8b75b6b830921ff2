/** Numbers as telemetry states them: integers, integral doubles and decimal text, all checked. */

import { VALUE_BOOL, VALUE_DOUBLE, VALUE_INT, VALUE_STRING, type Value } from '../decode/shape.ts';
import { LIMITS } from '../limits.ts';

const DECIMAL_INTEGER = /^-?(0|[1-9][0-9]{0,15})$/;
const DECIMAL = /^-?[0-9]{1,15}(\.[0-9]{1,15})?([eE][+-]?[0-9]{1,2})?$/;

/** A non-negative integer up to LIMITS.countPerSpan, or null when the value is none. */
export function asCount(value: Value): number | null {
  const number = asInteger(value);
  return number !== null && number >= 0 && number <= LIMITS.countPerSpan ? number : null;
}

/** A safe integer: an int, an integral double or decimal text. */
export function asInteger(value: Value): number | null {
  if (value.type === VALUE_INT || value.type === VALUE_DOUBLE) {
    return typeof value.value === 'number' && Number.isSafeInteger(value.value) ? value.value : null;
  }
  if (value.type === VALUE_STRING && DECIMAL_INTEGER.test(value.value)) {
    const number = Number(value.value);
    return Number.isSafeInteger(number) ? number : null;
  }
  return null;
}

/** A finite number as decimal text that PostgreSQL's numeric reads exactly; a double gives its shortest text. */
export function asDecimal(value: Value): string | null {
  if (value.type === VALUE_INT) return value.value.toString();
  if (value.type === VALUE_DOUBLE) {
    if (!Number.isFinite(value.value)) return null;
    const text = String(value.value);
    // The shortest text of a double is plain already unless it has an exponent.
    return text.includes('e') ? plainDecimal(text) : text;
  }
  if (value.type === VALUE_STRING && DECIMAL.test(value.value)) return plainDecimal(value.value);
  return null;
}

export function asBoolean(value: Value): boolean | null {
  if (value.type === VALUE_BOOL) return value.value;
  if (value.type === VALUE_STRING && (value.value === 'true' || value.value === 'false')) return value.value === 'true';
  return null;
}

/** Decimal text without an exponent: 1.5e-7 -> 0.00000015. */
export function plainDecimal(text: string): string {
  const [mantissa = '0', exponentText] = text.toLowerCase().split('e');
  if (exponentText === undefined) return normalise(mantissa);
  const negative = mantissa.startsWith('-');
  const [whole = '0', fraction = ''] = mantissa.replace('-', '').split('.');
  const digits = whole + fraction;
  const point = whole.length + Number(exponentText);
  const plain =
    point <= 0
      ? `0.${'0'.repeat(-point)}${digits}`
      : point >= digits.length
        ? digits + '0'.repeat(point - digits.length)
        : `${digits.slice(0, point)}.${digits.slice(point)}`;
  return normalise((negative ? '-' : '') + plain);
}

/** No trailing zeros after the point, no -0: equal numbers get equal text. */
function normalise(text: string): string {
  const trimmed = text.includes('.') ? text.replace(/\.?0+$/, '') : text;
  return trimmed === '-0' || trimmed === '' ? '0' : trimmed.replace(/^(-?)0+(?=\d)/, '$1');
}
