/** Which page an address means. */

import type { ComponentType } from 'preact';
import type { PageProps } from '../page.ts';
import { RunsPage } from './runs.tsx';

/** null: no page of ours */
export function pageOf(parts: readonly string[]): ComponentType<PageProps> | null {
  const [first = 'runs', ...rest] = parts;
  if (first === 'runs' && rest.length === 0) return RunsPage;
  return null;
}
