/** The review itself: one item with its facts, the checklist under the number keys, and the judgements under p and f. */

import { useRef, useState } from 'preact/hooks';
import type { QaPage, QaSample } from '../../receiver/serve/shape_qa.ts';
import { formatPercent, plural, spaced } from '../format.ts';
import { useKeys } from '../keys.ts';
import { focusName, NameField } from '../parts/name_field.tsx';
import { Empty } from '../parts/states.tsx';
import { Status } from '../parts/status.tsx';
import { useReviewer } from '../reviewer.ts';
import { hrefOf } from '../router.ts';
import { type Review, useReview } from './review.ts';
import { SampleFacts } from './sample_facts.tsx';

interface QueueProps {
  path: string;
  first: QaPage;
  canReview: boolean;
  showsTenant: boolean;
}

export function Queue({ path, first, canReview, showsTenant }: QueueProps) {
  const [name, setName] = useReviewer();
  const [isMissing, setMissing] = useState(false);
  const review = useReview(path, first, name);
  const noteField = useRef<HTMLTextAreaElement>(null);
  const { current, index } = review;
  const checks = Object.keys(current?.checks ?? {});

  const judge = (result: 'pass' | 'fail') => {
    if (!canReview) return;
    if (name.trim() === '') {
      setMissing(true);
      focusName();
    } else review.judge(result);
  };
  useKeys({
    j: () => review.goTo(index + 1),
    k: () => review.goTo(index - 1),
    p: () => judge('pass'),
    f: () => judge('fail'),
    u: () => review.undo(),
    n: () => noteField.current?.focus(),
    ...Object.fromEntries(
      checks.slice(0, 9).map((check, at) => [String(at + 1), () => canReview && review.toggle(check)]),
    ),
  });

  return (
    <>
      <Progress review={review} />
      {review.trouble !== null && (
        <p class="note warn" role="alert">
          {review.trouble}
        </p>
      )}
      {current === null ? (
        <Done review={review} />
      ) : (
        <article class="sample" aria-label={`Sample ${current.item}`}>
          <div class="sample-main">
            <SampleHead sample={current} showsTenant={showsTenant} />
            <SampleFacts sample={current} />
          </div>
          <aside class="sample-side" aria-label="Judgement">
            <NameField name={name} onName={setName} isMissing={isMissing} />
            <Checklist sample={current} canReview={canReview} onToggle={review.toggle} />
            <label class="field">
              <span>
                Note <kbd>n</kbd>
              </span>
              <textarea
                ref={noteField}
                rows={3}
                maxLength={1000}
                disabled={!canReview}
                value={current.notes ?? ''}
                onInput={(event) => review.note(event.currentTarget.value)}
                onKeyDown={(event) => {
                  if (event.key === 'Escape') event.currentTarget.blur();
                }}
              />
            </label>
            <div class="judge">
              <button type="button" class="pass" disabled={!canReview} onClick={() => judge('pass')}>
                Pass <kbd>p</kbd>
              </button>
              <button type="button" class="fail" disabled={!canReview} onClick={() => judge('fail')}>
                Fail <kbd>f</kbd>
              </button>
            </div>
            <div class="judge">
              <button type="button" onClick={() => review.goTo(index - 1)} disabled={index === 0}>
                Back <kbd>k</kbd>
              </button>
              <button type="button" onClick={() => review.goTo(index + 1)}>
                Next <kbd>j</kbd>
              </button>
              <button type="button" onClick={review.undo} disabled={!review.canUndo}>
                Undo <kbd>u</kbd>
              </button>
            </div>
            {!canReview && <p class="faint">This token reads only; a tenant token needs the scope review.</p>}
          </aside>
        </article>
      )}
    </>
  );
}

function Progress({ review }: { review: Review }) {
  const { reviewed, total, passed, failed, pass_rate } = review.progress;
  return (
    <div class="qa-progress">
      <span>
        <strong>{reviewed}</strong> of {plural(total, 'sample')} reviewed
      </span>
      <svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
        <rect class="bar-all" width="100" height="4" />
        <rect class="bar-pass" width={total === 0 ? 0 : (100 * passed) / total} height="4" />
        <rect
          class="bar-fail"
          x={total === 0 ? 0 : (100 * passed) / total}
          width={total === 0 ? 0 : (100 * failed) / total}
          height="4"
        />
      </svg>
      <span>
        pass rate <strong>{formatPercent(pass_rate)}</strong>
        <span class="faint">
          {' '}
          {passed} pass, {failed} fail
        </span>
      </span>
    </div>
  );
}

function SampleHead({ sample, showsTenant }: { sample: QaSample; showsTenant: boolean }) {
  const { run } = sample;
  return (
    <header>
      <h2 class="sample-name">
        {sample.item} <Status status={sample.result} />
      </h2>
      <p class="faint">
        bucket {sample.bucket}
        {showsTenant && ` · ${sample.tenant_name ?? `tenant ${sample.tenant_id}`}`}
        {' · '}
        <a href={hrefOf(['runs', sample.tenant_id, sample.run_id])}>{run?.run_key ?? `run ${sample.run_id}`}</a>
        {sample.reviewer !== null && ` · reviewed by ${sample.reviewer}`}
      </p>
    </header>
  );
}

interface ChecklistProps {
  sample: QaSample;
  canReview: boolean;
  onToggle: (check: string) => void;
}

function Checklist({ sample, canReview, onToggle }: ChecklistProps) {
  const checks = Object.keys(sample.checks);
  if (checks.length === 0) return null;
  return (
    <fieldset class="checklist" disabled={!canReview}>
      <legend>Checklist</legend>
      {checks.map((check, at) => (
        <label key={check}>
          <input type="checkbox" checked={sample.checks[check] === true} onChange={() => onToggle(check)} />
          <span>{spaced(check)}</span>
          {at < 9 && <kbd>{at + 1}</kbd>}
        </label>
      ))}
    </fieldset>
  );
}

function Done({ review }: { review: Review }) {
  return (
    <Empty title={review.queue.length === 0 ? 'Nothing to review' : 'That was the last one'}>
      <p>
        {review.queue.length === 0
          ? 'Samples are drawn when a run ends: up to ten items of its bucket High. An item says its bucket with item.bucket of the SDK, or runledger.item.bucket.'
          : 'k goes back, u takes the last judgement back. New samples come with the next run.'}
      </p>
    </Empty>
  );
}
