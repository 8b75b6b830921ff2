/**
 * The form of a backup: gzip over lines of JSON, of which a line `{"bytes": N}` is followed by N bytes of COPY text. First the header, then for
 * each table a line that names it, its data in pieces and a line with its number of rows, last the end. What lacks its end is no backup.
 */

export const FORMAT = 'runledger-backup-1';

export interface BackupHeader {
  format: typeof FORMAT;
  /** Of Runledger. */
  version: string;
  made_at: string;
  server_version: string;
  /** Names of the migrations that made the tables. */
  migrations: string[];
  /** UTC days that have a partition of events, YYYY-MM-DD. */
  days: string[];
}

export interface BackupEnd {
  end: true;
  tables: number;
  rows: number;
  /** Sequences with the last number that was handed out. */
  sequences: Record<string, string>;
}

/** What a reader meets, in this order: header, then table, data.. and rows for each table, then end. */
export type BackupPart =
  | { kind: 'header'; header: BackupHeader }
  | { kind: 'table'; name: string; copyIn: string }
  | { kind: 'data'; data: Buffer }
  | { kind: 'rows'; rows: number }
  | { kind: 'end'; end: BackupEnd };

/** The file is damaged, cut off, or something else. */
export class BackupFormatError extends Error {
  override readonly name = 'BackupFormatError';
}

const LINE_BYTES_MAX = 1024 * 1024;
const DATA_BYTES_MAX = 64 * 1024 * 1024;
const NEW_LINE = 10;

export function line(value: object): Buffer {
  return Buffer.from(`${JSON.stringify(value)}\n`);
}

/** Reads what `line` and data pieces made. @throws BackupFormatError */
export async function* readParts(source: AsyncIterable<Buffer>): AsyncGenerator<BackupPart> {
  const input = createInput(source);
  yield { kind: 'header', header: headerOf(await input.line()) };
  for (;;) {
    const found = parse(await input.line());
    if (typeof found.bytes === 'number') {
      if (!(found.bytes > 0 && found.bytes <= DATA_BYTES_MAX)) throw damaged('a piece of an impossible size');
      yield { kind: 'data', data: await input.take(found.bytes) };
    } else if (typeof found.table === 'string' && typeof found.copy_in === 'string') {
      yield { kind: 'table', name: found.table, copyIn: found.copy_in };
    } else if (typeof found.rows === 'number' && found.end === undefined) yield { kind: 'rows', rows: found.rows };
    else if (found.end === true) {
      yield { kind: 'end', end: found as unknown as BackupEnd };
      return;
    } else throw damaged('a line of an unknown kind');
  }
}

function headerOf(text: string): BackupHeader {
  const header = parse(text);
  if (header.format === FORMAT) return header as unknown as BackupHeader;
  throw new BackupFormatError('This is no backup of Runledger, or one of a newer version');
}

function parse(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = null;
  }
  if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  throw damaged('a line that is no JSON');
}

function damaged(what: string): BackupFormatError {
  return new BackupFormatError(`The backup is damaged or cut off: ${what}`);
}

function createInput(source: AsyncIterable<Buffer>) {
  const chunks = source[Symbol.asyncIterator]();
  let held: Buffer = Buffer.alloc(0);
  const more = async (): Promise<void> => {
    const next = await nextChunk(chunks);
    if (next === null) throw damaged('it ends too early');
    held = held.length === 0 ? next : Buffer.concat([held, next]);
  };
  return {
    async line(): Promise<string> {
      let end = held.indexOf(NEW_LINE);
      while (end < 0) {
        if (held.length > LINE_BYTES_MAX) throw damaged('a line without end');
        await more();
        end = held.indexOf(NEW_LINE);
      }
      const text = held.toString('utf8', 0, end);
      held = held.subarray(end + 1);
      return text;
    },
    async take(bytes: number): Promise<Buffer> {
      while (held.length < bytes) await more();
      const taken = held.subarray(0, bytes);
      held = held.subarray(bytes);
      return taken;
    },
  };
}

/** A gzip that is cut off or no gzip at all is a damaged backup; anything else that goes wrong with the file is told as it is. */
async function nextChunk(chunks: AsyncIterator<Buffer>): Promise<Buffer | null> {
  try {
    const { done, value } = await chunks.next();
    return done === true ? null : value;
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    if (typeof code === 'string' && code.startsWith('Z_'))
      throw damaged(code === 'Z_BUF_ERROR' ? 'it ends too early' : 'it is no gzip');
    throw error;
  }
}
