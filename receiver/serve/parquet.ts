/**
 * Rows of text, as exports read them, to a Parquet file: values get the type of their column, and a row group leaves as soon as it is full,
 * so that what is held does not grow with the file. The footer, which readers look at first, says how many rows there are.
 */

import { ByteWriter, type ColumnSource, ParquetWriter } from 'hyparquet-writer';

/** `text` of every length; `json` is text that holds JSON; `time` is UTC with microseconds. */
export type ParquetKind = 'int32' | 'int64' | 'boolean' | 'text' | 'json' | 'time';

export interface ParquetColumn {
  name: string;
  kind: ParquetKind;
  /** Whether a row may have nothing in it. */
  nullable: boolean;
}

export type Cell = string | number | null;
type Value = string | number | bigint | boolean | null;
type SchemaElement = ConstructorParameters<typeof ParquetWriter>[0]['schema'][number];

/** A group is written when it has so many rows, or so many characters: about 10 MB of memory, and some 50 ms of work. */
const GROUP_ROWS = 10_000;
const GROUP_CHARACTERS = 8 * 1024 * 1024;

const TYPES: Readonly<Record<ParquetKind, Omit<SchemaElement, 'name'>>> = {
  int32: { type: 'INT32' },
  int64: { type: 'INT64' },
  boolean: { type: 'BOOLEAN' },
  text: { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } },
  json: { type: 'BYTE_ARRAY', logical_type: { type: 'JSON' } },
  time: {
    type: 'INT64',
    converted_type: 'TIMESTAMP_MICROS',
    logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' },
  },
};

/**
 * The file in pieces of one row group each, made only when the piece before was taken.
 * @param pages rows with a cell for every column, as text (a number where the query gives one), times as 2026-11-22T01:30:05.000797Z
 */
export async function* parquetFile(
  columns: readonly ParquetColumn[],
  pages: AsyncIterable<Cell[][]>,
): AsyncGenerator<Uint8Array> {
  const bytes = new ByteWriter();
  const writer = new ParquetWriter({ writer: bytes, schema: schemaOf(columns), createdBy: 'runledger' });
  let group = emptyGroup(columns);
  for await (const page of pages) {
    for (const row of page) {
      addRow(group, columns, row);
      if (group.rows < GROUP_ROWS && group.characters < GROUP_CHARACTERS) continue;
      await writer.write({ columnData: group.columns, rowGroupSize: group.rows });
      group = emptyGroup(columns);
      yield taken(bytes);
    }
  }
  if (group.rows > 0) await writer.write({ columnData: group.columns, rowGroupSize: group.rows });
  writer.schema = footerSchema(writer.schema);
  await writer.finish();
  yield taken(bytes);
}

function schemaOf(columns: readonly ParquetColumn[]): SchemaElement[] {
  const leaves = columns.map(({ name, kind, nullable }): SchemaElement => {
    return { name, repetition_type: nullable ? 'OPTIONAL' : 'REQUIRED', ...TYPES[kind] };
  });
  return [{ name: 'root', num_children: leaves.length }, ...leaves];
}

/**
 * JSON gets its older mark beside the newer one, by which alone DuckDB and others know it. Had it been there while rows were written, the
 * writer would have taken the text for a value and put it in quotes.
 */
function footerSchema(schema: readonly SchemaElement[]): SchemaElement[] {
  return schema.map((element) =>
    element.logical_type?.type === 'JSON' ? { ...element, converted_type: 'JSON' } : element,
  );
}

interface Group {
  columns: (ColumnSource & { data: Value[] })[];
  rows: number;
  characters: number;
}

function emptyGroup(columns: readonly ParquetColumn[]): Group {
  // Bounds of JSON text help nobody to skip a group, and would be kept whole.
  const sources = columns.map(({ name, kind }) => ({ name, data: [], statistics: kind !== 'json' }));
  return { columns: sources, rows: 0, characters: 0 };
}

function addRow(group: Group, columns: readonly ParquetColumn[], row: readonly Cell[]): void {
  for (const [index, column] of columns.entries()) {
    const cell = row[index] ?? null;
    if (typeof cell === 'string') group.characters += cell.length;
    group.columns[index]?.data.push(cell === null ? null : typedCell(column.kind, cell));
  }
  group.rows += 1;
}

function typedCell(kind: ParquetKind, cell: string | number): Value {
  if (kind === 'int32') return Number(cell);
  if (kind === 'int64') return BigInt(cell);
  if (kind === 'boolean') return cell === 'true';
  return kind === 'time' ? microsOf(String(cell)) : String(cell);
}

const MILLIS_LENGTH = '2026-11-22T01:30:05.000'.length;

/** @param text with six digits of a second, of which Date would take three */
function microsOf(text: string): bigint {
  const millis = Date.parse(`${text.slice(0, MILLIS_LENGTH)}Z`);
  return BigInt(millis) * 1000n + BigInt(text.slice(MILLIS_LENGTH, MILLIS_LENGTH + 3));
}

/** What was written since the last call; a copy, because the writer goes on in the same memory. */
function taken(bytes: ByteWriter): Uint8Array {
  const piece = bytes.getBytes().slice();
  bytes.index = 0;
  return piece;
}
