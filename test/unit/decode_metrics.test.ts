/** Counting data points takes turns: a body of any shape is walked in steps, and the steps of two bodies do not disturb each other. */

import { expect, test } from 'vitest';
import { checkMetrics } from '../../receiver/decode/decode.ts';
import { DecodeError } from '../../receiver/decode/shape.ts';
import { finish } from '../helpers/steps.ts';
import { bytesField } from '../helpers/wire_bytes.ts';

const MEBIBYTE = 1024 * 1024;
const repeated = (unit: string, bytes: number) => unit.repeat(Math.ceil(bytes / unit.length));
const repeatedHex = (unit: string, times: number) => Buffer.alloc((unit.length / 2) * times, Buffer.from(unit, 'hex'));
const json = (text: string) => checkMetrics(Buffer.from(text), 'json');
const wire = (body: Uint8Array) => checkMetrics(body, 'protobuf');

/** A gauge with these data points. */
const gaugeWire = (points: Uint8Array) => bytesField(1, bytesField(2, bytesField(2, bytesField(5, points))));
const gaugeJson = (points: string) =>
  `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[${points}]}}]}]}]}`;
const list = (unit: string, bytes: number) => repeated(`${unit},`, bytes) + unit;

test('protobuf: millions of points, of groups, or of fields that nobody knows give turns', () => {
  const points = finish(wire(gaugeWire(repeatedHex('0a00', 2_000_000))));
  expect(points.dataPoints).toBe(2_000_000);
  expect(points.turns).toBeGreaterThanOrEqual(9);
  for (const body of [
    repeatedHex('0a00', 2_000_000),
    bytesField(1, repeatedHex('1200', 2_000_000)),
    repeatedHex('7801', 2_000_000),
    gaugeWire(repeatedHex('7801', 2_000_000)),
  ]) {
    const { dataPoints, turns } = finish(wire(body));
    expect(dataPoints).toBe(0);
    expect(turns).toBeGreaterThanOrEqual(9);
  }
});

test('protobuf: after nested messages the count goes on in the right one', () => {
  const metric = bytesField(2, bytesField(5, repeatedHex('0a00', 3)), bytesField(7, repeatedHex('0a00', 2)));
  const scope = bytesField(2, metric, metric, bytesField(1, 'scope'));
  expect(finish(wire(bytesField(1, scope, bytesField(2), scope))).dataPoints).toBe(20);
});

test.each([
  ['points', gaugeJson(list('{}', 8 * MEBIBYTE))],
  ['points of null', gaugeJson(list('null', 8 * MEBIBYTE))],
  ['groups', `{"resourceMetrics":[${list('{}', 8 * MEBIBYTE)}]}`],
  ['members that nobody knows', `{${list('"a":[]', 8 * MEBIBYTE)}}`],
  ['members of null', `{${list('"resourceMetrics":null', 8 * MEBIBYTE)}}`],
  ['one value in one point', gaugeJson(`{"attributes":[${list('{"k":1}', 8 * MEBIBYTE)}]}`)],
  ['spaces', gaugeJson(list('{}                                   ', 8 * MEBIBYTE))],
])('JSON: 8 MiB of %s give turns', (_what, text) => {
  const { turns } = finish(json(text));
  expect(turns).toBeGreaterThanOrEqual(7);
});

test('JSON: points are told from whatever else looks like them', () => {
  const points = '{"attributes":[{"dataPoints":[{},{}]}],"x":{"gauge":{"dataPoints":[{}]}}},null,{}';
  const text = gaugeJson(points).replace('{"gauge"', '{"dataPoints":[{}],"sum":{"dataPoints":[{},{},{}]},"gauge"');
  expect(finish(json(text)).dataPoints).toBe(2 + 3);
  expect(finish(json(gaugeJson(points).replaceAll(/([[\]{}:,])/g, ' $1\n'))).dataPoints).toBe(2);
});

test('two bodies walked in turns give what each gives alone, and a fault in one stays there', () => {
  const good = json(gaugeJson(list('{"a":[[1],{"b":2}]}', 8 * MEBIBYTE)));
  const broken = json(`{"x":[${list('[{}]', 2 * MEBIBYTE)}`);
  const alone = finish(json(gaugeJson(list('{"a":[[1],{"b":2}]}', 8 * MEBIBYTE))));
  expect(() => {
    for (let isOver = false; !isOver; ) {
      good.next();
      isOver = broken.next().done === true;
    }
  }).toThrow(DecodeError);
  expect(finish(good).dataPoints).toBe(alone.dataPoints);
});

test('what is cut off anywhere is refused', () => {
  const text = gaugeJson('{"attributes":[{"key":"k"}],"y":[null,"z"]},{}');
  for (let length = 0; length < text.length; length++) {
    expect(() => finish(json(text.slice(0, length))), text.slice(0, length)).toThrow(DecodeError);
  }
  expect(() => finish(json(`{"x":${'['.repeat(1_100_000)}`))).toThrow(/nested deeper/);
});

test('an empty request holds none, and what is no metrics request is refused', () => {
  expect(finish(wire(new Uint8Array())).dataPoints).toBe(0);
  expect(finish(json('{}')).dataPoints).toBe(0);
  expect(finish(json(gaugeJson('{},null,{"a":[1]}'))).dataPoints).toBe(2);
  for (const body of ['', '[]', '{"resourceMetrics":{}}', '{"resourceMetrics":[{}]', '{}{}']) {
    expect(() => finish(json(body))).toThrow(DecodeError);
  }
});
