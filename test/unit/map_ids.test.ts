/** Whose a span is, of which run, about which item: names and ids as senders write them. */

import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { hashItem } from '../../receiver/map/ids.ts';
import { ATTR } from '../../sdk/attributes.ts';
import {
  callSpan,
  extraOf,
  INGEST,
  kindSpan,
  mainRow,
  mapLogs,
  mapSpans,
  marksOf,
  TENANT_ONE,
  testSnapshot,
} from '../helpers/mapping.ts';
import { bool, double, int, logRecord, span, text } from '../helpers/otlp.ts';

const item = (...attributes: Parameters<typeof kindSpan>[1] & object) => kindSpan('item', attributes);

describe('tenant', () => {
  test.each([
    ['int', int(ATTR.tenantId, 2), 2],
    ['text', text(ATTR.tenantId, '2'), 2],
    ['integral double', double(ATTR.tenantId, 2), 2],
    ['name', text(ATTR.tenantId, 'acme'), 2 ** 30],
    ['short name', int('tenant.id', 2), 2],
  ])('an ingest token takes it from the span: %s', (_, attribute, tenantId) => {
    expect(mainRow(item(attribute), { principal: INGEST }).tenantId).toBe(tenantId);
  });

  test.each([
    ['not registered', int(ATTR.tenantId, 77), ['77']],
    ['a name that is not registered', text(ATTR.tenantId, 'nobody'), ['nobody']],
    ['zero, which is ours', int(ATTR.tenantId, 0), []],
    ['beyond 2^30 - 1', int(ATTR.tenantId, 2 ** 30), []],
    ['an upper-case name', text(ATTR.tenantId, 'Acme'), []],
    ['a boolean', bool(ATTR.tenantId, true), []],
    ['a token in the wrong place', text(ATTR.tenantId, 'dapi0f1e2d3c4b5a69780f1e2d3c4b5a6978'), []],
    ['negative', int(ATTR.tenantId, -1), []],
  ])('an ingest token refuses it: %s', (_, attribute, unknown) => {
    const mapped = mapSpans([item(attribute)], { principal: INGEST });
    expect(mapped.refusals).toMatchObject([{ reason: 'unknown_tenant', tenantId: 0 }]);
    expect(mapped.rows).toEqual([]);
    expect([...mapped.unknownTenants]).toEqual(unknown);
  });

  test('a disabled tenant is refused, by whatever token', () => {
    const byIngest = mapSpans([item(int(ATTR.tenantId, 9))], { principal: INGEST });
    expect(byIngest.refusals).toMatchObject([{ reason: 'disabled_tenant', tenantId: 9 }]);
    const byOwn = mapSpans([item()], { principal: { kind: 'tenant', tenantId: 9 } });
    expect(byOwn.refusals).toMatchObject([{ reason: 'disabled_tenant', tenantId: 9 }]);
  });

  test('a tenant token needs no attribute', () => {
    expect(mainRow(item()).tenantId).toBe(1);
    expect(mainRow(item(int(ATTR.tenantId, 1))).tenantId).toBe(1);
  });

  test.each([
    int(ATTR.tenantId, 2),
    int('tenant.id', 2),
    text(ATTR.tenantId, 'acme'),
    int(ATTR.tenantId, 77),
    text(ATTR.tenantId, 'nobody'),
  ])('a tenant token refuses a span that names another: %o', (attribute) => {
    const mapped = mapSpans([item(attribute)]);
    expect(mapped.refusals).toMatchObject([{ reason: 'other_tenant', tenantId: 1 }]);
    // A name may be the token's own tenant, registered a moment ago; a number says by itself that it is not.
    expect([...mapped.unknownTenants]).toEqual(attribute.value === 'nobody' ? ['nobody'] : []);
  });

  test.each([TENANT_ONE, INGEST])('tenant.id that resolves to nothing is ignored, with a mark: %o', (principal) => {
    const row = mainRow(item(text('tenant.id', '72f988bf-86f1-41af-91ab-2d7cd011db47')), { principal });
    expect(row.tenantId).toBe(principal.kind === 'tenant' ? 1 : 0);
    expect(marksOf(row)).toEqual(['tenant.id_ignored']);
  });

  test('the span wins over the scope, the scope over the resource, whichever of the two names each uses', () => {
    const at = (resource: number, scope: number | null, own: number | null) =>
      mainRow(item(...(own === null ? [] : [int('tenant.id', own)])), {
        principal: INGEST,
        resource: [int(ATTR.tenantId, resource)],
        scope: scope === null ? [] : [int(ATTR.tenantId, scope)],
      }).tenantId;
    expect(at(1, null, null)).toBe(1);
    expect(at(1, 2, null)).toBe(2);
    expect(at(1, null, 2)).toBe(2);
    expect(at(2, 2, 1)).toBe(1);
  });

  test('a directory id on the span does not hide the tenant of the resource', () => {
    const row = mainRow(item(text('tenant.id', 'not-ours')), { principal: INGEST, resource: [int('tenant.id', 2)] });
    expect(row.tenantId).toBe(2);
  });

  test('an ingest token without a tenant leaves the row to its trace', () => {
    expect(mainRow(item(), { principal: INGEST }).tenantId).toBe(0);
  });

  test('a tenantless log record outside of a trace can follow nothing and is refused', () => {
    const record = logRecord({ eventName: 'note', attributes: [int(ATTR.runId, 5)] });
    expect(mapLogs([record], { principal: INGEST }).refusals).toMatchObject([{ reason: 'no_tenant' }]);
    const marker = logRecord({
      attributes: [
        text(ATTR.kind, 'start'),
        int(ATTR.runId, 5),
        text(ATTR.subjectKind, 'stage'),
        text(ATTR.subjectSpanId, '00f067aa0ba902b7'),
        text(ATTR.subjectStartUnixNano, '1760000000000000000'),
      ],
    });
    expect(mapLogs([marker], { principal: INGEST })).toMatchObject({ rows: [], refusals: [{ reason: 'no_tenant' }] });
  });
});

describe('run', () => {
  const runOf = (attribute: ReturnType<typeof text> | ReturnType<typeof int> | ReturnType<typeof double>) =>
    mainRow(span({ parentSpanId: '00f067aa0ba902b7', attributes: [text(ATTR.kind, 'item'), attribute] })).run;

  test.each([
    ['int', int(ATTR.runId, 42), { id: 42 }],
    ['text', text(ATTR.runId, '42'), { id: 42 }],
    ['integral double', double(ATTR.runId, 42), { id: 42 }],
    ['short name', text('run.id', '42'), { id: 42 }],
    ['the largest id', int(ATTR.runId, 2 ** 52 - 1), { id: 2 ** 52 - 1 }],
    ['2^52 is a key', int(ATTR.runId, 2 ** 52), { key: String(2 ** 52) }],
    ['int64 max is a key', int(ATTR.runId, 2n ** 63n - 1n), { key: '9223372036854775807' }],
    ['zero is a key', int(ATTR.runId, 0), { key: '0' }],
    ['negative is a key', int(ATTR.runId, -4), { key: '-4' }],
    ['leading zero is a key', text(ATTR.runId, '042'), { key: '042' }],
    ['a name', text(ATTR.runId, '2025-10-09 nightly'), { key: '2025-10-09 nightly' }],
    ['200 characters', text(ATTR.runId, 'é'.repeat(200)), { key: 'é'.repeat(200) }],
    ['200 characters of two units', text(ATTR.runId, '\u{1f600}'.repeat(200)), { key: '\u{1f600}'.repeat(200) }],
  ])('%s', (_, attribute, run) => {
    expect(runOf(attribute)).toEqual(run);
  });

  test.each([
    text(ATTR.runId, 'x'.repeat(201)),
    text(ATTR.runId, `${'x'.repeat(190)} anna.bertha@example.com`),
    bool(ATTR.runId, true),
    double(ATTR.runId, 1.5),
    double(ATTR.runId, Number.NaN),
  ])('a value that can name no run is refused: %o', (attribute) => {
    const mapped = mapSpans([span({ attributes: [text(ATTR.kind, 'item'), attribute] })]);
    expect(mapped).toMatchObject({ rows: [], refusals: [{ reason: 'invalid_run_id', tenantId: 1 }] });
  });

  test('an address in a key is hashed, and two keys that differ in a secret stay two runs', () => {
    expect(JSON.stringify(runOf(text(ATTR.runId, 'import of bob@example.com')))).not.toContain('bob');
    const secret = (last: string) => runOf(text(ATTR.runId, `key sk-abcdefghijklmnopqrst${last}`));
    expect(JSON.stringify(secret('1'))).not.toContain('sk-abc');
    expect(secret('1')).toEqual(secret('1'));
    expect(secret('1')).not.toEqual(secret('2'));
  });

  test('a key of 200 characters may grow by privacy', () => {
    const key = `${'x'.repeat(190)} a@b.cd`;
    const run = runOf(text(ATTR.runId, key));
    expect(run).toMatchObject({ key: expect.stringMatching(/^x{190} [0-9a-f]{16}$/) });
  });

  test('a run span without an id is named by its trace', () => {
    const mapped = mapSpans([span({ attributes: [text(ATTR.kind, 'run')] })]);
    expect(mapped.rows.map((row) => row.run)).toEqual([
      { key: '0af7651916cd43dd8448eb211c80319c' },
      { key: '0af7651916cd43dd8448eb211c80319c' },
    ]);
    expect(mapped.bindings).toMatchObject([{ tenantId: 1, run: { key: '0af7651916cd43dd8448eb211c80319c' } }]);
  });
});

describe('ids of the span', () => {
  test.each([{ traceId: '' }, { spanId: '' }])('%o is refused', (given) => {
    expect(mapSpans([callSpan([], given)])).toMatchObject({
      rows: [],
      refusals: [{ reason: 'invalid_ids', tenantId: 1 }],
    });
  });
});

describe('item', () => {
  const sha52 = (tenantId: number, name: string) => {
    const digest = createHash('sha256').update(`${tenantId}:${name}`).digest('hex');
    return 2 ** 52 + Number(BigInt(`0x${digest.slice(0, 13)}`));
  };

  test.each([
    [int(ATTR.itemId, 0), 0],
    [int('company.id', 7), 7],
    [text(ATTR.itemId, '7'), 7],
    [double(ATTR.itemId, 7), 7],
    [int(ATTR.itemId, 2 ** 52 - 1), 2 ** 52 - 1],
  ])('an integer is its own id: %o', (attribute, id) => {
    const row = mainRow(item(attribute));
    expect(row.companyId).toBe(id);
    expect(extraOf(row).item_id).toBeUndefined();
  });

  test.each([
    [text(ATTR.itemId, 'acme.example'), 'acme.example'],
    [text(ATTR.itemId, '007'), '007'],
    [int(ATTR.itemId, -3), '-3'],
    [int(ATTR.itemId, 2 ** 52), '4503599627370496'],
  ])('any other is 2^52 and 52 bits of SHA-256 over tenant and text: %o', (attribute, name) => {
    const row = mainRow(item(attribute));
    expect(row.companyId).toBe(sha52(1, name));
    expect(row.companyId).toBe(hashItem(1, name));
    expect(Number.isSafeInteger(row.companyId)).toBe(true);
    expect(extraOf(row).item_id).toBe(name);
    expect(mainRow(item(attribute), { principal: { kind: 'tenant', tenantId: 2 } }).companyId).toBe(sha52(2, name));
  });

  test('long texts are cut, differ by their hash, and the kept text is the one the id is made of', () => {
    for (const head of ['x'.repeat(300), '漢'.repeat(150)]) {
      const [one, two] = ['1', '2'].map((last) => mainRow(item(text(ATTR.itemId, head + last))));
      expect(one?.companyId).not.toBe(two?.companyId);
      expect(hashItem(1, String(extraOf(one).item_id))).toBe(one?.companyId);
      expect(Buffer.byteLength(String(extraOf(one).item_id))).toBeLessThanOrEqual(256);
    }
  });

  test('the text stays beside the id however many attributes there are, and whatever they are called', () => {
    const many = Array.from({ length: 60 }, (_, index) => text(`attribute${index}`, 'v'.repeat(200)));
    const spoof = [text('item_id', 'another'), text('name', 'fake'), text('marks', 'fake')];
    const row = mainRow(item(text(ATTR.itemId, 'acme.example'), ...spoof, ...many));
    expect(hashItem(1, String(extraOf(row).item_id))).toBe(row.companyId);
    expect(extraOf(row)).toMatchObject({ item_id: 'acme.example', name: 'item', 'attribute.item_id': 'another' });
    expect(extraOf(row).marks).toBeUndefined();
  });

  test('an item that can be none is ignored with a mark', () => {
    const row = mainRow(item(double(ATTR.itemId, 1.5)));
    expect(row.companyId).toBeNull();
    expect(marksOf(row)).toEqual(['item_ignored']);
  });

  test('vendor calls and events inside of an item carry it', () => {
    const event = { timeUs: 1_760_000_001_000_000, timeNs: 0, name: 'retry', attributes: [] };
    const { rows } = mapSpans([callSpan([text(ATTR.itemId, 'acme.example')], { events: [event] })]);
    expect(rows.map((row) => row.companyId)).toEqual([hashItem(1, 'acme.example'), hashItem(1, 'acme.example')]);
  });
});

test('an installation adds names of its own, behind the built-in ones', () => {
  const snapshot = testSnapshot({ attributeAliases: new Map([['batch.number', ATTR.runId]]) });
  const of = (...attributes: Parameters<typeof kindSpan>[1] & object) =>
    mainRow(span({ attributes: [text(ATTR.kind, 'item'), ...attributes] }), { snapshot }).run;
  expect(of(int('Batch.Number', 8))).toEqual({ id: 8 });
  expect(of(int('batch.number', 8), int('run.id', 3))).toEqual({ id: 3 });
  expect(of(int('run.id', 3), int('batch.number', 8))).toEqual({ id: 3 });
  expect(of(int(ATTR.runId, 4), int('run.id', 3))).toEqual({ id: 4 });
});

test('of a key sent twice the last one counts', () => {
  const twice = span({ attributes: [text(ATTR.kind, 'item'), int(ATTR.runId, 1), int(ATTR.runId, 2)] });
  expect(mainRow(twice).run).toEqual({ id: 2 });
});
