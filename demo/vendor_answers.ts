/**
 * What each vendor answers, in the shape in which the real one does: bodies with usage and credits, 429 with Retry-After, 402, 408, 500,
 * errors inside a 200, and sites that never answer. Every answer books itself when it is given.
 */

import { makeCompanies } from './companies.ts';
import { draw, drawLatencyMs } from './draw.ts';
import { isModel, type Model, SNAPSHOTS, tokensNanoUsd } from './prices.ts';
import { booksOf, nextSeed, type VendorAccount } from './vendor_accounts.ts';

export interface Answer {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
  delayMs: number;
}

/** The connection stays open and nothing comes; or it breaks. */
export type NoAnswer = 'silence' | 'break';

export type Answerer = (account: VendorAccount, path: string, body: Record<string, unknown>) => Answer | NoAnswer;

export const ANSWERERS: Record<string, Answerer> = {
  warehouse: answerWarehouse,
  sites: answerSite,
  tavily: answerTavily,
  lusha: answerLusha,
  apify: answerApify,
  zerobounce: answerZerobounce,
  openai: answerOpenai,
  odoo: answerOdoo,
};

function answerWarehouse(account: VendorAccount, path: string): Answer {
  if (path === 'refresh') return { status: 200, body: { refreshed: true }, delayMs: 350 };
  return { status: 200, body: { candidates: makeCompanies(account.tenant, account.companies) }, delayMs: 60 };
}

function answerSite(account: VendorAccount, domain: string): Answer | NoAnswer {
  const seed = nextSeed(account, `site ${domain}`);
  const delayMs = drawLatencyMs(25, 260, `${seed} delay`);
  if (draw(`${seed} robots`) < 0.05) return { status: 403, body: 'User-agent: *\nDisallow: /', delayMs };
  const fate = draw(seed) / account.weather.deadSites;
  if (fate < 0.12) return 'silence';
  if (fate < 0.4) return 'break';
  if (fate < 1) return { status: fate < 0.7 ? 500 : 503, body: 'Something went wrong', delayMs };
  return { status: 200, body: `About ${domain}: ${'we make things that last. '.repeat(8)}`, delayMs };
}

function answerTavily(account: VendorAccount, _path: string, { query }: Record<string, unknown>): Answer {
  const books = booksOf(account, 'tavily');
  const seed = nextSeed(account, `tavily ${String(query)}`);
  if (draw(seed) < account.weather.tavilyBusy) {
    books.rateLimited++;
    const body = { detail: { error: 'Your request has been blocked due to excessive requests.' } };
    return { status: 429, body, headers: { 'retry-after': '1' }, delayMs: 15 };
  }
  books.credits++;
  const results = [
    { title: String(query), url: `https://${String(query)}`, content: 'Makers since 1952.', score: 0.87 },
  ];
  return {
    status: 200,
    body: { query, results, usage: { credits: 1 } },
    delayMs: drawLatencyMs(60, 320, `${seed} delay`),
  };
}

function answerLusha(account: VendorAccount, domain: string): Answer {
  const books = booksOf(account, 'lusha');
  const seed = nextSeed(account, `lusha ${domain}`);
  if (books.credits >= account.weather.lushaCredits) {
    books.outOfCredit++;
    return { status: 402, body: { message: 'No credits left', errors: { code: 'PAYMENT_REQUIRED' } }, delayMs: 20 };
  }
  if (draw(`${seed} busy`) < 0.03) {
    books.rateLimited++;
    return { status: 429, body: { message: 'Rate limit' }, headers: { 'retry-after': '1' }, delayMs: 10 };
  }
  const delayMs = drawLatencyMs(40, 240, `${seed} delay`);
  if (draw(seed) < 0.25) return { status: 200, body: { contact: null, creditCharged: false }, delayMs };
  books.credits++;
  const contact = {
    jobTitle: 'Purchasing',
    emailAddresses: [{ email: `purchasing@${domain}` }, { email: `info@${domain}` }],
  };
  return { status: 200, body: { contact, creditCharged: true }, delayMs };
}

function answerApify(account: VendorAccount, domain: string): Answer {
  const seed = nextSeed(account, `apify ${domain}`);
  const delayMs = drawLatencyMs(90, 420, `${seed} delay`);
  if (draw(seed) < 0.05) {
    return { status: 408, body: { error: { type: 'run-timeout-exceeded', message: 'Run timed out' } }, delayMs };
  }
  booksOf(account, 'apify_linkedin').credits++;
  return { status: 201, body: [{ url: `https://linkedin.example/${domain}`, followers: 1200 }], delayMs };
}

/** A batch goes through even where single addresses cannot be checked; those are listed as errors and not charged. */
function answerZerobounce(account: VendorAccount, _path: string, body: Record<string, unknown>): Answer {
  const addresses = (body.email_batch as { email_address: string }[]).map((entry) => entry.email_address);
  const statusOf = (address: string) => {
    const luck = draw(`zerobounce ${address}`);
    return luck < 0.03 ? 'error' : luck < 0.65 ? 'valid' : luck < 0.85 ? 'catch-all' : 'invalid';
  };
  const checked = addresses.filter((address) => statusOf(address) !== 'error');
  booksOf(account, 'zerobounce').credits += checked.length;
  return {
    status: 200,
    body: {
      email_batch: checked.map((address) => ({ address, status: statusOf(address) })),
      errors: addresses
        .filter((address) => statusOf(address) === 'error')
        .map((address) => ({ email_address: address, error: 'Unable to reach the mail server' })),
    },
    delayMs: 80 + 3 * addresses.length,
  };
}

function answerOpenai(account: VendorAccount, _path: string, body: Record<string, unknown>): Answer {
  const books = booksOf(account, 'openai');
  const prompt = JSON.stringify(body.messages);
  const seed = nextSeed(account, `openai ${prompt}`);
  if (books.credits >= account.weather.openaiCompletions) {
    books.rateLimited++;
    books.outOfCredit++;
    const message = 'You exceeded your current quota, please check your plan and billing details.';
    const error = { message, type: 'insufficient_quota', param: null, code: 'insufficient_quota' };
    return { status: 429, body: { error }, delayMs: 30 };
  }
  const model = isModel(body.model) ? body.model : 'gpt-4o-mini';
  const luck = draw(seed);
  if (luck < 0.08) {
    books.rateLimited++;
    const error = { message: `Rate limit reached for ${model}`, type: 'requests', code: 'rate_limit_exceeded' };
    return { status: 429, body: { error }, headers: { 'retry-after': '1', 'retry-after-ms': '180' }, delayMs: 15 };
  }
  if (luck < 0.1)
    return { status: 500, body: { error: { message: 'The server had an error', type: 'server_error' } }, delayMs: 60 };
  return complete(account, model, prompt, seed);
}

function complete(account: VendorAccount, model: Model, prompt: string, seed: string): Answer {
  const luck = draw(`${seed} score`);
  const bucket = luck < 0.25 ? 'High' : luck < 0.65 ? 'Medium' : 'Low';
  const rationale = 'Signals: size, region, product fit. '.repeat(1 + Math.floor(3 * draw(`${seed} length`)));
  const content = JSON.stringify({ bucket, score: Math.round(100 * (1 - luck)), rationale });
  const usage = {
    prompt_tokens: 220 + Math.ceil(prompt.length / 4),
    completion_tokens: 12 + Math.ceil(content.length / 4),
  };
  const books = booksOf(account, 'openai');
  books.credits++;
  books.tokensInput += usage.prompt_tokens;
  books.tokensOutput += usage.completion_tokens;
  books.tokensNanoUsd += tokensNanoUsd(model, usage.prompt_tokens, usage.completion_tokens);
  return {
    status: 200,
    body: {
      object: 'chat.completion',
      model: SNAPSHOTS[model],
      choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
      usage: { ...usage, total_tokens: usage.prompt_tokens + usage.completion_tokens },
    },
    delayMs: drawLatencyMs(110, 700, `${seed} delay`),
  };
}

/** Odoo says no inside a 200. */
function answerOdoo(account: VendorAccount, _path: string, body: Record<string, unknown>): Answer {
  const record = (body.params as { record: { domain: string; x_score: number | null } }).record;
  const seed = nextSeed(account, `odoo ${record.domain}`);
  const delayMs = drawLatencyMs(20, 120, `${seed} delay`);
  if (draw(seed) < 0.03) return { status: 503, body: 'Service Unavailable', headers: { 'retry-after': '0' }, delayMs };
  if (record.x_score === null) {
    const data = { name: 'odoo.exceptions.ValidationError', message: 'Missing required value for the field x_score' };
    const error = { code: 200, message: 'Odoo Server Error', data };
    return { status: 200, body: { jsonrpc: '2.0', id: body.id, error }, delayMs };
  }
  return { status: 200, body: { jsonrpc: '2.0', id: body.id, result: 4_000 + record.domain.length }, delayMs };
}
