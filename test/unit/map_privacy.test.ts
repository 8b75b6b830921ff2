/** Nothing personal and nothing secret is stored, wherever it stands; ids and words survive; no text takes long. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Attribute } from '../../receiver/decode/shape.ts';
import { createRedactor, MASK } from '../../receiver/map/privacy.ts';
import { classifyKey } from '../../receiver/map/sensitive_keys.ts';
import { ATTR } from '../../sdk/attributes.ts';
import { ADDRESSES, CONTENT_KEYS, ORDINARY, PAIRS, SECRET_KEYS, TOKENS } from '../fixtures/sensitive.ts';
import { callSpan, extraOf, kindSpan, mainRow, mapSpans } from '../helpers/mapping.ts';
import { text } from '../helpers/otlp.ts';

const { head, identity } = createRedactor(new Uint8Array(32).fill(7));

describe('text', () => {
  test.each(ADDRESSES)('address %s', (address, part) => {
    for (const [before, after] of [
      ['', ''],
      ['mail to ', ' bounced'],
      ['(', ')'],
      ['/users/', '/profile'],
      ['to=', '&x=1'],
      ['<', '>,'],
      ['漢', '。'],
    ]) {
      const out = head(before + address + after);
      expect(out).not.toContain(part);
      expect(out).toMatch(/[0-9a-f]{16}/);
    }
  });
  test('an address gives one hash however it is written, and another under another key', () => {
    const forms = [
      'anna@example.com',
      'ANNA@Example.com',
      'anna%40example.com',
      'x "anna@example.com"',
      '<anna@example.com>',
      'email=anna@example.com',
      "'anna@example.com'",
    ];
    const hashes = new Set(forms.map((form) => /[0-9a-f]{16}/.exec(head(form))?.[0]));
    expect(hashes.size).toBe(1);
    expect(createRedactor(new Uint8Array(32)).head('anna@example.com')).not.toBe(head('anna@example.com'));
  });
  test.each(TOKENS)('token %s', (token, part) => {
    for (const [before, after] of [
      ['', ''],
      ['key ', ' used'],
      ['"', '"'],
      ['prefix_', ''],
      ['x-', '.'],
      ['=', '&'],
    ]) {
      expect(head(before + token + after)).not.toContain(part);
    }
  });
  test.each(PAIRS)('%s', (pair, part) => {
    const out = head(pair);
    expect(out).not.toContain(part);
    expect(out).toContain(MASK);
  });
  test.each(ORDINARY)('survives: %s', (ordinary) => {
    expect(head(ordinary)).toBe(ordinary);
    expect(identity(ordinary)).toBe(ordinary);
  });
  test('is changed once: what has gone through goes through unchanged', () => {
    for (const [sent] of [...ADDRESSES, ...TOKENS, ...PAIRS])
      expect(head(head(`a ${sent} b`))).toBe(head(`a ${sent} b`));
  });
});

describe('keys', () => {
  test.each(SECRET_KEYS)('secret: %s', (key) => {
    const extra = mainRow(kindSpan('item', [text(key, 'planted-value')])).extra;
    expect(extra).not.toContain('planted-value');
  });
  test.each(CONTENT_KEYS)('content: %s', (key) => {
    expect(classifyKey(key)).toBe('content');
    expect(mainRow(kindSpan('item', [text(key, 'planted words')])).extra).toBe('{"name":"item"}');
  });
  test.each([
    'gen_ai.request.model',
    'gen_ai.agent.name',
    'input.rows',
    'output.count',
    'session.id',
    'http.request.body.size',
    'author',
    'monkey',
    'partition.key',
    'tokens_per_minute',
    'llm.provider',
    'document.count',
    'message.id',
  ])('plain: %s', (key) => {
    expect(classifyKey(key)).toBe('plain');
  });
  test('messages inside of maps and lists go as well, and so do secrets', () => {
    const message: Attribute = {
      key: 'role',
      type: 6,
      value: [text('role', 'user'), text('content', 'planted words'), text('api_key', 'planted words')],
    };
    const extra = extraOf(mainRow(kindSpan('item', [{ key: 'chat', type: 5, value: [message] }])));
    expect(extra.chat).toBe(`[{role: user, api_key: ${MASK}}]`);
  });
});

/** Every place of a span that can hold text. */
function everywhere(secret: string) {
  const list: Attribute = {
    key: 'list',
    type: 5,
    value: [text('', secret), { type: 6, value: [text('inner', secret), text(secret, 'v')] }],
  };
  const attributes = [
    text(ATTR.pipeline, `p ${secret}`),
    text(ATTR.itemId, `i ${secret}`),
    text(ATTR.itemBucket, secret),
    text(ATTR.errorCode, secret),
    text('plain', secret),
    text(`key ${secret}`, 'v'),
    text('gen_ai.request.model', secret),
    text('url.full', `https://x.example/${secret}`),
    text('tenant.id', secret),
    list,
    text(`runledger.metric.${secret}`, '5'),
    text(ATTR.costUsd, secret),
    text('item_id', secret),
    text(ATTR.langsmithUrl, `https://smith.langchain.com/?x=${encodeURIComponent(secret)}`),
  ];
  const events = [
    {
      timeUs: 1_760_000_000_500_000,
      timeNs: 0,
      name: `e ${secret}`,
      attributes: [text(ATTR.status, 'error'), text(ATTR.stage, secret), text('error.type', secret), text('m', secret)],
    },
    {
      timeUs: 0,
      timeNs: 0,
      name: 'exception',
      attributes: [text('exception.type', secret), text('exception.message', secret)],
    },
  ];
  const given = { name: `n ${secret}`, statusCode: 2, statusMessage: `m ${secret}`, events };
  const run = {
    parentSpanId: '',
    attributes: [text(ATTR.kind, 'run'), text(ATTR.runId, `r ${secret}`), ...attributes],
    ...given,
  };
  const spans = [
    {
      ...callSpan(attributes, given),
      attributes: [
        text(ATTR.kind, 'vendor_call'),
        text(ATTR.runId, `r ${secret}`),
        text(ATTR.stage, `s ${secret}`),
        text(ATTR.vendor, `v ${secret}`),
        ...attributes,
      ],
    },
    { ...callSpan(), ...run },
    kindSpan('stage', attributes, given),
    kindSpan('item', [], {
      ...given,
      attributes: [
        text(ATTR.kind, 'item'),
        text('run.id', '5'),
        text('error.type', secret),
        text('company.id', secret),
      ],
    }),
  ];
  return mapSpans(spans, {
    resource: [text('host.name', secret), text('service.version', secret), text('deployment.environment.name', secret)],
  });
}

test.each([...ADDRESSES, ...TOKENS, ...PAIRS])('nowhere in rows, bindings and refusals: %s', (secret, part) => {
  const mapped = everywhere(secret);
  expect(mapped.rows.length).toBeGreaterThan(5);
  const written = JSON.stringify({ ...mapped, outcomes: [] });
  expect(written).not.toContain(part);
  expect(written).not.toContain(part.toLowerCase());
  expect(written).not.toContain(encodeURIComponent(part));
});

test('a cut never leaves half of an address or a token', () => {
  for (let padding = 180; padding < 260; padding++) {
    const filler = 'x '.repeat(padding / 2 + 1).slice(0, padding);
    for (const [planted, part] of [
      [` anna.bell@example.com`, 'anna'],
      [` ${TOKENS[0]?.[0] ?? ''}`, 'sk-aB3'],
      [` ${TOKENS[30]?.[0] ?? ''}`, 'eyJaB'],
    ] as const) {
      const long = filler + planted;
      const mapped = mapSpans([
        kindSpan(
          'item',
          [
            text(ATTR.itemId, long),
            text('value', long),
            text(ATTR.stage, long.slice(-70)),
            text(ATTR.errorCode, long.slice(-80)),
            text(long.slice(-90), 'v'),
          ],
          { name: long, statusCode: 2, statusMessage: long },
        ),
        callSpan([text(ATTR.vendor, long.slice(-80))]),
      ]);
      expect(JSON.stringify(mapped.rows)).not.toContain(part);
    }
  }
});

test('random text around a planted address never lets it through', () => {
  const noise = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.string({ unit: fc.constantFrom('@', '.', '-', '%', '"', ' ', 'a', '=', '/', '<', 'é'), maxLength: 300 }),
    fc.lorem(),
  );
  fc.assert(
    fc.property(noise, noise, fc.constantFrom(...ADDRESSES.slice(0, 5)), (before, after, [address, part]) => {
      // A letter, a digit or a sign of a local part directly before it would be a part of another, longer address.
      const out = head(`${before} ${address} ${after}`);
      const rest = head(`${before}  ${after}`);
      const count = (where: string) => where.split(part).length;
      expect(count(out)).toBeLessThanOrEqual(count(rest));
    }),
    { numRuns: 500 },
  );
});

test('hostile text of 100 kB ends: no pattern looks at a character more often than some constant', () => {
  const pieces = [
    'a',
    '@',
    'a@',
    'a@a.',
    '%40',
    '%25',
    '-eyJ',
    'eyJa',
    'eyJaaaaaaaa.',
    'sk-',
    'SG.aaaaaaaaaaaaaaaa.',
    '-----BEGIN ',
    '-----BEGIN PRIVATE KEY-----',
    '://',
    '://a:',
    'Bearer ',
    'password=',
    'password="',
    'key=',
    '--token',
    '-a',
    'api_',
    '\\',
    '"',
    '\\u0040',
    '&#',
    'rl_a',
    'xox',
    'é',
    '\u0301',
    '\u{1f600}',
    '. ',
    '"a',
    ' =',
  ];
  for (const piece of pieces) {
    for (const tail of ['', '@', '.', '"', '@a.b']) {
      const hostile = piece.repeat(Math.ceil(100_000 / piece.length)) + tail;
      expect(head(hostile).length).toBeLessThan(20_000);
      expect(identity(hostile)).toMatch(/~[0-9a-f]{16}$/);
    }
  }
});
