/** Counts the data points of a metrics request, for the answer that they are not kept. Nothing of them is decoded. */

import { Fault } from './budget.ts';
import { endBody, startBody } from './json_body.ts';
import {
  enterList,
  enterObject,
  type Names,
  NO_MEMBER,
  namesOf,
  nextElement,
  nextMember,
  skipNull,
} from './json_read.ts';
import { type Json, newJson, skipValue } from './json_scan.ts';
import { DecodeError } from './shape.ts';
import { newWire, readEnd, readTag, skipField, startRecord, type Wire } from './wire.ts';

/** Field numbers of gauge, sum, histogram, exponential histogram and summary in Metric. */
const DATA_FIELDS = new Set([5, 7, 9, 10, 11]);
/** The path to data points: fields of the request, ResourceMetrics, ScopeMetrics and Metric. */
const WIRE_PATH = [new Set([1]), new Set([2]), new Set([2]), DATA_FIELDS];
/** The tag of a data point in the data of every kind. */
const POINT = (1 << 3) | 2;

const LEVELS: { readonly names: Names; readonly isList: boolean }[] = [
  { names: namesOf('resourceMetrics'), isList: true },
  { names: namesOf('scopeMetrics'), isList: true },
  { names: namesOf('metrics'), isList: true },
  { names: namesOf('gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary'), isList: false },
];
const POINTS = namesOf('dataPoints');

/** Turns a fault anywhere into the error that refuses the request. */
function counting(count: () => number): number {
  try {
    return count();
  } catch (error) {
    if (error instanceof Fault) throw new DecodeError(`metrics request: ${error.what} (at byte ${error.at})`);
    throw error;
  }
}

export function countWirePoints(body: Uint8Array): number {
  const wire = newWire(body);
  return counting(() => countWire(wire, wire.length, 0));
}

/** Nothing of a metrics request is kept, so no number of skipped fields is too many. */
function startedAnew(wire: Wire): Wire {
  startRecord(wire);
  return wire;
}

function countWire(wire: Wire, limit: number, level: number): number {
  const fields = WIRE_PATH[level];
  if (fields === undefined) return countPoints(wire, limit);
  let points = 0;
  while (wire.pos < limit) {
    const tag = readTag(wire, limit);
    if ((tag & 7) === 2 && fields.has(tag >>> 3)) points += countWire(wire, readEnd(wire, limit), level + 1);
    else skipField(startedAnew(wire), tag, limit);
  }
  return points;
}

/** The innermost level by itself, as a body can hold 32 million points. */
function countPoints(wire: Wire, limit: number): number {
  let points = 0;
  while (wire.pos < limit) {
    const tag = readTag(wire, limit);
    if (tag === POINT) {
      wire.pos = readEnd(wire, limit);
      points++;
    } else {
      skipField(startedAnew(wire), tag, limit);
    }
  }
  return points;
}

export function countJsonPoints(body: Uint8Array): number {
  const json = newJson(body);
  return counting(() => {
    startBody(json);
    const points = countJson(json, 0);
    endBody(json);
    return points;
  });
}

/** Counts inside the object that was entered. */
function countJson(json: Json, level: number): number {
  const step = LEVELS[level];
  const names = step?.names ?? POINTS;
  let points = 0;
  for (let member = nextMember(json, names); member !== NO_MEMBER; member = nextMember(json, names)) {
    if (member <= 0) skipValue(json);
    else if (step?.isList === false) points += countObject(json, level + 1);
    else points += countList(json, step === undefined ? -1 : level + 1);
  }
  return points;
}

function countObject(json: Json, level: number): number {
  enterObject(json, 'an element');
  return countJson(json, level);
}

/** `level` -1: the elements are the data points. */
function countList(json: Json, level: number): number {
  let points = 0;
  enterList(json, 'a field of lists');
  while (nextElement(json)) {
    if (skipNull(json)) continue;
    if (level < 0) {
      skipValue(json);
      points++;
    } else {
      points += countObject(json, level);
    }
  }
  return points;
}
