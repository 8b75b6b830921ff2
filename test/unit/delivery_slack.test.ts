/** Slack messages: what a name or an error text could do to a channel, Slack's limits, and what a person sees. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Outgoing } from '../../receiver/derive/delivery/request.ts';
import { composeSlack } from '../../receiver/derive/delivery/slack.ts';
import { link, markdownLine, plainLine } from '../../receiver/derive/delivery/slack_text.ts';
import { alertMessage, outgoing } from '../helpers/alert_messages.ts';

const SETTINGS = { url: 'https://hooks.example.org/x', secret: null, now: new Date(), standing: [] };
const compose = (...list: Outgoing[]) => composeSlack(list, SETTINGS);
const bodyOf = (...list: Outgoing[]) => JSON.parse(compose(...list).body);

interface Text {
  type: string;
  text: string;
  verbatim?: boolean;
}

/** Every text object anywhere in a message. */
function textsOf(value: unknown): Text[] {
  if (Array.isArray(value)) return value.flatMap(textsOf);
  if (typeof value !== 'object' || value === null) return [];
  const own = 'type' in value && (value.type === 'mrkdwn' || value.type === 'plain_text') ? [value as Text] : [];
  return [...own, ...Object.values(value).flatMap(textsOf)];
}

/** What is left when the links that we write are taken away may hold no markup of Slack's. */
function markupIn(text: string): string[] {
  const rest = text.replaceAll(/<https?:\/\/[^<>|]+\|[^<>|]*>/g, '');
  return rest.match(/[<>]|&(?!(amp|lt|gt);)|@(?=[\p{L}\p{N}_])/gu) ?? [];
}

const HOSTILE = [
  '<!channel> <!here|here> <@U024BE7LH> <#C024BE7LR> <https://evil.example|Runbook>',
  '@channel @here @everyone ＠channel @U024BE7LH',
  '&lt;!channel&gt; &amp;lt;',
  'a\nb\r\n*bold*\u2028`code`\u0000\u001b[31m\u202eevil\u2066',
  '<'.repeat(5_000),
  '&'.repeat(149),
  '👩‍👩‍👧‍👦'.repeat(900),
  '\ud83d half a pair',
];

describe('text that somebody else wrote', () => {
  it.each(HOSTILE)('brings no markup, mention or line break along: %j', (text) => {
    const numbers = { [text.slice(0, 100)]: text, limit: 3 };
    const more = { title: text, text, tenant_name: text, pipeline: text, environment: text, subject: text, numbers };
    const run = { run_id: 1, run_key: text, status: text, started_at: null, ended_at: null };
    for (const body of [
      bodyOf(outgoing({ ...more, run })),
      bodyOf(...Array.from({ length: 30 }, (_, index) => outgoing({ ...more, code: text, rule: text }, `7-${index}`))),
    ]) {
      for (const { type, text: written } of textsOf(body)) {
        if (type === 'mrkdwn') expect([written, markupIn(written)]).toEqual([written, []]);
        else expect(written).not.toMatch(/[<>]|@\w/);
        expect(written.replaceAll('\n', '')).not.toMatch(/\p{Cc}|[\u2028-\u202e\u2066-\u2069]/u);
      }
      expect(markupIn(body.text)).toEqual([]);
      expect(body.text).not.toContain('\n');
      expect(body.link_names).toBe(false);
      expect(JSON.stringify(body)).not.toContain('evil.example|Runbook>"');
    }
  });

  it('is cut to the limit whatever it is, with whole characters and whole entities', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), fc.integer({ min: 1, max: 120 }), (text, chars) => {
        const markdown = markdownLine(text, chars);
        expect(markdown.length).toBeLessThanOrEqual(chars);
        expect(markupIn(markdown)).toEqual([]);
        expect(Buffer.from(markdown).toString()).toBe(markdown);
        expect(plainLine(text, chars).length).toBeLessThanOrEqual(chars);
      }),
      { numRuns: 2_000 },
    );
  });

  it('cannot be the address of a link', () => {
    for (const address of ['javascript:alert(1)', 'data:text/html,x', '', 'x', null, `https://x/${'y'.repeat(2_000)}`])
      expect(link(address, 'Run')).toBeNull();
    expect(link('https://x.example/a?b=1&c=<|>', 'A & <B>')).toBe(
      '<https://x.example/a?b=1&amp;c=%3C%7C%3E|A &amp; &lt;B&gt;>',
    );
  });
});

describe('a message', () => {
  it('shows headline, sentences, numbers, place and all links', () => {
    const body = bodyOf(outgoing());
    expect(body.blocks).toEqual([
      {
        type: 'header',
        text: { type: 'plain_text', text: '🟠 CR-02 crawl error rate 0.42 of 210 items, limit 0.30', emoji: false },
      },
    ]);
    expect(body.text).toBe('🟠 CR-02 crawl error rate 0.42 of 210 items, limit 0.30');
    const [attachment] = body.attachments;
    expect(attachment.color).toBe('#f2a33a');
    expect(attachment.blocks.map((block: { type: string }) => block.type)).toEqual([
      'section',
      'section',
      'context',
      'section',
    ]);
    const texts = textsOf(attachment).map(({ text }) => text);
    expect(texts).toContain('*value*\n0.419048');
    expect(texts).toContain('*errors*\n88');
    expect(texts).toContain('tenant acme · nightly · production · crawl · run 4711 · since 2026-11-22 02:05 UTC');
    expect(texts.at(-1)).toBe(
      '<https://runledger.example.org/runbooks/CR-02|Runbook>  ·  <https://runledger.example.org/ui/runs/7/4711|Run>  ·  ' +
        '<https://jaeger.example.org/trace/4bf92f3577b34da6a3ce929d0e0e4736|Jaeger>  ·  ' +
        '<https://smith.langchain.com/o/1/projects/p/2?peek=3&amp;x=4|LangSmith>',
    );
    for (const text of textsOf(attachment)) expect(text.verbatim).toBe(true);
  });

  it('tells severity and event at a glance', () => {
    const look = (more: Parameters<typeof outgoing>[0]) => {
      const body = bodyOf(outgoing(more));
      return [body.blocks[0].text.text.slice(0, 2).trim(), body.attachments[0].color];
    };
    expect(look({ severity: 'page' })).toEqual(['🔴', '#d32f2f']);
    expect(look({ severity: 'page', event: 'resolved' })).toEqual(['✅', '#2eb67d']);
    expect(look({ event: 'escalated', severity: 'page' })).toEqual(['🔴', '#d32f2f']);
    expect(look({ event: 'test' })).toEqual(['🧪', '#888888']);
  });

  it('without run, links and numbers is still one that Slack takes', () => {
    const links = { runbook: '', run: null, jaeger: null, langsmith: null };
    const body = bodyOf(outgoing({ run: null, numbers: {}, text: '', links, tenant_id: 0, tenant_name: null }));
    for (const { text } of textsOf(body)) expect(text).not.toBe('');
    expect(JSON.stringify(body)).toContain('this installation');
    expect(JSON.stringify(body)).not.toContain('Runbook');
  });

  it('with more numbers than Slack has fields says how many are left out', () => {
    const numbers = Object.fromEntries(Array.from({ length: 14 }, (_, index) => [`n_${index}`, index]));
    const fields = bodyOf(outgoing({ numbers })).attachments[0].blocks[1].fields;
    expect(fields).toHaveLength(10);
    expect(fields[9].text).toBe('*more*\n5 more numbers');
  });
});

describe('a digest', () => {
  const many = [
    ...Array.from({ length: 12 }, (_, index) =>
      outgoing({ tenant_name: `t${index}`, event_at: `2026-11-22T02:${30 - index}:00.000Z` }, `${index}-1`),
    ),
    outgoing({ code: 'RF-07', rule: 'run_failed', severity: 'page', title: 'RF-07 run failed' }, '7-50'),
    outgoing(
      { code: 'CC-05', rule: 'candidates_low', event: 'resolved', severity: 'page', title: 'CC-05 resolved' },
      '7-60',
    ),
  ];

  it('lists every message with tenant and link, what pages first, then by code and time', () => {
    const body = bodyOf(...many);
    expect(body.blocks[0].text.text).toBe('🔴 13 alerts, 1 resolved (1 page)');
    const lines = textsOf(body.attachments)
      .map(({ text }) => text)
      .join('\n')
      .split('\n');
    expect(lines[0]).toBe('*RF-07* run failed');
    expect(lines[2]).toBe('*CC-05* candidates low');
    expect(lines[4]).toBe('*CR-02* crawl error rate');
    expect(lines).toHaveLength(many.length + 3);
    expect(lines[5]).toContain('tenant t11');
    expect(lines[5]).toContain('<https://runledger.example.org/ui/runs/7/4711|run>');
  });

  it('of 30 of the longest messages keeps within what Slack takes in one', () => {
    const long = '&'.repeat(3_000);
    const list = Array.from({ length: 30 }, (_, index) =>
      outgoing({ code: `C${index}`, rule: long, title: long, text: long, tenant_name: long }, `7-${index}`),
    );
    const body = bodyOf(...list);
    const blocks = body.attachments[0].blocks;
    expect(blocks.length).toBeLessThanOrEqual(50);
    for (const { text } of textsOf(blocks)) expect(text.length).toBeLessThanOrEqual(3_000);
    expect(JSON.stringify(blocks).length).toBeLessThan(14_000);
    for (let index = 0; index < 30; index++) expect(JSON.stringify(body)).toContain(`*C${index}*`);
  });
});

describe('what Slack answers', () => {
  const { believes } = compose({ deliveryId: '7-1', message: alertMessage() });
  it.each(['ok', 'ok\n', '', '{"ok":true}', '{"success":true}'])('%j is taken for a yes', (answer) => {
    expect(believes?.(answer)).toBe(true);
  });
  it.each([
    'no_service',
    'invalid_payload',
    '{"ok":false,"error":"x"}',
    '{"error":"x"}',
    '<html>Sign in',
    '[',
    'null',
    '7',
  ])('%j is not, whatever its status', (answer) => {
    expect(believes?.(answer)).toBe(false);
  });
});
