/** Orders and limits that the registers of several tables share. */

/** Before and after every timestamp: the start values of registers. */
export const NEVER = '-infinity';
export const EVER = 'infinity';

/** Bytewise, like collate "C"; what is compared is hex. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The value under a key, made when it is not there yet. */
export function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
