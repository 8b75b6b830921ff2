/** JSON of the database as values: every key as it was written, on every runtime. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseJson } from '../../receiver/store/json.ts';

const hostile = fc.string({
  unit: fc.constantFrom('a', 'Z', '#', '0', 'ä', '😀', '\\', '\t', '\n', '"', ':', '{', ' ', '\u0001'),
  maxLength: 4,
});

test('a key with an escape is not taken for a key of an earlier object', () => {
  // V8 remembers which key follows which; this is what Node 24 then reads into the second object.
  expect(JSON.parse('{"before":0,"\\\\":0}')).toEqual({ before: 0, '\\': 0 });
  expect(Object.keys(parseJson('{"before":0,"\\t":0}') as object)).toEqual(['before', '\t']);
});

test('random keys and values come back as they were, whatever was read before', () => {
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      hostile,
      tie('list'),
      tie('object'),
    ),
    list: fc.array(tie('value'), { maxLength: 4 }),
    object: fc.dictionary(fc.oneof(hostile, fc.constant('__proto__')), tie('value'), {
      maxKeys: 6,
      noNullPrototype: true,
    }),
  }));
  fc.assert(
    fc.property(value, fc.constantFrom(0, 1), (given, indent) => {
      // Compared as text, which keeps the order of keys and is not parsed.
      expect(JSON.stringify(parseJson(JSON.stringify(given, null, indent)))).toBe(JSON.stringify(given));
    }),
    { numRuns: 3_000 },
  );
});

test('what is no JSON is refused', () => {
  for (const text of ['', '{"a', '{"a\\t":1,}', '{"\\x":1}', '"\\']) expect(() => parseJson(text)).toThrow(SyntaxError);
});
