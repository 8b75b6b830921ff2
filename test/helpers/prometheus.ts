/** A reader of Prometheus' text format, written from its definition and apart from what writes it; throws at the first line that is not of it. */

export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

export interface Scraped {
  samples: Sample[];
  types: Map<string, string>;
  helps: Map<string, string>;
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;

export function parsePrometheus(text: string): Scraped {
  if (text !== '' && !text.endsWith('\n')) throw new Error('the last line does not end');
  const scraped: Scraped = { samples: [], types: new Map(), helps: new Map() };
  const seen = new Set<string>();
  for (const line of text.split('\n')) {
    if (line === '') continue;
    if (line.startsWith('#')) {
      readComment(line, scraped);
      continue;
    }
    const sample = readSample(line);
    const series = JSON.stringify([sample.name, Object.entries(sample.labels).sort()]);
    if (seen.has(series)) throw new Error(`twice: ${line}`);
    seen.add(series);
    scraped.samples.push(sample);
  }
  return scraped;
}

function readComment(line: string, { types, helps }: Scraped): void {
  const [, kind, name, rest] = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)$/.exec(line) ?? [];
  if (kind === undefined || name === undefined || rest === undefined) throw new Error(`not a comment: ${line}`);
  const into = kind === 'HELP' ? helps : types;
  if (into.has(name)) throw new Error(`second ${kind} of ${name}`);
  into.set(name, rest);
}

function readSample(line: string): Sample {
  const name = NAME.exec(line)?.[0];
  if (name === undefined) throw new Error(`no name: ${line}`);
  const labels: Record<string, string> = {};
  let at = name.length;
  if (line[at] === '{') {
    at++;
    while (line[at] !== '}') {
      const label = /^([a-zA-Z_][a-zA-Z0-9_]*)="/.exec(line.slice(at));
      if (label?.[1] === undefined) throw new Error(`no label at ${at}: ${line}`);
      const [value, end] = readQuoted(line, at + label[0].length);
      labels[label[1]] = value;
      at = line[end] === ',' ? end + 1 : end;
    }
    at++;
  }
  const value = /^ (-?[0-9.]+(?:e[+-]?[0-9]+)?)(?: [0-9]+)?$/.exec(line.slice(at))?.[1];
  if (value === undefined) throw new Error(`no value: ${line}`);
  return { name, labels, value: Number(value) };
}

/** @returns the text from `at` to the closing quote, and the place behind it */
function readQuoted(line: string, at: number): [string, number] {
  let text = '';
  for (let place = at; place < line.length; place++) {
    const char = line[place];
    if (char === '"') return [text, place + 1];
    if (char !== '\\') {
      text += char;
      continue;
    }
    place++;
    const escaped = { n: '\n', '\\': '\\', '"': '"' }[line[place] ?? ''];
    if (escaped === undefined) throw new Error(`unknown escape: ${line}`);
    text += escaped;
  }
  throw new Error(`open quote: ${line}`);
}

/** The metrics that a PromQL expression reads: what is left of its words when texts, label lists, ranges, functions and operators are gone. */
export function metricsOfExpression(expression: string): string[] {
  const bare = expression
    .replace(/"[^"]*"/g, '')
    .replace(/\{[^}]*\}/g, '')
    .replace(/\[[^\]]*\]/g, '')
    .replace(/\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, '');
  const words = [...bare.matchAll(/[a-zA-Z_:][a-zA-Z0-9_:]*(?!\s*\(|[a-zA-Z0-9_:])/g)].map(([word]) => word);
  return words.filter((word) => !['and', 'or', 'unless', 'bool', 'offset', 'sum', 'max', 'min'].includes(word));
}
