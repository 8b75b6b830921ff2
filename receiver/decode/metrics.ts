/**
 * Counts the data points of a metrics request, for the answer that they are not kept. Nothing of them is decoded. The walks keep their place
 * in a few numbers instead of on the call stack, so that they can stop anywhere and the event loop turns.
 */

import { Fault } from './budget.ts';
import { countJson, newJsonCount } from './metrics_json.ts';
import { DecodeError } from './shape.ts';
import { newWire, readEnd, readTag, skipField, startRecord, WIRE_BYTES, type Wire } from './wire.ts';

/** Fields read in one step, about 10 ms. */
const STEP_FIELDS = 200_000;

/** Steps that yield nothing but their end. */
export type CountSteps = Generator<undefined, { dataPoints: number }>;

/** Field numbers of gauge, sum, histogram, exponential histogram and summary in Metric. */
const DATA_FIELDS = new Set([5, 7, 9, 10, 11]);
/** The path to data points: fields of the request, ResourceMetrics, ScopeMetrics and Metric. */
const WIRE_PATH = [new Set([1]), new Set([2]), new Set([2]), DATA_FIELDS];
/** Where the data of a metric is entered; in all kinds of it, field 1 is a data point. */
const POINTS_LEVEL = WIRE_PATH.length;
/** The tag of a data point in the data of every kind. */
const POINT = (1 << 3) | WIRE_BYTES;

/** Turns a fault anywhere into the error that refuses the request. */
function* counting(step: () => boolean, points: () => number): CountSteps {
  try {
    while (!step()) yield;
  } catch (error) {
    if (error instanceof Fault) throw new DecodeError(`metrics request: ${error.what} (at byte ${error.at})`);
    throw error;
  }
  return { dataPoints: points() };
}

interface WireCount {
  readonly wire: Wire;
  /** Where the messages around the current byte end, the request first. */
  readonly ends: number[];
  level: number;
  points: number;
}

export function countWirePoints(body: Uint8Array): CountSteps {
  const wire = newWire(body);
  const count: WireCount = { wire, ends: [wire.length, 0, 0, 0, 0], level: 0, points: 0 };
  return counting(
    () => stepWire(count),
    () => count.points,
  );
}

/** Reads so many fields; true at the end of the request. */
function stepWire(count: WireCount): boolean {
  const { wire, ends } = count;
  // Nothing of a metrics request is kept, so no number of skipped fields is too many.
  startRecord(wire);
  for (let left = STEP_FIELDS; left > 0; left--) {
    while (wire.pos >= (ends[count.level] as number)) {
      if (count.level === 0) return true;
      count.level--;
    }
    const end = ends[count.level] as number;
    const tag = readTag(wire, end);
    if (count.level === POINTS_LEVEL) {
      if (tag !== POINT) {
        skipField(wire, tag, end);
        continue;
      }
      wire.pos = readEnd(wire, end);
      count.points++;
    } else if ((tag & 7) === WIRE_BYTES && WIRE_PATH[count.level]?.has(tag >>> 3) === true) {
      count.level++;
      ends[count.level] = readEnd(wire, end);
    } else {
      skipField(wire, tag, end);
    }
  }
  return false;
}

export function countJsonPoints(body: Uint8Array): CountSteps {
  const count = newJsonCount(body);
  return counting(
    () => countJson(count),
    () => count.points,
  );
}
