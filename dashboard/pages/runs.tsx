/** The first page: what happened last night, one line a pipeline with trouble first, and below it every run, newest first. */

import type { PageProps } from '../page.ts';
import { LastNight } from '../runs/last_night.tsx';
import { RunList } from '../runs/run_list.tsx';

export function RunsPage({ place, session }: PageProps) {
  return (
    <>
      <LastNight tenant={place.query.get('tenant')} showsTenant={session.kind === 'admin'} />
      <RunList query={place.query} session={session} />
    </>
  );
}
