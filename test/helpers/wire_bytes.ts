/** Protobuf by hand, for messages that no encoder would write. */

/** A varint of any length: `value` in two's complement over 64 bits. */
export function varint(value: number | bigint): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

export const joined = (...parts: Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

/** A length-delimited field. */
export const bytesField = (number: number, ...content: (Uint8Array | string)[]): Uint8Array => {
  const inner = joined(...content.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)));
  return joined(varint((number << 3) | 2), varint(inner.length), inner);
};

export const varintField = (number: number, value: number | bigint): Uint8Array =>
  joined(varint(number << 3), varint(value));

export function fixed64Field(number: number, value: bigint): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return joined(varint((number << 3) | 1), bytes);
}

/** An export request around one scope's fields. */
export const requestOf = (...scopeFields: Uint8Array[]): Uint8Array => bytesField(1, bytesField(2, ...scopeFields));

export const IDS: readonly Uint8Array[] = [bytesField(1, Buffer.alloc(16, 0xab)), bytesField(2, Buffer.alloc(8, 0xcd))];

/** A request of one span with valid ids and these fields. */
export const spanWith = (...fields: Uint8Array[]): Uint8Array => requestOf(bytesField(2, ...IDS, ...fields));

/** A KeyValue with key `k` in the span's attribute field, around a value. */
export const attributeOf = (...value: Uint8Array[]): Uint8Array =>
  bytesField(9, bytesField(1, 'k'), bytesField(2, ...value));
