/** One trace that holds everything that must not be stored, in every place of a span, and things that look alike and must survive. */

import { ADDRESSES, CONTENT_KEYS, ORDINARY, PAIRS, SECRET_KEYS, TOKENS } from '../fixtures/sensitive.ts';

export const TRACE_ID = 'feedfacefeedfacefeedfacefeedface';
export const RUN_KEY = 'planted';
/** Under keys of contents; longer words of it would be found even when cut. */
export const PROMPT = 'Tell me whether Zaphod Beeblebrox of planet Betelgeuse buys software';
export const PROMPT_PART = 'Beeblebrox';
/** The same inside of a map whose own key says nothing. */
export const NESTED_PART = 'Magrathea';
/** Under keys that say secret: no pattern knows the value. */
export const SECRET_PART = 'moonshine';

/** Texts, each with the part that would give it away. */
export const SENSITIVE: readonly (readonly [string, string])[] = [...ADDRESSES, ...TOKENS, ...PAIRS];

type Value = Record<string, unknown>;
const text = (value: string): Value => ({ stringValue: value });
const attribute = (key: string, value: Value) => ({ key, value });
const map = (entries: [string, Value][]): Value => ({
  kvlistValue: { values: entries.map(([key, value]) => ({ key, value })) },
});
const numbered = (texts: readonly string[], prefix: string) =>
  texts.map((value, index) => attribute(`${prefix}.${index}`, text(value)));

let spans = 0;

function span(name: string, fields: Record<string, unknown>) {
  const endMs = Date.now();
  spans++;
  return {
    traceId: TRACE_ID,
    spanId: (0xabc000 + spans).toString(16).padStart(16, '0'),
    ...(spans === 1 ? {} : { parentSpanId: (0xabc001).toString(16).padStart(16, '0') }),
    name,
    kind: 1,
    startTimeUnixNano: `${endMs - 1000}000000`,
    endTimeUnixNano: `${endMs}000000`,
    ...fields,
  };
}

/** The request as OTLP/JSON, and how many spans it has. */
export function plantedTrace(): { body: string; spans: number } {
  spans = 0;
  const texts = SENSITIVE.map(([value]) => value);
  const contents = CONTENT_KEYS.map((key) => attribute(key, text(PROMPT)));
  const secrets = SECRET_KEYS.map((key, index) => attribute(key, text(`${SECRET_PART}${index}`)));
  const root = span('planted', {
    attributes: [
      attribute('runledger.kind', text('run')),
      attribute('runledger.tenant.id', { intValue: '7' }),
      attribute('runledger.run.id', text(RUN_KEY)),
      ...numbered(ORDINARY, 'ordinary'),
    ],
  });
  const ofTexts = texts.map((value) =>
    span(value, {
      status: { code: 2, message: `failed for ${value}` },
      attributes: [
        attribute('note', text(value)),
        attribute('inside', text(`before ${value} after`)),
        attribute('list', { arrayValue: { values: [text('first'), text(value)] } }),
        attribute('map', map([['note', text(value)]])),
        attribute('count', { intValue: '42' }),
      ],
      events: [{ timeUnixNano: `${Date.now()}000000`, name: value, attributes: [attribute('note', text(value))] }],
      links: [
        {
          traceId: '0123456789abcdef0123456789abcdef',
          spanId: '0123456789abcdef',
          attributes: [attribute('note', text(value))],
        },
      ],
    }),
  );
  const ofKeys = span('by key', {
    attributes: [
      ...contents,
      ...secrets,
      attribute(
        'state',
        map([
          ['messages', { arrayValue: { values: [map([['content', text(`Design a planet for ${NESTED_PART}`)]])] } }],
        ]),
      ),
      attribute('settings', map(SECRET_KEYS.map((key, index) => [key, text(`${SECRET_PART}${index}`)]))),
      attribute('http.request.body.size', { intValue: '1234' }),
      attribute('gen_ai.usage.input_tokens', { intValue: '17' }),
    ],
    events: [{ timeUnixNano: `${Date.now()}000000`, name: 'gen_ai.choice', attributes: [...contents, ...secrets] }],
  });
  const resource = { attributes: [attribute('service.name', text('planted')), ...numbered(texts, 'res'), ...secrets] };
  const scope = { name: 'planter', attributes: [...numbered(texts, 'scope'), ...contents] };
  const request = { resourceSpans: [{ resource, scopeSpans: [{ scope, spans: [root, ...ofTexts, ofKeys] }] }] };
  return { body: JSON.stringify(request), spans };
}

/** Every string in a JSON value, keys too. */
export function stringsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.flatMap(stringsOf);
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, inner]) => [key, ...stringsOf(inner)]);
}

/** What of the planted is still there, with where. */
export function leaks(strings: readonly string[], parts: readonly string[]): string[] {
  const suspicious = strings.filter((found) => !ORDINARY.includes(found));
  return suspicious.flatMap((found) =>
    parts.filter((part) => found.includes(part)).map((part) => `${part} in ${found.slice(0, 120)}`),
  );
}
