/** Caps and marks: what is kept beside the columns never grows beyond its bounds, and what is cut stays distinct. */

import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Attribute } from '../../receiver/decode/shape.ts';
import { ATTR } from '../../sdk/attributes.ts';
import { callSpan, extraOf, kindSpan, mainRow, mapSpans, marksOf } from '../helpers/mapping.ts';
import { bool, double, int, span, text } from '../helpers/otlp.ts';
import { anySpan } from '../helpers/otlp_arbitrary.ts';

const sixHex = (name: string) => createHash('sha256').update(name).digest('hex').slice(0, 6);
const item = (...attributes: Attribute[]) => mainRow(kindSpan('item', attributes));

describe('names', () => {
  test.each([
    ['stage', (name: string) => mainRow(span({ attributes: [text(ATTR.kind, 'item'), text(ATTR.stage, name)] })).stage],
    ['vendor', (name: string) => mainRow(kindSpan('vendor_call', [text(ATTR.vendor, name)])).vendor],
  ])('a %s of 64 code points stays, a longer one ends in ~ and six hex digits of its hash', (_, read) => {
    const [fits, long] = ['漢'.repeat(64), '\u{1f600}'.repeat(80)];
    expect(read(fits)).toBe(fits);
    expect(read(long)).toBe(`${'\u{1f600}'.repeat(57)}~${sixHex(long)}`);
    expect(read(`${long}a`)).not.toBe(read(`${long}b`));
  });
  test('a vendor stays within 64 whatever privacy makes of it', () => {
    const vendor = mainRow(kindSpan('vendor_call', [text(ATTR.vendor, `${'v'.repeat(55)} a@b.cd x`)])).vendor;
    expect([...(vendor ?? '')].length).toBeLessThanOrEqual(64);
    expect(vendor).not.toContain('a@b');
  });
  test('an event is cut at 64', () => {
    const events = [{ timeUs: 0, timeNs: 0, name: '漢'.repeat(70), attributes: [text(ATTR.status, 'ok')] }];
    const { rows } = mapSpans([kindSpan('item', [], { events })]);
    expect(rows.find(({ seq }) => seq === 2)?.event).toBe('漢'.repeat(64));
  });
});

describe('extra', () => {
  test('keeps what has no column, with its type', () => {
    expect(
      extraOf(item(text('a', 'x'), int('b', 2n ** 62n), double('c', 0.5), bool('d', false), double('e', Number.NaN))),
    ).toEqual({
      name: 'item',
      a: 'x',
      b: Number(2n ** 62n),
      c: 0.5,
      d: false,
      e: 'NaN',
    });
  });
  test('keeps the model, the HTTP facts and cached tokens, which people search for', () => {
    const extra = extraOf(
      mainRow(
        callSpan([
          text('gen_ai.request.model', 'm'),
          int('http.response.status_code', 200),
          text('url.full', 'https://api.openai.com/v1'),
          int('gen_ai.usage.cache_read.input_tokens', 4),
          text('gen_ai.provider.name', 'openai'),
        ]),
      ),
    );
    expect(extra).toMatchObject({
      'gen_ai.request.model': 'm',
      'http.response.status_code': 200,
      'url.full': 'https://api.openai.com/v1',
      'gen_ai.usage.cache_read.input_tokens': 4,
      'gen_ai.provider.name': 'openai',
    });
  });
  test('leaves out what has a column, and what says nothing', () => {
    expect(
      extraOf(item(int(ATTR.itemId, 4), text(ATTR.itemBucket, 'High'), { key: 'empty', type: 0, value: null })),
    ).toEqual({ name: 'item' });
  });
  test('lists and maps are one line', () => {
    const list: Attribute = { key: 'l', type: 5, value: [int('', 1), text('', 'a')] };
    const map: Attribute = { key: 'm', type: 6, value: [int('x', 1), { key: 'y', type: 7, value: new Uint8Array(3) }] };
    expect(extraOf(item(list, map))).toMatchObject({ l: '[1, a]', m: '{x: 1, y: (3 bytes)}' });
  });
  test('the error message, cut at 256 characters', () => {
    expect(extraOf(mainRow(kindSpan('item', [], { statusCode: 2, statusMessage: 'm'.repeat(300) }))).message).toBe(
      'm'.repeat(256),
    );
    expect(extraOf(mainRow(kindSpan('item', [], { statusCode: 1, statusMessage: 'fine' }))).message).toBeUndefined();
  });
  test('a value is cut at 256 bytes and never inside of a character', () => {
    expect(extraOf(item(text('long', `a${'漢'.repeat(200)}`))).long).toBe(`a${'漢'.repeat(85)}`);
    expect(extraOf(item(text('long', `ab${'\u{1f600}'.repeat(2000)}`))).long).toBe(`ab${'\u{1f600}'.repeat(63)}`);
  });
  test('NUL, which PostgreSQL refuses, is replaced in keys and values', () => {
    expect(extraOf(item(text('a\0b', 'c\0d')))).toMatchObject({ 'a\ufffdb': 'c\ufffdd' });
    const row = mainRow(
      kindSpan('vendor_call', [text(ATTR.vendor, 'v\0v'), text(ATTR.stage, 's\0')], {
        name: 'n\0',
        statusCode: 2,
        statusMessage: 'm\0',
      }),
    );
    expect(JSON.stringify(row)).not.toContain('\\u0000');
  });
  test('how many attributes did not fit is said', () => {
    const many = Array.from({ length: 100 }, (_, index) => int(`k${index}`, index));
    const extra = extraOf(item(...many));
    expect(Object.keys(extra)).toHaveLength(32);
    expect(extra.dropped_attributes).toBe(70);
  });

  const attributes = fc.array(anySpan, { maxLength: 12 }).map((spans) => spans.flatMap((one) => one.attributes));
  test('is valid JSON of at most 32 keys and 2 KiB, for any attributes', () => {
    fc.assert(
      fc.property(
        attributes,
        fc.string({ unit: 'binary', maxLength: 400 }),
        fc.string({ unit: 'binary', maxLength: 400 }),
        (list, name, statusMessage) => {
          const marked = [text(ATTR.calls, 'x'), text(ATTR.costUsd, 'y'), text('tenant.id', '?')];
          const one = callSpan(
            [...list.filter(({ key }) => !key.startsWith('runledger.')), text(ATTR.itemId, name), ...marked],
            { name, statusCode: 2, statusMessage, endUs: 1_759_999_999_000_000 },
          );
          for (const row of mapSpans([one]).rows) {
            if (row.extra === null) continue;
            expect(Buffer.byteLength(row.extra)).toBeLessThanOrEqual(2048);
            expect(Object.keys(JSON.parse(row.extra) as object).length).toBeLessThanOrEqual(32);
            expect(row.extra).not.toMatch(/\\u0000|\\ud[89a-f]/);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

test('marks are a list in extra, each once', () => {
  const row = mainRow(callSpan([text(ATTR.calls, 'x'), text('tenant.id', '?')], { startUs: 0 }));
  expect(marksOf(row)).toEqual(['tenant.id_ignored', 'no_start', 'calls_ignored']);
});
