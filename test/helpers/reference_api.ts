/** docs/reference/api.md from the document that /openapi.json answers, which is made from the schemas that check requests and answers. */

import { cell, code, table } from './reference_text.ts';

interface Schema {
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  oneOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  default?: unknown;
  description?: string;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  maxLength?: number;
}

interface Operation {
  summary: string;
  description?: string;
  security?: unknown[];
  parameters: { name: string; in: string; required: boolean; description?: string; schema: Schema }[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, { description: string; content?: Record<string, { schema: Schema }> }>;
}

export interface ApiDocument {
  paths: Record<string, Record<string, Operation>>;
}

const HEAD = `# Routes

Every route of the HTTP API, made from the document that \`GET /openapi.json\` answers, which has the types in full; a test holds this page against it. Tokens, paging, errors
and examples: [The HTTP API](../api.md).

In answers, a \`?\` says that the value may be missing or \`null\`, \`[]\` that it is a list, and \`…\` that the object has the members that stood above.

Beside what a route names, any of them may answer, as \`application/problem+json\`:

`;

interface Said {
  /** Of problems that any route may answer, by status. */
  words: Map<string, string>;
  /** Where an answer was listed. */
  seen: Map<string, string>;
  /** Members of long objects that stand in answers already. */
  shown: Set<string>;
}

/** Problems that are said once, above all routes, in the words of the document. */
const COMMON = ['400', '401', '403', '404', '413', '415', '429', '503'];

export function apiPage(document: ApiDocument): string {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  const words = new Map<string, string>();
  for (const { operation } of operations)
    for (const status of COMMON) {
      const said = operation.responses[status]?.description;
      if (said !== undefined && !words.has(status)) words.set(status, said);
    }
  const common = COMMON.flatMap((status) => (words.has(status) ? [[status, cell(words.get(status) ?? '')]] : []));
  const contents = operations.map(({ path, method, operation }) => {
    return [
      `[\`${method.toUpperCase()} ${path}\`](#${anchorOf(method, path)})`,
      cell(operation.summary),
      whoMay(operation),
    ];
  });
  const said: Said = { words, seen: new Map(), shown: new Set() };
  const sections = operations.map(({ path, method, operation }) => sectionOf(method, path, operation, said));
  return [`${HEAD}${table(['status', 'when'], common)}`, table(['route', '', 'token'], contents), ...sections].join(
    '\n',
  );
}

/** As Markdown viewers make it of a heading. */
function anchorOf(method: string, path: string): string {
  return `${method}-${path.replace(/[^\w-]/g, '')}`.toLowerCase();
}

function whoMay({ security, description = '' }: Operation): string {
  if (security?.length === 0) return 'none';
  return description
    .replace(/^For /, '')
    .replace(/\.$/, '')
    .replace('tenant tokens of scope ', 'scope ')
    .replace(', and admins', ', admin')
    .replace(' and admins', ', admin')
    .replace('tenant tokens', 'any scope')
    .replace(/^admins$/, 'admin');
}

function sectionOf(method: string, path: string, operation: Operation, said: Said): string {
  const head = `## ${method.toUpperCase()} ${path}\n\n${operation.summary}. Token: ${whoMay(operation)}.\n`;
  const parameters = operation.parameters.map(({ name, in: place, required, description, schema }) => {
    const about = aboutOf(schema, description);
    return [code(name), place, cell(about), required ? 'needed' : defaultOf(schema)];
  });
  const body = operation.requestBody?.content['application/json']?.schema;
  const bodyRows = body === undefined ? [] : bodyRowsOf(body);
  const rows = [...parameters, ...bodyRows];
  const taken = rows.length === 0 ? [] : [table(['parameter', 'in', '', 'default'], rows)];
  return [head, ...taken, answersOf(operation, said, `${method.toUpperCase()} ${path}`)].join('\n');
}

/** Of a body that has several forms, each under what tells it from the others. */
function bodyRowsOf(schema: Schema): string[][] {
  const forms = schema.anyOf ?? schema.oneOf ?? [schema];
  return forms.flatMap((form) => {
    const members = Object.entries(form.properties ?? {});
    const mark = members.find(([, { const: fixed }]) => forms.length > 1 && fixed !== undefined);
    const place = mark === undefined ? 'body' : `body, ${code(`${mark[0]}: ${mark[1].const}`)}`;
    return members
      .filter((one) => one !== mark)
      .map(([name, member]) => {
        const isNeeded = form.required?.includes(name) === true;
        return [code(name), place, cell(aboutOf(member)), isNeeded ? 'needed' : defaultOf(member)];
      });
  });
}

function aboutOf(schema: Schema, description = schema.description ?? ''): string {
  const words = /^[A-Z][a-z ]/.test(description)
    ? description.charAt(0).toLowerCase() + description.slice(1)
    : description;
  return [typeOf(schema), words].filter((text) => text !== '').join('; ');
}

/** An answer that an earlier route gives too is not listed again. */
function answersOf({ responses }: Operation, { words, seen, shown }: Said, route: string): string {
  const own = Object.entries(responses).filter(([status, { description }]) => {
    return status !== 'default' && words.get(status) !== description;
  });
  const lines = own.map(([status, { description, content = {} }]) => {
    const [mediaType, of] = Object.entries(content)[0] ?? [];
    const isProblem = mediaType === undefined || mediaType === 'application/problem+json';
    const shape = isProblem ? '' : membersText(mediaType, of?.schema, shown);
    const first = seen.get(shape);
    if (shape.length > 60 && first === undefined) seen.set(shape, `${route}, ${status}`);
    const when = description === 'Done' ? '' : cell(description);
    return `- **${status}** ${[when, first === undefined ? shape : `as ${first}`].filter((text) => text !== '').join(': ')}`.trimEnd();
  });
  return `${lines.join('\n')}\n`;
}

function membersText(mediaType: string, schema: Schema | undefined, shown: Set<string>): string {
  return mediaType === 'application/json' && schema !== undefined ? code(shapeOf(schema, 0, shown)) : mediaType;
}

const DEEPEST = 3;

/** Objects of more members than this are listed once, and then by their first members. */
const FEW = 10;

/** "{runs: [{run_id, note?}], next_cursor?}" */
function shapeOf(schema: Schema, depth: number, shown: Set<string>): string {
  const { bare } = withoutNull(schema);
  if (bare.items !== undefined) return `[${shapeOf(bare.items, depth, shown)}]`;
  if (bare.properties === undefined || depth === DEEPEST) return bare.properties === undefined ? '' : '{…}';
  const names = Object.keys(bare.properties);
  if (depth > 0 && names.length > FEW) {
    if (shown.has(names.join())) return `{${names.slice(0, 2).join(', ')}, …}`;
    shown.add(names.join());
  }
  const members = Object.entries(bare.properties).map(([name, member]) => {
    const isSure = bare.required?.includes(name) === true && !withoutNull(member).mayBeNull;
    const inner = shapeOf(member, depth + 1, shown);
    return `${name}${isSure ? '' : '?'}${inner === '' ? '' : `: ${inner}`}`;
  });
  return `{${members.join(', ')}}`;
}

function withoutNull(schema: Schema): { bare: Schema; mayBeNull: boolean } {
  const types = Array.isArray(schema.type) ? schema.type : [];
  const others = (schema.anyOf ?? []).filter(({ type }) => type !== 'null');
  const mayBeNull = types.includes('null') || others.length < (schema.anyOf?.length ?? 0);
  return { bare: mayBeNull && others.length === 1 ? (others[0] ?? schema) : schema, mayBeNull };
}

const PATTERNS: readonly [RegExp, string][] = [
  [/^\^\\d\{4\}-\\d\{2\}-\\d\{2\}\(T/, 'day or time, as `2026-11-22` or `2026-11-22T01:30:00Z`'],
  [/^\^\\d\{4,6\}-/, 'time'],
  [/^\^\(\[1-9\]\[0-9\]\{0,9\}\|\[a-z\]/, 'number or name'],
  [/^\^\[1-9\]\[0-9\]\{/, 'whole number above 0'],
  [/^\^-\?\\d\+/, 'decimal text'],
];

function typeOf(schema: Schema): string {
  const { bare, mayBeNull } = withoutNull(schema);
  if (mayBeNull)
    return `${typeOf(bare === schema ? { ...schema, type: [schema.type ?? []].flat().filter((one) => one !== 'null')[0] ?? 'any' } : bare)} or \`null\``;
  if (bare.const !== undefined) return code(JSON.stringify(bare.const).replaceAll('"', ''));
  if (bare.enum !== undefined) return bare.enum.map((one) => code(String(one))).join(', ');
  if (bare.anyOf !== undefined) return [...new Set(bare.anyOf.map(typeOf))].join(' or ');
  if (bare.type === 'array') return `list of ${typeOf(bare.items ?? {})}`;
  const { pattern } = bare;
  const known = pattern === undefined ? undefined : PATTERNS.find(([shape]) => shape.test(pattern));
  if (known !== undefined) return known[1];
  if (bare.type === 'integer' || bare.type === 'number')
    return `${bare.type === 'integer' ? 'whole number' : 'number'}${rangeOf(bare)}`;
  if (bare.type === 'string') return 'text';
  return bare.type === undefined ? '' : String(bare.type);
}

function rangeOf({ minimum, maximum }: Schema): string {
  const isBound = (value: number | undefined) => value !== undefined && Math.abs(value) < 2 ** 53 - 1;
  if (isBound(minimum) && isBound(maximum)) return ` from ${minimum} to ${maximum}`;
  if (isBound(minimum)) return minimum === 0 ? '' : ` from ${minimum}`;
  return isBound(maximum) ? ` up to ${maximum}` : '';
}

function defaultOf(schema: Schema): string {
  return schema.default === undefined
    ? ''
    : code(typeof schema.default === 'string' ? schema.default : JSON.stringify(schema.default));
}
