/** Rows as numbers and text, so that what a driver makes of bigint, numeric and timestamps does not matter to who compares them. */
import type { QueryResult } from 'pg';

export type PlainValue = string | number | boolean | null | object;
export type PlainRow = Record<string, PlainValue>;

const DATE_OID = 1082;

/** Numbers in text become numbers; times become ISO 8601 in UTC, dates the day. */
export function plainRows({ rows, fields }: Pick<QueryResult, 'rows' | 'fields'>): PlainRow[] {
  const dates = new Set(fields.filter(({ dataTypeID }) => dataTypeID === DATE_OID).map(({ name }) => name));
  return rows.map((row: Record<string, unknown>) =>
    Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plain(value, dates.has(name))])),
  );
}

function plain(value: unknown, isDay: boolean): PlainValue {
  if (value instanceof Date) return isDay ? localDay(value) : value.toISOString();
  if (typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value)) return Number(value);
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' || value === null)
    return value;
  if (typeof value === 'object') return value;
  throw new TypeError(`a value of type ${typeof value}`);
}

/** pg makes the local midnight of a date. */
function localDay(at: Date): string {
  const two = (part: number) => String(part).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}
