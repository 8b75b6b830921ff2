/** A seeded generator and the ways in which a good body is broken for fuzzing. */

/** Numbers in [0, bound); the same seed gives the same sequence (xorshift of 32 bits). */
export type Dice = (bound: number) => number;

export function diceOf(seed: number): Dice {
  let state = seed | 1;
  return (bound) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % bound;
  };
}

/** What breaks readers of either format most often. */
const PIECES = [
  '{',
  '}',
  '[',
  ']',
  '"',
  '\\',
  ',',
  ':',
  'null',
  '-',
  '1e999',
  '\\ud800',
  '{"key":{}}',
  '"attributes":{}',
  '\0',
];
const LENGTHS = [0x00, 0x01, 0x7f, 0x80, 0xff];

const spliced = (body: Uint8Array, at: number, removed: number, inserted: Uint8Array): Uint8Array =>
  Buffer.concat([body.subarray(0, at), inserted, body.subarray(Math.min(body.length, at + removed))]);

/** A copy with one to four changes: bytes set, cut, doubled, moved, or replaced by an awkward piece. */
export function mutated(body: Uint8Array, dice: Dice): Uint8Array {
  let changed: Uint8Array = new Uint8Array(body);
  for (let round = dice(4); round >= 0; round--) {
    const at = dice(changed.length + 1);
    const span = changed.subarray(at, at + dice(24));
    const way = dice(6);
    if (way === 0 && at < changed.length) changed[at] = dice(256);
    else if (way === 1 && at < changed.length) changed[at] = LENGTHS[dice(LENGTHS.length)] as number;
    else if (way === 2) changed = spliced(changed, at, dice(12), new Uint8Array());
    else if (way === 3) changed = spliced(changed, at, 0, span);
    else if (way === 4) changed = spliced(changed, dice(changed.length + 1), span.length, span);
    else changed = spliced(changed, at, dice(3), Buffer.from(PIECES[dice(PIECES.length)] as string));
  }
  return changed;
}

export function randomBytes(dice: Dice, maxLength: number): Uint8Array {
  return Uint8Array.from({ length: dice(maxLength) }, () => dice(256));
}
