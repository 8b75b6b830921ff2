/**
 * Tables for a terminal: numbers to the right, a hairline under the header, no boxes. Where the terminal is too narrow the columns that
 * matter least leave first, then text is cut with an ellipsis; where there is no terminal nothing is cut.
 */

import { stripVTControlCharacters } from 'node:util';
import type { Style } from './style.ts';

export interface Column<R> {
  title: string;
  /** The cell's text, as it is measured. */
  value(row: R): string;
  /** Colours the padded cell; must not change its width. */
  paint?(text: string, row: R): string;
  align?: 'left' | 'right';
  /** Columns with the largest number leave first when the width is short; without one a column stays. See LEAVES_BEFORE_CUTTING. */
  leaves?: number;
  /** May be cut to this many characters when the width is short. */
  shrinksTo?: number;
}

export interface TableOptions<R> {
  style: Style;
  /** Characters; Infinity where there is no terminal. */
  width: number;
  indent?: number;
  /** A last row under a hairline. */
  total?: R;
}

const GAP = 2;

interface Laid<R> {
  column: Column<R>;
  cells: string[];
  width: number;
}

export function renderTable<R>(columns: Column<R>[], rows: R[], options: TableOptions<R>): string {
  const all = options.total === undefined ? rows : [...rows, options.total];
  const indent = ' '.repeat(options.indent ?? 0);
  const laid = fitWidth(
    columns.map((column) => layOut(column, all)),
    options.width - indent.length,
  );
  const header = laid.map(({ column, width }) => options.style.dim(align(column.title, width, column.align)));
  const rule = options.style.dim('─'.repeat(lineWidth(laid)));
  const lines = [header.join(' '.repeat(GAP)), rule];
  for (const [index, row] of all.entries()) {
    if (options.total !== undefined && index === all.length - 1) lines.push(rule);
    lines.push(laid.map((one) => renderCell(one, row, index)).join(' '.repeat(GAP)));
  }
  return lines.map((line) => `${indent}${line}`.trimEnd()).join('\n');
}

function layOut<R>(column: Column<R>, rows: R[]): Laid<R> {
  const cells = rows.map((row) => clean(column.value(row)));
  return { column, cells, width: Math.max(textWidth(column.title), ...cells.map(textWidth)) };
}

/** From this number on a column leaves before any text is cut; below it text is cut first. */
const LEAVES_BEFORE_CUTTING = 4;

function fitWidth<R>(laid: Laid<R>[], width: number): Laid<R>[] {
  let kept = laid;
  while (lineWidth(kept) > width) {
    const excess = lineWidth(kept) - width;
    const room = kept.reduce((sum, one) => sum + Math.max(0, one.width - (one.column.shrinksTo ?? one.width)), 0);
    const leaver = Math.max(...kept.map((one) => one.column.leaves ?? 0));
    if (leaver < LEAVES_BEFORE_CUTTING && room >= excess) return shrink(kept, excess);
    if (leaver === 0) return shrink(kept, room);
    kept = kept.filter((one) => one.column.leaves !== leaver);
  }
  return kept;
}

/** Takes `excess` characters from the columns that may shrink, the widest first. */
function shrink<R>(laid: Laid<R>[], excess: number): Laid<R>[] {
  const widths = laid.map((one) => one.width);
  for (let left = excess; left > 0; left--) {
    let widest = -1;
    for (const [index, { column }] of laid.entries()) {
      const width = widths[index] ?? 0;
      if (width > (column.shrinksTo ?? width) && width > (widths[widest] ?? 0)) widest = index;
    }
    if (widest < 0) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return laid.map((one, index) => ({ ...one, width: widths[index] ?? one.width }));
}

function renderCell<R>({ column, cells, width }: Laid<R>, row: R, index: number): string {
  const text = align(cut(cells[index] ?? '', width), width, column.align);
  return column.paint === undefined ? text : column.paint(text, row);
}

function lineWidth(laid: { width: number }[]): number {
  return laid.reduce((sum, one) => sum + one.width, 0) + GAP * Math.max(0, laid.length - 1);
}

function align(text: string, width: number, side: 'left' | 'right' = 'left'): string {
  const space = ' '.repeat(Math.max(0, width - textWidth(text)));
  return side === 'right' ? space + text : text + space;
}

export function cut(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  let kept = '';
  for (const character of text) {
    if (textWidth(kept + character) > width - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

/** One line without control characters: what telemetry says must not move the cursor or the colours of an operator's terminal. */
export function clean(text: string): string {
  return stripVTControlCharacters(text).replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, ' ');
}

const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const COMBINING = /\p{M}/u;

/** Columns that a terminal gives to the text: 2 for East Asian wide characters and pictures, 0 for combining marks. */
export function textWidth(text: string): number {
  let width = 0;
  for (const character of text) width += WIDE.test(character) ? 2 : COMBINING.test(character) ? 0 : 1;
  return width;
}
