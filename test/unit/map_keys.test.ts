/** Times and keys: what one row is must not depend on clocks, on the order of lists, or on which of marker and span came first. */

import { describe, expect, test } from 'vitest';
import type { Attribute, LogRecord, Span } from '../../receiver/decode/shape.ts';
import { ATTR } from '../../sdk/attributes.ts';
import {
  callSpan,
  INGEST,
  kindSpan,
  mainRow,
  mapLogs,
  mapSpans,
  marksOf,
  RECEIVED_US,
  testSnapshot,
} from '../helpers/mapping.ts';
import { bool, double, int, logRecord, span, text } from '../helpers/otlp.ts';

const S = 1_000_000;
const DAY_US = 86_400 * S;
const START_US = 1_760_000_000_000_000;
const PARENT = '00f067aa0ba902b7';

describe('ts', () => {
  test('a start row has the start, the others the end', () => {
    const { rows } = mapSpans([kindSpan('stage')]);
    expect(rows.map((row) => [row.seq, row.tsUs])).toEqual([
      [0, START_US],
      [1, START_US + 1_500_000],
    ]);
  });
  test('without an end it is the start, without a start the start row has the end', () => {
    const noEnd = mapSpans([kindSpan('stage', [], { endUs: 0 })]).rows;
    expect(noEnd.map((row) => row.tsUs)).toEqual([START_US, START_US]);
    expect(noEnd[1]?.durationMs).toBeNull();
    expect(marksOf(noEnd[1])).toEqual(['no_end']);
    const noStart = mapSpans([kindSpan('stage', [], { startUs: 0 })]).rows;
    expect(noStart.map((row) => row.tsUs)).toEqual([START_US + 1_500_000, START_US + 1_500_000]);
    expect(marksOf(noStart[1])).toEqual(['no_start']);
  });
  test.each<[string, Partial<Span>]>([
    ['neither was sent', { startUs: 0, endUs: 0 }],
    ['both are in 1970', { startUs: 5, endUs: 6 }],
    ['both are beyond 2100', { startUs: Date.UTC(2100, 0, 1) * 1000, endUs: Number.POSITIVE_INFINITY }],
    ['milliseconds were taken for nanoseconds', { startUs: 1_760_000_000, endUs: 1_760_000_001 }],
  ])('no_time: %s', (_, given) => {
    expect(mapSpans([callSpan([], given)])).toMatchObject({ rows: [], refusals: [{ reason: 'no_time', tenantId: 1 }] });
  });
  test('one good edge is enough', () => {
    expect(mainRow(callSpan([], { startUs: 5 })).tsUs).toBe(START_US + 1_500_000);
    expect(mainRow(callSpan([], { endUs: Number.POSITIVE_INFINITY })).tsUs).toBe(START_US);
  });
  test('future: more than 24 h ahead, to the microsecond', () => {
    const at = (endUs: number) => mapSpans([callSpan([], { endUs })]);
    expect(at(RECEIVED_US + DAY_US).rows).toHaveLength(1);
    expect(at(RECEIVED_US + DAY_US + 1)).toMatchObject({ rows: [], refusals: [{ reason: 'future' }] });
  });
  test('too_old: before the retention floor', () => {
    const snapshot = testSnapshot({ retentionFloorUs: START_US });
    const at = (endUs: number) => mapSpans([callSpan([], { startUs: endUs - S, endUs })], { snapshot });
    expect(at(START_US).rows).toHaveLength(1);
    expect(at(START_US - 1)).toMatchObject({ rows: [], refusals: [{ reason: 'too_old' }] });
  });
  test('a stage that began before the floor keeps its end, and says so', () => {
    const snapshot = testSnapshot({ retentionFloorUs: START_US + S });
    const { rows } = mapSpans([kindSpan('stage')], { snapshot });
    expect(rows.map((row) => row.seq)).toEqual([1]);
    expect(marksOf(rows[0])).toEqual(['start_not_kept']);
  });
});

describe('duration', () => {
  const of = (startUs: number, startNs: number, endUs: number, endNs: number) =>
    mainRow(callSpan([], { startUs, startNs, endUs, endNs }));
  test('is in milliseconds, half up, from nanoseconds', () => {
    expect(of(START_US, 0, START_US + 500, 0).durationMs).toBe(1);
    expect(of(START_US, 1, START_US + 500, 0).durationMs).toBe(0);
    expect(of(START_US, 999, START_US + 1500, 999).durationMs).toBe(2);
    expect(of(START_US, 0, START_US, 0).durationMs).toBe(0);
  });
  test('is NULL and marked where the end lies before the start', () => {
    for (const row of [of(START_US, 0, START_US - 1, 0), of(START_US, 5, START_US, 4)]) {
      expect(row.durationMs).toBeNull();
      expect(marksOf(row)).toEqual(['negative_duration']);
    }
  });
  test('is capped with a mark', () => {
    const snapshot = testSnapshot({ retentionFloorUs: 0 });
    const row = mainRow(callSpan([], { startUs: START_US - 60 * DAY_US }), { snapshot });
    expect(row.durationMs).toBe(2_147_483_647);
    expect(marksOf(row)).toEqual(['duration_capped']);
  });
});

describe('seq of events', () => {
  const event = (name: string, timeUs: number, attributes: Attribute[] = [], timeNs = 0) => ({
    timeUs,
    timeNs,
    name,
    attributes,
  });
  const events = [
    event('retry', START_US + 20, [int('attempt', 2)]),
    event('exception', START_US + 10),
    event('retry', START_US + 10, [int('attempt', 1)]),
    event('retry', START_US + 20, [int('attempt', 3)]),
    event('note', START_US + 20),
    event('note', START_US + 20, [text(ATTR.status, 'ok')]),
    event('fallback', START_US + 20, [], 5),
  ];
  const keys = (list: Span['events']) =>
    mapSpans([kindSpan('item', [], { events: list })])
      .rows.filter((row) => row.seq > 1)
      .map((row) => `${row.seq} ${row.tsUs - START_US} ${row.event} ${row.extra ?? ''}`)
      .sort();

  test('is 2 + i by time and name', () => {
    expect(keys(events)).toEqual([
      '3 10 retry {"attempt":1}',
      '5 20 note ',
      '6 20 retry {"attempt":2}',
      '7 20 retry {"attempt":3}',
      '8 20 fallback ',
    ]);
  });
  test('does not depend on the order of the list, not even for events of one time and name', () => {
    for (let turn = 1; turn < events.length; turn++) {
      expect(keys([...events.slice(turn), ...events.slice(0, turn)])).toEqual(keys(events));
    }
    expect(keys([...events].reverse())).toEqual(keys(events));
  });
  test('an event without a time has the end of its span', () => {
    const [row] = mapSpans([kindSpan('item', [], { events: [event('retry', 0)] })]).rows.filter(({ seq }) => seq > 1);
    expect(row?.tsUs).toBe(START_US + 1_500_000);
  });
  test('an event outside of what is kept is refused and never dated anew: a resend after the floor moved would count twice', () => {
    const snapshot = testSnapshot({ retentionFloorUs: START_US });
    const mapped = mapSpans(
      [kindSpan('item', [], { events: [event('retry', START_US - 1), event('retry', START_US + 1)] })],
      { snapshot },
    );
    expect(mapped.rows.map((row) => [row.seq, row.tsUs - START_US])).toEqual([
      [1, 1_500_000],
      [3, 1],
    ]);
    expect(mapped.refusals).toMatchObject([{ reason: 'too_old', tenantId: 1 }]);
  });
});

describe('start markers', () => {
  const RUN = [int(ATTR.runId, 5), text(ATTR.pipeline, 'nightly')];
  const around = {
    resource: [text('service.version', '1.2.3'), text('deployment.environment.name', 'prod'), text('host.name', 'h1')],
  };
  const subject = (kind: string, given: Partial<Record<string, Attribute>> = {}): Attribute[] =>
    Object.values({
      kind: text(ATTR.kind, 'start'),
      subjectKind: text(ATTR.subjectKind, kind),
      id: text(ATTR.subjectSpanId, 'b7ad6b7169203331'),
      start: text(ATTR.subjectStartUnixNano, '1760000000000000123'),
      root: bool(ATTR.subjectRoot, true),
      ...given,
    }).filter((attribute) => attribute !== undefined);
  const marker = (attributes: Attribute[], given: Partial<Span> = {}) =>
    span({
      spanId: '1111111111111111',
      parentSpanId: 'b7ad6b7169203331',
      startUs: START_US + 40,
      endUs: START_US + 50,
      attributes,
      ...given,
    });

  test.each([
    ['a run', [text(ATTR.kind, 'run'), ...RUN], [...subject('run'), ...RUN]],
    ['a run named by its trace', [text(ATTR.kind, 'run')], subject('run')],
    [
      'a stage',
      [text(ATTR.kind, 'stage'), ...RUN, text(ATTR.stage, 'crawl')],
      [...subject('stage'), ...RUN, text(ATTR.stage, 'crawl')],
    ],
    [
      'a stage of a long name',
      [text(ATTR.kind, 'stage'), ...RUN, text(ATTR.stage, 'c'.repeat(90))],
      [...subject('stage'), ...RUN, text(ATTR.stage, 'c'.repeat(90))],
    ],
  ])('%s and its marker make the same start row, byte for byte', (_, own, announced) => {
    const [real] = mapSpans([span({ attributes: own })], around).rows;
    const [early] = mapSpans([marker(announced)], around).rows;
    const record = logRecord({ traceId: span().traceId, attributes: announced });
    const [logged] = mapLogs([record], around).rows;
    expect(real).toBeDefined();
    expect(JSON.stringify(early)).toBe(JSON.stringify(real));
    expect(JSON.stringify(logged)).toBe(JSON.stringify(real));
  });

  test('a root marker binds the trace like its span, a marker of a run inside of another trace does not', () => {
    const bindings = (attributes: Attribute[]) => mapSpans([marker(attributes)]).bindings;
    expect(bindings([...subject('run'), ...RUN])).toEqual(
      mapSpans([span({ attributes: [text(ATTR.kind, 'run'), ...RUN] })]).bindings,
    );
    expect(bindings([...subject('run', { root: bool(ATTR.subjectRoot, false) }), ...RUN])).toEqual([]);
    expect(bindings([...subject('run', { root: undefined }), ...RUN])).toEqual([]);
    expect(bindings([...subject('stage'), ...RUN])).toEqual([]);
  });
  test('a log record outside of a trace binds none: every other such record would follow it', () => {
    const record = logRecord({ attributes: [...subject('run'), ...RUN, int(ATTR.tenantId, 2)] });
    const mapped = mapLogs([record], { principal: INGEST });
    expect(mapped.rows).toHaveLength(1);
    expect(mapped.bindings).toEqual([]);
  });
  test('the start may be sent as an integer', () => {
    const attributes = [
      ...subject('stage', { start: int(ATTR.subjectStartUnixNano, 1_760_000_000_000_000_123n) }),
      ...RUN,
    ];
    expect(mapSpans([marker(attributes)]).rows).toMatchObject([{ tsUs: START_US, seq: 0 }]);
  });
  test.each<[string, Partial<Record<string, Attribute>>]>([
    ['no kind', { subjectKind: undefined }],
    ['a kind that has no start row', { subjectKind: text(ATTR.subjectKind, 'item') }],
    ['no span id', { id: undefined }],
    ['a span id of wrong length', { id: text(ATTR.subjectSpanId, 'b7ad') }],
    ['a span id of zeros', { id: text(ATTR.subjectSpanId, '0'.repeat(16)) }],
    ['no start', { start: undefined }],
    ['a start that is no number', { start: text(ATTR.subjectStartUnixNano, '1e18') }],
    ['a double, which has lost its last digits', { start: double(ATTR.subjectStartUnixNano, 1.76e18) }],
  ])('%s is refused', (_, given) => {
    expect(mapSpans([marker([...subject('run', given), ...RUN])])).toMatchObject({
      rows: [],
      bindings: [],
      refusals: [{ reason: 'invalid_marker' }],
    });
  });
  test.each<[string, string, string]>([
    ['no_time', '0', 'no_time'],
    ['future', String(BigInt(RECEIVED_US + 2 * DAY_US) * 1000n), 'future'],
    ['too_old', '1000000000000000000', 'too_old'],
  ])('a start that cannot be kept is refused: %s', (_, start, reason) => {
    const attributes = [...subject('stage', { start: text(ATTR.subjectStartUnixNano, start) }), ...RUN];
    expect(mapSpans([marker(attributes)])).toMatchObject({ rows: [], refusals: [{ reason }] });
  });
});

describe('heartbeats', () => {
  const beat = [text(ATTR.kind, 'heartbeat'), int(ATTR.runId, 5)];
  test('make no row and move the run, as span and as log record', () => {
    const expected = { rows: [], otherSpans: 0, heartbeats: [{ tenantId: 1, run: { id: 5 } }] };
    expect(mapSpans([span({ parentSpanId: PARENT, attributes: beat })])).toMatchObject(expected);
    expect(mapLogs([logRecord({ attributes: beat })])).toMatchObject(expected);
  });
  test('of no run or no tenant do nothing', () => {
    expect(mapSpans([span({ attributes: beat.slice(0, 1) })])).toMatchObject({
      rows: [],
      heartbeats: [],
      otherSpans: 1,
      rootsWithoutRun: [],
    });
    expect(mapSpans([span({ attributes: beat })], { principal: INGEST })).toMatchObject({
      heartbeats: [],
      otherSpans: 1,
    });
  });
});

describe('binding', () => {
  const runSpan = (given: Partial<Span> = {}, attributes: Attribute[] = []) =>
    span({ attributes: [text(ATTR.kind, 'run'), int(ATTR.runId, 5), int(ATTR.tenantId, 1), ...attributes], ...given });
  test('a run span without a parent binds its trace; only an ingest token claims what came without a tenant', () => {
    expect(mapSpans([runSpan()]).bindings).toMatchObject([{ tenantId: 1, run: { id: 5 }, claimsTenantless: false }]);
    expect(mapSpans([runSpan()], { principal: INGEST }).bindings).toMatchObject([
      { tenantId: 1, claimsTenantless: true },
    ]);
    expect(mapSpans([runSpan({ parentSpanId: PARENT })]).bindings).toEqual([]);
  });
  test('a run needs its tenant: its facts are never parked', () => {
    const mapped = mapSpans([span({ attributes: [text(ATTR.kind, 'run'), int(ATTR.runId, 5)] })], {
      principal: INGEST,
    });
    expect(mapped).toMatchObject({ rows: [], bindings: [], refusals: [{ reason: 'no_tenant' }] });
  });
});

describe('log records', () => {
  const RUN = int(ATTR.runId, 5);
  const rowsOf = (given: Partial<LogRecord>) => mapLogs([logRecord(given)]).rows;

  test('with an event name and a run make an event that adds nothing', () => {
    const [row, ...more] = rowsOf({
      eventName: 'cache_miss',
      attributes: [RUN, text(ATTR.stage, 'crawl'), int(ATTR.itemId, 3)],
    });
    expect(more).toEqual([]);
    expect(row).toMatchObject({
      kind: 'log',
      event: 'cache_miss',
      status: 'ok',
      seq: -1,
      stage: 'crawl',
      companyId: 3,
      calls: 0,
      unitsTotal: 0,
      tsUs: START_US,
    });
    expect(row?.spanId).toMatch(/^[0-9a-f]{16}$/);
    expect(row?.extra).toBeNull();
  });
  test('the older attribute names the event too', () => {
    expect(rowsOf({ attributes: [RUN, text('event.name', 'old_style')] })).toMatchObject([{ event: 'old_style' }]);
  });
  test('errors of a run are kept without a name, with the first 256 characters of what they say', () => {
    const [row] = rowsOf({ severity: 17, body: text('', 'x'.repeat(300)), attributes: [RUN] });
    expect(row).toMatchObject({ event: 'log', status: 'error', errorCode: 'ERROR' });
    expect(JSON.parse(row?.extra ?? '{}')).toEqual({ message: 'x'.repeat(256) });
  });
  test.each<[string, Partial<LogRecord>]>([
    ['no run', { eventName: 'x', severity: 21 }],
    ['no name and no error', { severity: 16, attributes: [RUN] }],
  ])('%s: nothing', (_, given) => {
    expect(mapLogs([logRecord(given)])).toMatchObject({ rows: [], otherSpans: 1, refusals: [] });
  });
  test('a run of the resource will do, and the observed time for one that has none', () => {
    const { rows } = mapLogs([logRecord({ eventName: 'x', timeUs: 0 })], { resource: [RUN] });
    expect(rows).toMatchObject([{ run: { id: 5 }, tsUs: START_US + 100 }]);
  });
  test('bodies of what is no error are not stored', () => {
    expect(rowsOf({ eventName: 'x', body: text('', 'private words'), attributes: [RUN] })[0]?.extra).toBeNull();
  });
  test.each([
    ['no_time', { timeUs: 0, observedUs: 0 }],
    ['future', { timeUs: RECEIVED_US + 2 * DAY_US }],
    ['too_old', { timeUs: Date.UTC(2020, 0, 1) * 1000 }],
  ])('%s', (reason, given) => {
    expect(mapLogs([logRecord({ eventName: 'x', attributes: [RUN], ...given })])).toMatchObject({
      rows: [],
      refusals: [{ reason }],
    });
  });

  describe('identity', () => {
    const base: Partial<LogRecord> = {
      eventName: 'x',
      traceId: span().traceId,
      spanId: PARENT,
      attributes: [RUN, text('a', '5'), int('b', 1)],
    };
    const idOf = (given: Partial<LogRecord>) => rowsOf({ ...base, ...given })[0]?.spanId;

    test('two records that say the same are one, whatever the order of their attributes', () => {
      expect(idOf({})).toBe(idOf({}));
      expect(idOf({ attributes: [int('b', 1), RUN, text('a', '5')] })).toBe(idOf({}));
      expect(idOf({ observedUs: START_US + 5 })).toBe(idOf({}));
    });
    test.each<[string, Partial<LogRecord>]>([
      ['trace', { traceId: '1'.repeat(32) }],
      ['span', { spanId: '1'.repeat(16) }],
      ['nanosecond', { timeNs: 2 }],
      ['event name', { eventName: 'y' }],
      ['severity', { severity: 10 }],
      ['body', { body: text('', 'other') }],
      ['value type', { attributes: [RUN, int('a', 5), int('b', 1)] }],
      ['value', { attributes: [RUN, text('a', '6'), int('b', 1)] }],
      ['missing attribute', { attributes: [RUN, text('a', '5')] }],
      ['far end of a long body', { body: text('', `${'x'.repeat(9000)}1`) }],
    ])('another %s is another event', (_, given) => {
      expect(idOf(given)).not.toBe(idOf({}));
      expect(idOf(given)).not.toBe(idOf({ body: text('', `${'x'.repeat(9000)}2`) }));
    });
    test('a list of one text is not the list of two that it looks like', () => {
      const list = (...values: string[]): Attribute => ({
        key: 'l',
        type: 5,
        value: values.map((value) => text('', value)),
      });
      expect(idOf({ attributes: [RUN, list('a,sb')] })).not.toBe(idOf({ attributes: [RUN, list('a', 'b')] }));
    });
    test('log.record.uid alone decides where it is sent', () => {
      const uid = text('log.record.uid', '01H');
      expect(idOf({ attributes: [RUN, uid] })).toBe(
        idOf({ attributes: [RUN, uid, text('a', 'b')], body: text('', 'z') }),
      );
      expect(idOf({ attributes: [RUN, uid] })).not.toBe(idOf({ attributes: [RUN, text('log.record.uid', '02H')] }));
    });
  });
});
