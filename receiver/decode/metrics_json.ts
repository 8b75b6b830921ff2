/** The walk of metrics.ts through OTLP/JSON: what is around the current byte is a stack of small numbers, so that it can stop anywhere. */

import { Fault } from './budget.ts';
import { endBody, startBody } from './json_body.ts';
import {
  enterList,
  enterObject,
  type Names,
  NO_MEMBER,
  namesOf,
  nextElement,
  nextName,
  skipNull,
} from './json_read.ts';
import { type Json, newJson, nextByte, OPEN_LIST, OPEN_OBJECT, skipValue } from './json_scan.ts';

export interface JsonCount {
  readonly json: Json;
  /** The objects and lists around the current byte, the request first: LEVELS by index, or what is only moved past. */
  readonly around: number[];
  points: number;
}

interface Level {
  /** The members to enter; null: this is a list. */
  readonly names: Names | null;
  /** Whether each element is a data point. */
  readonly isPoints: boolean;
}

const object = (...names: string[]): Level => ({ names: namesOf(...names), isPoints: false });
const LIST: Level = { names: null, isPoints: false };
/** What each object or list of a metrics request holds is the level after it. */
const LEVELS: readonly Level[] = [
  object('resourceMetrics'),
  LIST,
  object('scopeMetrics'),
  LIST,
  object('metrics'),
  LIST,
  object('gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary'),
  object('dataPoints'),
  { names: null, isPoints: true },
];
/** An object or a list that is only moved past. */
const OTHER_OBJECT = -1;
const OTHER_LIST = -2;
const NO_NAMES = namesOf('-');

/** Objects and lists inside each other; the stack must not become larger than the body. */
const MAX_DEPTH = 1_000_000;
/** Bytes read in one step, about 10 ms. */
const STEP_BYTES = 1024 * 1024;
/** What moving past one value counts for at least, in bytes: the shortest ones cost more than their length. */
const VALUE_BYTES = 16;

export const newJsonCount = (body: Uint8Array): JsonCount => ({ json: newJson(body), around: [], points: 0 });

/** Reads on for about STEP_BYTES; true at the end of the request. */
export function countJson(count: JsonCount): boolean {
  const { json, around } = count;
  if (around.length === 0) {
    startBody(json);
    around.push(0);
  }
  const start = json.pos;
  for (let values = 1; json.pos - start + values * VALUE_BYTES < STEP_BYTES; values++) {
    const level = around[around.length - 1] as number;
    if (level === OTHER_OBJECT) moveThroughObject(count);
    else if (level === OTHER_LIST) moveThroughList(count);
    else if (LEVELS[level]?.names) readObject(count, level, LEVELS[level].names);
    else readList(count, level);
    if (around.length === 0) {
      endBody(json);
      return true;
    }
  }
  return false;
}

/** One member of an object that may hold data points. */
function readObject(count: JsonCount, level: number, names: Names): void {
  const { json, around } = count;
  const member = nextName(json, names);
  if (member === NO_MEMBER) {
    around.pop();
  } else if (skipNull(json)) {
    return;
  } else if (member <= 0) {
    passValue(count);
  } else {
    if (LEVELS[level + 1]?.names) enterObject(json, 'an element');
    else enterList(json, 'a field of lists');
    around.push(level + 1);
  }
}

/** One element of a list that may hold data points, or is the list of them. */
function readList(count: JsonCount, level: number): void {
  const { json, around } = count;
  if (!nextElement(json)) {
    around.pop();
  } else if (!skipNull(json)) {
    if (LEVELS[level]?.isPoints) {
      count.points++;
      passValue(count);
    } else {
      enterObject(json, 'an element');
      around.push(level + 1);
    }
  }
}

function moveThroughObject(count: JsonCount): void {
  if (nextName(count.json, NO_NAMES) === NO_MEMBER) count.around.pop();
  else passValue(count);
}

function moveThroughList(count: JsonCount): void {
  if (nextElement(count.json)) passValue(count);
  else count.around.pop();
}

/** Moves past a scalar, or into an object or list of any size. */
function passValue({ json, around }: JsonCount): void {
  const byte = nextByte(json);
  if (byte !== OPEN_OBJECT && byte !== OPEN_LIST) {
    skipValue(json);
    return;
  }
  if (around.length >= MAX_DEPTH) throw new Fault(`nested deeper than ${MAX_DEPTH} levels`, json.pos);
  json.pos++;
  around.push(byte === OPEN_OBJECT ? OTHER_OBJECT : OTHER_LIST);
}
