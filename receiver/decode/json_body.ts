/** Where a JSON request starts and ends in its body: one object, with nothing but white space or a byte order mark around it. */

import { Fault } from './budget.ts';
import { enterObject } from './json_read.ts';
import { type Json, nextByte, OPEN_LIST, OPEN_OBJECT } from './json_scan.ts';

/** Moves to the request's object, past a byte order mark. */
export function startBody(json: Json): void {
  json.pos = json.buf[0] === 0xef && json.buf[1] === 0xbb && json.buf[2] === 0xbf ? 3 : 0;
  const byte = nextByte(json);
  if (byte === -1) throw new Fault('the body is empty; an empty request is {}', json.pos);
  if (byte === OPEN_LIST) throw new Fault('a request is one object, not a list', json.pos);
  enterObject(json, 'a request');
}

/** Nothing may follow the request. */
export function endBody(json: Json): void {
  const byte = nextByte(json);
  if (byte === -1) return;
  if (byte === OPEN_OBJECT)
    throw new Fault('one request per body: more requests follow (NDJSON?), send each by itself', json.pos);
  throw new Fault('not JSON: something follows the end of the request', json.pos);
}
