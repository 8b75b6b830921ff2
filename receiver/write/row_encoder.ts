/**
 * Event rows in PostgreSQL's binary COPY format, written straight into bytes. Text rows cost twice the time on our side (one long string to
 * flatten) and parsing on the server's; this is the hottest loop of the receiver.
 *
 * Format: "COPY" in the PostgreSQL manual, section "Binary Format": a signature, per row an int16 count of fields and per field an int32
 * length (-1: null) and its bytes in the type's binary form, and int16 -1 at the end. The order of fields is that of
 * sql/queries/write/copy_into_*.sql.
 */

import type { EventRow } from '../map/row.ts';

const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
const FIELDS = 28;
/** Everything in a row but its texts: field lengths and numbers, ids, and names of fixed length. */
const FIXED_BYTES = 640;
const UTF8_MAX = 3;
/** PostgreSQL counts microseconds from 2000-01-01. */
const EPOCH_2000_US = 946_684_800_000_000;
const TWO_32 = 2 ** 32;
const FIRST_BYTES = 256 * 1024;
/** Short texts are faster byte by byte than through a call into the runtime. */
const LOOP_CHARS = 40;

export class RowEncoder {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES);
  #at = 0;

  /** @returns the rows as one COPY body. The bytes are this encoder's own and hold until it is used again. */
  encode(rows: readonly EventRow[]): Buffer {
    this.#at = SIGNATURE.copy(this.#bytes);
    for (const row of rows) this.#row(row);
    this.#reserve(2);
    this.#int16(-1);
    return this.#bytes.subarray(0, this.#at);
  }

  #row(row: EventRow): void {
    const metrics = row.metrics === null ? null : JSON.stringify(row.metrics);
    this.#reserve(
      FIXED_BYTES +
        UTF8_MAX *
          (row.stage.length +
            row.event.length +
            row.traceId.length +
            (row.errorCode?.length ?? 0) +
            (row.extra?.length ?? 0) +
            (row.vendor?.length ?? 0) +
            (row.priceId?.length ?? 0) +
            (row.bucket?.length ?? 0) +
            (row.costUsd?.length ?? 0) +
            (metrics?.length ?? 0)),
    );
    this.#int16(FIELDS);
    this.#bigint(row.runId);
    this.#int(row.tenantId);
    this.#text(row.stage);
    this.#bigintOrNull(row.companyId);
    this.#text(row.event);
    this.#text(row.status);
    this.#textOrNull(row.errorCode);
    if (row.durationMs === null) this.#null();
    else this.#int(row.durationMs);
    this.#text(row.traceId);
    this.#jsonb(row.extra);
    this.#bigint(row.tsUs - EPOCH_2000_US);
    this.#text(row.spanId);
    this.#int(row.seq);
    this.#text(row.kind);
    this.#textOrNull(row.vendor);
    this.#bigint(row.calls);
    this.#bigint(row.errors);
    this.#bigint(row.unitsTotal);
    this.#bigint(row.unitsSuccess);
    this.#bigint(row.unitsError);
    this.#bigint(row.rateLimitHits);
    this.#boolean(row.quotaExhausted);
    if (row.costUsd === null) this.#null();
    else this.#numeric(row.costUsd);
    this.#bigint(row.tokensInput);
    this.#bigint(row.tokensOutput);
    this.#textOrNull(row.priceId);
    this.#textOrNull(row.bucket);
    this.#jsonb(metrics);
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#at + bytes));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }

  #int16(value: number): void {
    const bytes = this.#bytes;
    bytes[this.#at++] = value >> 8;
    bytes[this.#at++] = value;
  }

  #int32(value: number): void {
    const bytes = this.#bytes;
    const at = this.#at;
    bytes[at] = value >> 24;
    bytes[at + 1] = value >> 16;
    bytes[at + 2] = value >> 8;
    bytes[at + 3] = value;
    this.#at = at + 4;
  }

  #null(): void {
    this.#int32(-1);
  }

  #int(value: number): void {
    this.#int32(4);
    this.#int32(value);
  }

  /** Any safe integer: the halves of its two's complement. */
  #bigint(value: number): void {
    this.#int32(8);
    const high = Math.floor(value / TWO_32);
    this.#int32(high);
    this.#int32(value - high * TWO_32);
  }

  #bigintOrNull(value: number | null): void {
    if (value === null) this.#null();
    else this.#bigint(value);
  }

  #boolean(value: boolean): void {
    this.#int32(1);
    this.#bytes[this.#at++] = value ? 1 : 0;
  }

  #textOrNull(value: string | null): void {
    if (value === null) this.#null();
    else this.#text(value);
  }

  #text(value: string): void {
    const start = this.#at;
    this.#at = start + 4;
    this.#characters(value);
    this.#length(start);
  }

  /** jsonb travels as a version byte and its text. */
  #jsonb(json: string | null): void {
    if (json === null) {
      this.#null();
      return;
    }
    const start = this.#at;
    this.#bytes[start + 4] = 1;
    this.#at = start + 5;
    this.#characters(json);
    this.#length(start);
  }

  #characters(value: string): void {
    const { length } = value;
    const bytes = this.#bytes;
    const at = this.#at;
    if (length <= LOOP_CHARS) {
      let i = 0;
      for (; i < length; i++) {
        const code = value.charCodeAt(i);
        if (code > 127) break;
        bytes[at + i] = code;
      }
      if (i === length) {
        this.#at = at + length;
        return;
      }
    }
    this.#at = at + bytes.write(value, at, 'utf8');
  }

  /** Fills in the length of the field that began at `start`. */
  #length(start: number): void {
    const end = this.#at;
    this.#at = start;
    this.#int32(end - start - 4);
    this.#at = end;
  }

  /**
   * numeric: int16 count of digits, weight of the first one, sign, decimals shown; then base-10000 digits. Groups of four are counted from
   * the decimal point.
   * @param text plain decimal text without an exponent, not negative (map sees to both)
   */
  #numeric(text: string): void {
    const point = text.indexOf('.');
    const whole = point < 0 ? text : text.slice(0, point);
    const fraction = point < 0 ? '' : text.slice(point + 1);
    const padded =
      whole.padStart(Math.ceil(whole.length / 4) * 4, '0') + fraction.padEnd(Math.ceil(fraction.length / 4) * 4, '0');
    let weight = Math.ceil(whole.length / 4) - 1;
    let first = 0;
    let end = padded.length;
    // No zero groups at either end.
    while (first < end && padded.startsWith('0000', first)) {
      first += 4;
      weight--;
    }
    while (end > first && padded.startsWith('0000', end - 4)) end -= 4;
    const digits = (end - first) / 4;
    this.#int32(8 + digits * 2);
    this.#int16(digits);
    this.#int16(digits === 0 ? 0 : weight);
    this.#int16(0);
    this.#int16(fraction.length);
    for (let at = first; at < end; at += 4) this.#int16(Number(padded.slice(at, at + 4)));
  }
}
