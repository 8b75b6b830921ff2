/** Runbooks: all of them, and one by its code, where links of alert messages lead. */

import type { RunbookList } from '../../receiver/serve/shape_alerts.ts';
import { useApi } from '../api.ts';
import type { PageProps } from '../page.ts';
import { Runbook } from '../parts/runbook.tsx';
import { Show } from '../parts/states.tsx';
import { hrefOf } from '../router.ts';

/** Nothing on it is a tenant's, so that it shows without a session too. */
export function RunbooksPage({ place }: Pick<PageProps, 'place'>) {
  const code = place.parts[1] ?? null;
  const list = useApi<RunbookList>('/runbooks');
  return (
    <>
      <h1>Runbooks</h1>
      <div class={code === null ? 'panes' : 'panes one-chosen'}>
        <nav class="pane-list" aria-label="Runbooks">
          <Show of={list} name="runbooks" lines={12}>
            {({ runbooks }) => (
              <ul class="runbook-list">
                {runbooks.map((one) => (
                  <li key={one.code} class={one.code === code ? 'at' : undefined}>
                    <a href={hrefOf(['runbooks', one.code])} aria-current={one.code === code ? 'page' : undefined}>
                      <span class="alert-code">{one.code}</span> {one.title}
                    </a>
                  </li>
                ))}
              </ul>
            )}
          </Show>
        </nav>
        {code !== null && (
          <div class="pane-detail">
            <a class="back" href={hrefOf(['runbooks'])}>
              All runbooks
            </a>
            <Runbook code={code} />
          </div>
        )}
      </div>
    </>
  );
}
