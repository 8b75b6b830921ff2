/** The state of a review: the queue, where one is in it, what was judged, and saving in the background, so that the next sample is there at once. */

import { useEffect, useRef, useState } from 'preact/hooks';
import type { QaPage, QaSample } from '../../receiver/serve/shape_qa.ts';
import { ApiError, change, readJson } from '../api.ts';

export interface Review {
  queue: QaSample[];
  index: number;
  current: QaSample | null;
  /** Of all samples that the filters leave, with what was judged here counted in. */
  progress: QaPage['progress'];
  trouble: string | null;
  canUndo: boolean;
  goTo(index: number): void;
  /** Judges the present sample and goes on. */
  judge(result: 'pass' | 'fail'): void;
  toggle(check: string): void;
  note(text: string): void;
  undo(): void;
}

export const keyOfSample = (sample: QaSample) => `${sample.tenant_id} ${sample.run_id} ${sample.company_id}`;

/** @param path of the first page; more pages follow as the end comes near */
export function useReview(path: string, first: QaPage, reviewer: string): Review {
  const [queue, setQueue] = useState(first.samples);
  const [index, setIndex] = useState(0);
  const [trouble, setTrouble] = useState<string | null>(null);
  const [undoable, setUndoable] = useState<QaSample[]>([]);
  const cursor = useRef(first.next_cursor);
  const isReading = useRef(false);

  useEffect(() => {
    if (index < queue.length - 5 || cursor.current === null || isReading.current) return;
    isReading.current = true;
    readJson<QaPage>(`${path}&cursor=${encodeURIComponent(cursor.current)}`)
      .then(
        (page) => {
          cursor.current = page.next_cursor;
          setQueue((old) => [...old, ...page.samples]);
        },
        (error: unknown) => setTrouble(wordsOf(error)),
      )
      .finally(() => {
        isReading.current = false;
      });
  }, [index, queue.length, path]);

  const current = queue[index] ?? null;
  const put = (sample: QaSample) =>
    setQueue((old) => old.map((one) => (keyOfSample(one) === keyOfSample(sample) ? sample : one)));

  /** Shown at once; when it cannot be saved, the sample is as it was, and one is taken back to it. */
  const save = (before: QaSample, after: QaSample) => {
    put(after);
    setTrouble(null);
    const address = `/qa/${before.run_id}/${before.company_id}?tenant=${before.tenant_id}`;
    const { result, notes, checks } = after;
    change<QaSample>('PATCH', address, { result, reviewer: reviewer.trim(), notes, checks }).then(
      (saved) => {
        if (saved !== null) put(saved);
      },
      (error: unknown) => {
        put(before);
        setIndex(queue.findIndex((one) => keyOfSample(one) === keyOfSample(before)));
        setTrouble(`${before.item} was not saved. ${wordsOf(error)}`);
      },
    );
  };

  return {
    queue,
    index,
    current,
    progress: progressOf(first, queue),
    trouble,
    canUndo: undoable.length > 0,
    goTo: (to) => setIndex(Math.max(0, Math.min(queue.length, to))),
    judge(result) {
      if (current === null) return;
      setUndoable([...undoable, current]);
      save(current, { ...current, result, reviewer: reviewer.trim(), reviewed_at: new Date().toISOString() });
      setIndex(index + 1);
    },
    toggle(check) {
      if (current === null) return;
      put({ ...current, checks: { ...current.checks, [check]: current.checks[check] !== true } });
    },
    note(text) {
      if (current !== null) put({ ...current, notes: text === '' ? null : text });
    },
    undo() {
      const last = undoable.at(-1);
      if (last === undefined) return;
      setUndoable(undoable.slice(0, -1));
      const at = queue.findIndex((one) => keyOfSample(one) === keyOfSample(last));
      setIndex(at);
      const judged = queue[at];
      if (judged !== undefined) save(judged, { ...last, result: last.result });
    },
  };
}

/** What the server counted, corrected by what changed here since. */
function progressOf({ progress, samples }: QaPage, queue: QaSample[]): QaPage['progress'] {
  const before = new Map(samples.map((sample) => [keyOfSample(sample), sample.result]));
  let { reviewed, passed, failed } = progress;
  for (const sample of queue) {
    const was = before.get(keyOfSample(sample)) ?? 'needs_review';
    if (was === sample.result) continue;
    reviewed += Number(sample.result !== 'needs_review') - Number(was !== 'needs_review');
    passed += Number(sample.result === 'pass') - Number(was === 'pass');
    failed += Number(sample.result === 'fail') - Number(was === 'fail');
  }
  return { ...progress, reviewed, passed, failed, pass_rate: reviewed === 0 ? null : passed / reviewed };
}

function wordsOf(error: unknown): string {
  return error instanceof ApiError ? error.message : 'The answer could not be read.';
}
