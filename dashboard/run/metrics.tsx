/** The business numbers that a run states. */

import type { RunMetrics } from '../../receiver/serve/shape.ts';
import { useApi } from '../api.ts';
import { formatExact, spaced } from '../format.ts';
import { Show } from '../parts/states.tsx';
import { type RunPlace, runPath } from './run_api.ts';

export function Metrics({ at, everyMs }: { at: RunPlace; everyMs: number }) {
  const loaded = useApi<RunMetrics>(runPath(at, 'metrics'), { everyMs });
  return (
    <section aria-labelledby="metrics">
      <h2 id="metrics">Business numbers</h2>
      <Show of={loaded} name="its metrics" lines={3}>
        {({ metrics }) => {
          const names = Object.keys(metrics).sort();
          if (names.length === 0) {
            return (
              <p class="faint">
                None stated. <code>run.metric('items_delivered', 24)</code> of the SDK states one.
              </p>
            );
          }
          return (
            <dl class="metrics">
              {names.map((name) => (
                <div key={name}>
                  <dt title={name}>{spaced(name)}</dt>
                  <dd>{formatExact(metrics[name] ?? 0)}</dd>
                </div>
              ))}
            </dl>
          );
        }}
      </Show>
    </section>
  );
}
