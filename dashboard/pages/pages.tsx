/** Which page an address means. */

import type { ComponentType } from 'preact';
import type { PageProps } from '../page.ts';
import { AlertsPage } from './alerts.tsx';
import { IngestPage } from './ingest.tsx';
import { QaReviewPage } from './qa.tsx';
import { RunPage } from './run.tsx';
import { RunbooksPage } from './runbooks.tsx';
import { RunsPage } from './runs.tsx';
import { TrendsPage } from './trends.tsx';

/** null: no page of ours */
export function pageOf(parts: readonly string[]): ComponentType<PageProps> | null {
  const [first = 'runs', ...rest] = parts;
  if (first === 'runs' && rest.length === 0) return RunsPage;
  if (first === 'runs' && rest.length === 2) return RunPage;
  if (first === 'alerts' && rest.length <= 1) return AlertsPage;
  if (first === 'qa' && rest.length === 0) return QaReviewPage;
  if (first === 'ingest' && rest.length === 0) return IngestPage;
  if (first === 'trends' && rest.length === 0) return TrendsPage;
  if (first === 'runbooks' && rest.length <= 1) return RunbooksPage;
  return null;
}
