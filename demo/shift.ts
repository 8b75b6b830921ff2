/** One tenant's night at work: what its stages share, and how they go through companies, a few at a time. */

import { type Item, item, type Run } from '../sdk/index.ts';
import type { Company, DemoTenant } from './companies.ts';
import { VendorError } from './http.ts';
import type { Outcome, RunTally } from './tally.ts';

/** A company on its way through the stages. */
export interface Prospect extends Company {
  /** Text of its site, or what a search found instead. */
  about: string | null;
  emails: string[];
  verifiedEmails: number;
  score: number | null;
}

export interface Shift {
  run: Run;
  tenant: DemoTenant;
  vendorsUrl: string;
  account: string;
  tally: RunTally;
  /** Vendors whose credit ran out tonight: nobody asks them again. */
  outOfCredit: Set<string>;
  signal: AbortSignal;
  onProgress(progress: StageProgress): void;
}

export interface StageProgress {
  stage: string;
  done: number;
  /** 0 where the stage does not count. */
  total: number;
  errors: number;
}

/**
 * Works on each prospect as one item of the stage that is current.
 * @param work throws VendorError for a prospect that fails; other errors are faults of the pipeline and end the stage
 */
export async function eachItem(
  shift: Shift,
  stageName: string,
  prospects: readonly Prospect[],
  atOnce: number,
  work: (prospect: Prospect, item: Item) => Promise<Outcome>,
): Promise<void> {
  const units = shift.tally.stage(stageName);
  const report = () =>
    shift.onProgress({ stage: stageName, done: units.total, total: prospects.length, errors: units.error });
  report();
  await inParallel(prospects, atOnce, async (prospect) => {
    shift.signal.throwIfAborted();
    shift.tally.items++;
    const outcome = await item(prospect.id, (item) => work(prospect, item)).catch((error: unknown): Outcome => {
      if (error instanceof VendorError) return 'bad';
      throw error;
    });
    shift.tally.unit(stageName, outcome);
    report();
  });
}

export async function inParallel<T>(
  things: readonly T[],
  atOnce: number,
  work: (thing: T) => Promise<void>,
): Promise<void> {
  const queue = things.values();
  const worker = async () => {
    for (const thing of queue) await work(thing);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, things.length) }, worker));
}
