/** The result of a person's own SQL as a table, rows of text, or JSON. */

import type { QueryArrayResult } from 'pg';
import { DASH, formatCount } from './format.ts';
import { type Column, renderTable } from './table.ts';
import type { Terminal } from './terminal.ts';

/** Types that are shown to the right: integers, floats, numeric, money, oid. */
const NUMBER_OIDS = new Set([20, 21, 23, 26, 700, 701, 790, 1700]);
const CELL_CHARACTERS_MAX = 120;

export function renderResult(result: QueryArrayResult, terminal: Terminal): string {
  const { fields, rows } = result;
  if (fields.length === 0) return result.command;
  const columns: Column<unknown[]>[] = fields.map((field, index) => ({
    title: field.name,
    value: (row) => shorten(cellText(row[index]) ?? DASH, terminal.width),
    align: NUMBER_OIDS.has(field.dataTypeID) ? 'right' : 'left',
    shrinksTo: NUMBER_OIDS.has(field.dataTypeID) ? 12 : 8,
  }));
  const count = `${formatCount(rows.length)} ${rows.length === 1 ? 'row' : 'rows'}`;
  return `${renderTable(columns, rows, terminal)}\n${terminal.style.dim(count)}`;
}

function shorten(text: string, width: number): string {
  return Number.isFinite(width) && text.length > CELL_CHARACTERS_MAX
    ? `${text.slice(0, CELL_CHARACTERS_MAX - 1)}…`
    : text;
}

/** Objects by column name; a name that stands twice gets a number, so that no value is lost. */
export function resultObjects(result: QueryArrayResult): Record<string, unknown>[] {
  const names: string[] = [];
  for (const { name } of result.fields) {
    let unique = name;
    for (let n = 2; names.includes(unique); n++) unique = `${name}_${n}`;
    names.push(unique);
  }
  return result.rows.map((row) => Object.fromEntries(names.map((name, index) => [name, row[index] ?? null])));
}

export function resultRows(result: QueryArrayResult): (string | number | null)[][] {
  return result.rows.map((row) => row.map((cell) => (typeof cell === 'number' ? cell : cellText(cell))));
}

function cellText(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString('hex')}`;
  if (typeof value === 'object') return JSON.stringify(value);
  return String(value);
}
