/**
 * One vendor call of the demo's pipeline: asks, waits and asks again where that can help, and states what was used, to the SDK and to the
 * demo's own count. However many tries it takes, it is one call.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { type Usage, type VendorCall, type VendorCallOptions, vendorCall } from '../sdk/index.ts';
import { errorOf, type Response, request, VendorError, waitMsOf } from './http.ts';
import { isModel, tokensNanoUsd, toUsd } from './prices.ts';
import type { Shift } from './shift.ts';
import { type CallTally, newCallTally } from './tally.ts';

const TRIES = 3;
/** Far above what the vendors need: only company sites are given up on. */
const TIMEOUT_MS = 15_000;
const MAY_PASS = new Set([429, 500, 502, 503]);

export interface Question extends VendorCallOptions {
  stage: string;
  vendor: string;
  path: string;
  body?: object;
  /** What a good answer used, read from its body. */
  used?(json: unknown): Used;
}

export interface Used {
  /** Calls and errors of a batch; a single question is one call. */
  calls?: number;
  errors?: number;
  /** Why some of a batch failed. */
  errorCode?: string;
  tokensInput?: number;
  tokensOutput?: number;
  model?: string;
  /** Where the price is the pipeline's to know. */
  nanoUsd?: number;
}

/** @returns the body of the good answer @throws VendorError */
export function askVendor(shift: Shift, question: Question): Promise<unknown> {
  const { stage, vendor, path, body, used, ...options } = question;
  return vendorCall(vendor, options, async (call) => {
    const own = newCallTally();
    own.calls = 1;
    own.model = question.model;
    try {
      const response = await askPatiently(shift, question, call, own);
      state(used?.(response.json) ?? {}, call, own);
      return response.json;
    } catch (error) {
      own.errors = own.calls;
      // None of the vendors charges for a no: that is a known price, and not an unknown one.
      call.usage({ costUsd: 0 });
      if (error instanceof VendorError) noteCredit(error, shift, vendor, own);
      throw error;
    } finally {
      shift.tally.call(stage, vendor, own);
    }
  });
}

async function askPatiently(shift: Shift, question: Question, call: VendorCall, own: CallTally): Promise<Response> {
  const { signal, account, vendorsUrl } = shift;
  const body = question.body === undefined ? {} : { body: question.body };
  for (let tries = 1; ; tries++) {
    const response = await request({
      url: `${vendorsUrl}/${question.path}`,
      account,
      signal,
      timeoutMs: TIMEOUT_MS,
      ...body,
    });
    if (response.status === 429) {
      call.rateLimited();
      own.rateLimitHits++;
    }
    const error = errorOf(response);
    if (error === null) return response;
    // What is used up tonight stays used up: trying again only costs time.
    if (!MAY_PASS.has(response.status) || error.code === 'insufficient_quota' || tries === TRIES) throw error;
    call.retry(`HTTP_${response.status}`);
    shift.tally.stage(question.stage).retries++;
    await sleep(waitMsOf(response), undefined, { signal });
  }
}

function state({ nanoUsd, errorCode, ...used }: Used, call: VendorCall, own: CallTally): void {
  const usage: Usage = { ...used };
  if (nanoUsd !== undefined) usage.costUsd = toUsd(nanoUsd);
  call.usage(usage);
  if (errorCode !== undefined) call.fail(errorCode);
  own.calls = used.calls ?? 1;
  own.errors = used.errors ?? 0;
  own.tokensInput = used.tokensInput ?? 0;
  own.tokensOutput = used.tokensOutput ?? 0;
  const priced = isModel(own.model) ? tokensNanoUsd(own.model, own.tokensInput, own.tokensOutput) : 0;
  own.nanoUsd = nanoUsd ?? priced;
}

function noteCredit(error: VendorError, shift: Shift, vendor: string, own: CallTally): void {
  if (error.status !== 402 && error.code !== 'insufficient_quota') return;
  own.quotaExhausted = true;
  shift.outOfCredit.add(vendor);
}
