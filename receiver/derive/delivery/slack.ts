/**
 * Messages for a Slack incoming webhook, in Block Kit: a header, one to three sentences, numbers as fields, where it is about, links. The
 * colour bar and the sign tell severity and event; the plain text is what a telephone shows.
 */

import type { AlertMessage, Numbers } from '../alerts/finding.ts';
import { countEvents, groupMessages } from './digest.ts';
import type { Compose, Composed, Outgoing } from './request.ts';
import { link, markdownLine, plainLine } from './slack_text.ts';

/** Slack's limits are 150 for a header, 3,000 for a section, 2,000 for a field, 10 fields; about 13,000 for all blocks together. */
const HEADER_CHARS = 150;
const TEXT_CHARS = 2_500;
const FIELDS_MAX = 10;
const FIELD_CHARS = 300;
const SECTION_CHARS = 2_900;
const TITLE_CHARS = 160;
const FALLBACK_CHARS = 300;

type Block = Record<string, unknown>;

export const composeSlack: Compose = (outgoing) => {
  const [first] = outgoing;
  if (first !== undefined && outgoing.length === 1) return composed(single(first.message));
  return composed(digest(outgoing));
};

interface SlackMessage {
  title: string;
  colour: string;
  blocks: Block[];
}

function composed({ title, colour, blocks }: SlackMessage): Composed {
  const fallback = plainLine(title, FALLBACK_CHARS);
  return {
    body: JSON.stringify({
      text: escapeFallback(title),
      link_names: false,
      unfurl_links: false,
      unfurl_media: false,
      blocks: [{ type: 'header', text: { type: 'plain_text', text: plainLine(title, HEADER_CHARS), emoji: false } }],
      attachments: [{ color: colour, fallback, blocks }],
    }),
    headers: { 'content-type': 'application/json' },
    believes: isTaken,
  };
}

/** The top-level text is read as mrkdwn. */
function escapeFallback(title: string): string {
  return markdownLine(title, FALLBACK_CHARS);
}

/** Slack answers `ok`; services that take its format answer that, nothing, or JSON. A page of HTML comes from somebody else. */
function isTaken(answer: string): boolean {
  const text = answer.trim();
  if (text === '' || /^"?ok"?$/i.test(text)) return true;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return false;
    return (
      !('ok' in value && value.ok !== true) && !('success' in value && value.success !== true) && !('error' in value)
    );
  } catch (error) {
    return !(error instanceof SyntaxError);
  }
}

function single(message: AlertMessage): SlackMessage {
  const links = linksOf(message);
  return {
    title: `${signOf(message)} ${message.title}`,
    colour: colourOf(message),
    blocks: [
      section(markdownLine(message.text, TEXT_CHARS)),
      ...fieldBlocks(message.numbers),
      context(placeOf(message)),
      ...(links === '' ? [] : [section(links)]),
    ],
  };
}

function digest(outgoing: readonly Outgoing[]): SlackMessage {
  const messages = outgoing.map(({ message }) => message);
  const loudest = messages.find((message) => message.severity === 'page' && message.event !== 'resolved');
  const lines = groupMessages(outgoing).flatMap(({ code, rule, items }) => [
    `*${markdownLine(code, 20)}* ${markdownLine(rule.replaceAll('_', ' '), 64)}`,
    ...items.map(({ message }) => digestLine(message)),
  ]);
  const sample = loudest ?? messages.find((message) => message.event !== 'resolved') ?? messages[0];
  return {
    title: `${loudest === undefined ? '🔔' : '🔴'} ${countEvents(outgoing)}`,
    colour: sample === undefined ? '#888888' : colourOf(sample),
    blocks: pack(lines).map(section),
  };
}

function digestLine(message: AlertMessage): string {
  const target = link(message.links.run ?? message.links.runbook, message.links.run === null ? 'runbook' : 'run');
  const parts = [markdownLine(message.title, TITLE_CHARS), markdownLine(tenantOf(message), 64)];
  return `${signOf(message)} ${parts.join(' · ')}${target === null || target.length > 300 ? '' : ` · ${target}`}`;
}

/** Lines into as few texts as Slack's limit for a section allows. */
function pack(lines: readonly string[]): string[] {
  const texts: string[] = [];
  for (const line of lines) {
    const last = texts.at(-1);
    if (last === undefined || last.length + line.length + 1 > SECTION_CHARS) texts.push(line);
    else texts[texts.length - 1] = `${last}\n${line}`;
  }
  return texts;
}

function section(text: string): Block {
  return { type: 'section', text: { type: 'mrkdwn', text: text === '' ? '–' : text, verbatim: true } };
}

function context(text: string): Block {
  return { type: 'context', elements: [{ type: 'mrkdwn', text, verbatim: true }] };
}

function fieldBlocks(numbers: Numbers): Block[] {
  const entries = Object.entries(numbers).filter(([, value]) => value !== null);
  if (entries.length === 0) return [];
  // The last field says how many more there are rather than leaving them out in silence.
  const shown = entries.slice(0, entries.length > FIELDS_MAX ? FIELDS_MAX - 1 : FIELDS_MAX);
  const texts = shown.map(([name, value]) => field(name.replaceAll('_', ' '), numberText(value)));
  if (shown.length < entries.length) texts.push(field('more', `${entries.length - shown.length} more numbers`));
  return [{ type: 'section', fields: texts.map((text) => ({ type: 'mrkdwn', text, verbatim: true })) }];
}

function field(name: string, value: string): string {
  return `*${markdownLine(name, 60)}*\n${markdownLine(value, FIELD_CHARS)}`;
}

function numberText(value: string | number | boolean | null): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value !== 'number' || Number.isInteger(value)) return String(value);
  return String(Number(value.toPrecision(6)));
}

function placeOf(message: AlertMessage): string {
  const run = message.run === null ? '' : `run ${message.run.run_key ?? message.run.run_id}`;
  const parts = [
    tenantOf(message),
    message.pipeline,
    message.environment,
    message.subject,
    run,
    `since ${message.fired_at.slice(0, 16).replace('T', ' ')} UTC`,
  ];
  return parts
    .filter((part) => part !== '')
    .map((part) => markdownLine(part, 200))
    .join(' · ');
}

function tenantOf(message: AlertMessage): string {
  if (message.tenant_id === 0) return 'this installation';
  return `tenant ${message.tenant_name ?? message.tenant_id}`;
}

function linksOf({ links }: AlertMessage): string {
  return [
    link(links.runbook, 'Runbook'),
    link(links.run, 'Run'),
    link(links.jaeger, 'Jaeger'),
    link(links.langsmith, 'LangSmith'),
  ]
    .filter((one) => one !== null)
    .join('  ·  ');
}

function signOf({ event, severity }: AlertMessage): string {
  if (event === 'resolved') return '✅';
  if (event === 'test') return '🧪';
  return severity === 'page' ? '🔴' : '🟠';
}

function colourOf({ event, severity }: AlertMessage): string {
  if (event === 'resolved') return '#2eb67d';
  if (event === 'test') return '#888888';
  return severity === 'page' ? '#d32f2f' : '#f2a33a';
}
