/** The second half of the night: which addresses are good, how well each company fits, and off to Odoo with it. */

import { stage } from '../sdk/index.ts';
import { askVendor } from './ask_vendor.ts';
import { VendorError } from './http.ts';
import { type Model, NANO_USD } from './prices.ts';
import { eachItem, inParallel, type Prospect, type Shift } from './shift.ts';
import { addMetric, setMetric } from './stages_find.ts';

const ADDRESSES_PER_BATCH = 25;
/** A stage of which more than half fails is stated as failed. */
const FAILED_SHARE = 0.5;

interface Verdicts {
  email_batch: { address: string; status: string }[];
  errors: { email_address: string }[];
}

/** ZeroBounce takes addresses by the batch: one call of ours stands for many of theirs, some of which may fail. */
export function verifyEmails(shift: Shift, prospects: Prospect[]): Promise<void> {
  const owner = new Map(prospects.flatMap((prospect) => prospect.emails.map((address) => [address, prospect])));
  const addresses = [...owner.keys()];
  const batches: string[][] = [];
  while (addresses.length > 0) batches.push(addresses.splice(0, ADDRESSES_PER_BATCH));
  return stage('verify_emails', async (stage) => {
    const units = shift.tally.stage('verify_emails');
    await inParallel(batches, 2, async (batch) => {
      shift.onProgress({ stage: 'verify_emails', done: units.total, total: owner.size, errors: units.error });
      const { email_batch: checked, errors } = await verifyBatch(shift, batch);
      units.total += batch.length;
      units.success += checked.length;
      units.error += errors.length;
      const valid = checked.filter(({ status }) => status === 'valid');
      for (const { address } of valid) (owner.get(address) as Prospect).verifiedEmails++;
      addMetric(shift, 'emails_verified', valid.length);
    });
    stage.count({ total: units.total, success: units.success, error: units.error });
  });
}

async function verifyBatch(shift: Shift, batch: string[]): Promise<Verdicts> {
  const verdicts = await askVendor(shift, {
    stage: 'verify_emails',
    vendor: 'zerobounce',
    operation: 'validate',
    path: 'zerobounce/v2/validatebatch',
    body: { email_batch: batch.map((address) => ({ email_address: address })) },
    used: (json) => {
      const { email_batch: checked, errors } = json as Verdicts;
      const nanoUsd = checked.length * NANO_USD.zerobounceAddress;
      const failure = errors.length > 0 ? { errorCode: 'ADDRESS_NOT_CHECKED' } : {};
      return { calls: batch.length, errors: errors.length, nanoUsd, ...failure };
    },
  });
  return verdicts as Verdicts;
}

/** The larger the company, the more the answer may cost. */
const LARGE_EMPLOYEES = 300;
const SMALL_EMPLOYEES = 40;

/** Once the quota is gone the rest is not even asked; each company left without a score is a failed item. */
export function score(shift: Shift, prospects: Prospect[]): Promise<void> {
  return stage('score', { unit: 'items' }, async (stage) => {
    await eachItem(shift, 'score', prospects, 16, async (prospect, item) => {
      if (prospect.about === null) {
        item.skip('nothing is known of it');
        return 'skipped';
      }
      if (shift.outOfCredit.has('openai')) throw new VendorError('not asked: no quota', { code: 'NOT_ASKED_NO_QUOTA' });
      const { bucket, score } = await askModel(shift, prospect);
      prospect.score = score;
      item.bucket(bucket);
      return 'good';
    });
    const units = shift.tally.stage('score');
    if (units.error > units.total * FAILED_SHARE) {
      stage.fail('TOO_MANY_ERRORS');
      units.failed = true;
    }
  });
}

async function askModel(
  shift: Shift,
  { name, about, employees }: Prospect,
): Promise<{ bucket: string; score: number }> {
  const model: Model =
    employees >= LARGE_EMPLOYEES ? 'gpt-4o' : employees < SMALL_EMPLOYEES ? 'gpt-4.1-nano' : 'gpt-4o-mini';
  const content = `Company: ${name}, ${employees} people. About: ${about}. Answer {"bucket","score","rationale"}.`;
  const answer = (await askVendor(shift, {
    stage: 'score',
    vendor: 'openai',
    model,
    operation: 'chat',
    path: 'openai/v1/chat/completions',
    body: { model, messages: [{ role: 'user', content }] },
    used: (json) => {
      const answer = json as { usage: { prompt_tokens: number; completion_tokens: number }; model: string };
      const { prompt_tokens: tokensInput, completion_tokens: tokensOutput } = answer.usage;
      return { tokensInput, tokensOutput, model: answer.model };
    },
  })) as { choices: { message: { content: string } }[] };
  return JSON.parse(answer.choices[0]?.message.content ?? '{}');
}

/** Odoo insists on a score, so what was not scored cannot be delivered. */
export function exportToOdoo(shift: Shift, prospects: Prospect[]): Promise<void> {
  const known = prospects.filter((prospect) => prospect.about !== null);
  return stage('export_odoo', { unit: 'items' }, async () => {
    await eachItem(shift, 'export_odoo', known, 12, async ({ id, domain, score, verifiedEmails }) => {
      await askVendor(shift, {
        stage: 'export_odoo',
        vendor: 'odoo',
        operation: 'create',
        path: 'odoo/jsonrpc',
        body: {
          jsonrpc: '2.0',
          id,
          method: 'call',
          params: {
            model: 'crm.lead',
            method: 'create',
            record: { domain, x_score: score, x_verified: verifiedEmails },
          },
        },
        // Paid for by the seat: a call costs nothing more, which is known and not unknown.
        used: () => ({ nanoUsd: 0 }),
      });
      return 'good';
    });
    setMetric(shift, 'items_delivered', shift.tally.stage('export_odoo').success);
  });
}
