/** The stages of a run as lanes on one time axis, each with its numbers; a stage opens to how its durations spread, what failed in it and what was slow. */

import { Fragment } from 'preact';
import type { RunDetail, StageStats } from '../../receiver/serve/shape.ts';
import type { RunErrors, RunTimeline } from '../../receiver/serve/shape_events.ts';
import { plural } from '../format.ts';
import { useKeys } from '../keys.ts';
import { Empty } from '../parts/states.tsx';
import { Status } from '../parts/status.tsx';
import { Count, Duration, Money, Trouble } from '../parts/values.tsx';
import { setQuery } from '../router.ts';
import { AxisTicks, axisOf, Lane } from './lane.tsx';
import type { RunPlace } from './run_api.ts';
import { StageDetail } from './stage_detail.tsx';

interface StagesProps {
  at: RunPlace;
  run: RunDetail;
  stages: StageStats[];
  timeline: RunTimeline | null;
  errors: RunErrors | null;
  /** The stage that is open. */
  open: string | null;
}

const COLUMNS = 13;
/** What a percentile is taken over. */
const SAMPLE_NAMES: Record<string, string> = { item: 'item', vendor_call: 'call', stage: 'span' };

export function Stages({ at, run, stages: given, timeline, errors, open }: StagesProps) {
  const stages = [...given].sort((a, b) => startOf(a) - startOf(b));
  const index = stages.findIndex(({ stage }) => stage === open);
  const goTo = (to: number) => {
    const next = stages[Math.max(0, Math.min(stages.length - 1, to))];
    if (next !== undefined) setQuery({ stage: next.stage });
  };
  useKeys({ j: () => goTo(index + 1), k: () => goTo(index - 1), Escape: () => setQuery({ stage: null }) });
  if (stages.length === 0) {
    return (
      <Empty title={run.status === 'running' ? 'No stage has begun yet' : 'This run has no stages'}>
        <p>
          A stage is what <code>stage('crawl', work)</code> of the SDK says, or a span with <code>runledger.stage</code>
          .
        </p>
      </Empty>
    );
  }
  const axis = axisOf(stages, timeline, run);
  const lanes = new Map(timeline?.stages.map((lane) => [lane.stage, lane]));
  return (
    <>
      <div class="scroll">
        <table class="stages">
          <thead>
            <tr>
              <th scope="col">Stage</th>
              <th scope="col" class="lane-cell">
                <AxisTicks axis={axis} />
              </th>
              {['Took', 'Done', 'Errors', 'Retries', 'Fallbacks', 'p50', 'p95', 'p99', 'of', 'Tokens', 'Cost'].map(
                (name) => (
                  <th key={name} scope="col" class="num">
                    {name}
                  </th>
                ),
              )}
            </tr>
          </thead>
          <tbody>
            {stages.map((stage) => {
              const isOpen = stage.stage === open;
              return (
                <Fragment key={stage.stage}>
                  <tr class={isOpen ? 'open' : undefined}>
                    <StageCells
                      stage={stage}
                      isOpen={isOpen}
                      lane={
                        <Lane
                          stage={stage}
                          lane={lanes.get(stage.stage)}
                          timeline={timeline}
                          axis={axis}
                          isLive={run.status === 'running'}
                        />
                      }
                    />
                  </tr>
                  {isOpen && (
                    <tr class="detail">
                      <td colSpan={COLUMNS}>
                        <StageDetail at={at} stage={stage} errors={errors} />
                      </td>
                    </tr>
                  )}
                </Fragment>
              );
            })}
          </tbody>
        </table>
      </div>
      <p class="legend faint">
        <span class="swatch ok" /> finished <span class="swatch error" /> failed <span class="swatch skip" /> skipped{' '}
        <span class="swatch wait" /> waiting for vendors
      </p>
    </>
  );
}

const startOf = ({ started_at }: StageStats) =>
  started_at === null ? Number.POSITIVE_INFINITY : Date.parse(started_at);

interface CellsProps {
  stage: StageStats;
  isOpen: boolean;
  lane: preact.JSX.Element;
}

function StageCells({ stage, isOpen, lane }: CellsProps) {
  const { duration_class: over, duration_samples: samples } = stage;
  const why = samples === 0 ? 'no durations yet' : 'not computed yet';
  return (
    <>
      <th scope="row">
        <button
          type="button"
          class="stage-button"
          aria-expanded={isOpen}
          onClick={() => setQuery({ stage: isOpen ? null : stage.stage })}
        >
          <span class="stage-mark">
            <Status status={stage.status} />
          </span>
          {stage.stage}
        </button>
      </th>
      <td class="lane-cell">{lane}</td>
      <td class="num">
        {stage.ended_at === null && stage.duration_ms === 0 ? (
          <span class="faint">at work</span>
        ) : (
          <Duration ms={stage.duration_ms} />
        )}
      </td>
      <td class="num">
        <Count value={stage.count_success} />
        <span class="faint"> / </span>
        <Count value={stage.count_total} />
      </td>
      <td class="num">
        <Trouble value={stage.count_error} />
      </td>
      <td class="num">
        {stage.retry_count === 0 ? <span class="faint">0</span> : <Count value={stage.retry_count} />}
      </td>
      <td class="num">
        {stage.fallback_count === 0 ? <span class="faint">0</span> : <Count value={stage.fallback_count} />}
      </td>
      <td class="num">
        <Duration ms={stage.p50_ms} missing={why} />
      </td>
      <td class="num">
        <Duration ms={stage.p95_ms} missing={why} />
      </td>
      <td class="num">
        <Duration ms={stage.p99_ms} missing={why} />
      </td>
      <td class="num faint">{samples === 0 ? '' : plural(samples, SAMPLE_NAMES[over ?? ''] ?? 'duration')}</td>
      <td class="num">
        {stage.tokens_input + stage.tokens_output === 0 ? (
          <span class="faint">0</span>
        ) : (
          <Count value={stage.tokens_input + stage.tokens_output} />
        )}
      </td>
      <td class="num">
        <Money usd={stage.cost_usd} complete={stage.cost_complete} />
      </td>
    </>
  );
}
