/** A Parquet file as another library reads it: every value exact, times as microseconds. */

import { parquetMetadataAsync, parquetRead } from 'hyparquet';

export type ParquetValue = string | number | bigint | boolean | null;

export interface ReadParquet {
  columns: {
    name: string;
    type: string | undefined;
    mark: string | undefined;
    olderMark: string | undefined;
    required: boolean;
  }[];
  /** As the footer says. */
  rowCount: number;
  groupRows: number[];
  rows: ParquetValue[][];
}

/** A byte order mark is a part of the text like any other. */
const TEXT = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export async function readParquet(bytes: Uint8Array): Promise<ReadParquet> {
  const file = new Uint8Array(bytes).buffer;
  const metadata = await parquetMetadataAsync(file);
  let rows: ParquetValue[][] = [];
  await parquetRead({
    file,
    metadata,
    parsers: {
      timestampFromMicroseconds: (micros: bigint) => micros,
      jsonFromBytes: (text: Uint8Array | null | undefined) => text && TEXT.decode(text),
      stringFromBytes: (text: Uint8Array | null | undefined) => text && TEXT.decode(text),
    },
    onComplete: (read: ParquetValue[][]) => {
      rows = read;
    },
  });
  return {
    columns: metadata.schema.slice(1).map((column) => ({
      name: column.name,
      type: column.type,
      mark: column.logical_type?.type,
      olderMark: column.converted_type,
      required: column.repetition_type === 'REQUIRED',
    })),
    rowCount: Number(metadata.num_rows),
    groupRows: metadata.row_groups.map((group) => Number(group.num_rows)),
    rows: rows.map((row) => row.map((value) => value ?? null)),
  };
}
