/** One runbook, as an alert shows it beside its numbers and as a page of its own. */

import { useApi } from '../api.ts';
import { hrefOf } from '../router.ts';
import { Markdown } from './markdown.tsx';
import { Empty, Show } from './states.tsx';

/** What to do about the alerts of one code. */
export function Runbook({ code }: { code: string }) {
  const loaded = useApi<string>(`/runbooks/${encodeURIComponent(code)}`, { as: 'text' });
  return (
    <section class="runbook" aria-label="Runbook">
      {loaded.error?.status === 404 ? (
        <Empty title={`There is no runbook ${code}`}>
          <p>
            <a href={hrefOf(['runbooks'])}>All runbooks</a>
          </p>
        </Empty>
      ) : (
        <Show of={loaded} name="the runbook" lines={10}>
          {(text) => <Markdown text={text} />}
        </Show>
      )}
    </section>
  );
}
