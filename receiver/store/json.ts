/** JSON from the database as values, exact where JSON.parse of some runtimes is not. */

/**
 * JSON.parse, with every key read as it was written. V8 13.6 (Node 24) takes a key with an escape for a key that an earlier object had at
 * that place when the key's source text begins with it: once {"a":0,"\\":0} was read, {"a":0,"\t":0} comes back with the key "\\". So
 * JSON.parse never sees such a key: it gets another name without escapes and has its own back afterwards.
 * @param text JSON that writes equal keys of an object alike, as PostgreSQL does
 * @throws SyntaxError when `text` is no JSON
 */
export function parseJson(text: string): unknown {
  if (!text.includes('\\')) return JSON.parse(text);
  let prefix = '#';
  while (text.includes(`"${prefix}`)) prefix += '#';
  const aliases = new Map<string, string>();
  const renamed = text.replace(STRING, (literal, key: string | undefined) => {
    if (key === undefined || !key.includes('\\')) return literal;
    let alias = aliases.get(key);
    if (alias === undefined) {
      alias = `${prefix}${aliases.size}`;
      aliases.set(key, alias);
    }
    return `"${alias}"${literal.slice(key.length)}`;
  });
  if (aliases.size === 0) return JSON.parse(text);
  const names = new Map([...aliases].map(([key, alias]) => [alias, JSON.parse(key) as string]));
  return restored(JSON.parse(renamed), names);
}

/** A string; with the first group when a colon makes it a key. */
const STRING = /("[^"\\]*(?:\\.[^"\\]*)*")\s*:|"[^"\\]*(?:\\.[^"\\]*)*"/g;

function restored(value: unknown, names: ReadonlyMap<string, string>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((element) => restored(element, names));
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [names.get(name) ?? name, restored(member, names)]),
  );
}
