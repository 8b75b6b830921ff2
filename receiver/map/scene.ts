/** One span in its surroundings, as everything that makes rows of it sees it. */

import type { Span } from '../decode/shape.ts';
import type { Identity } from './identity.ts';
import type { SpanKind } from './kind.ts';
import type { Mapping } from './mapping.ts';
import type { View } from './view.ts';

/** What all rows of one span share. */
export interface SpanScene {
  readonly span: Span;
  readonly view: View;
  readonly mapping: Mapping;
  readonly identity: Identity;
  readonly kind: SpanKind;
  readonly startUs: number;
  readonly endUs: number;
  /** ts of every row but the start row: the end, else the start. */
  readonly tsUs: number;
  readonly stage: string;
}
