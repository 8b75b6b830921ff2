/** What the kinds of channels have in common: messages in, one HTTP request out. */

import type { AlertMessage } from '../alerts/finding.ts';

export type ChannelKind = 'slack' | 'webhook' | 'alertmanager';

/** A message with the id that stays the same however often it is sent, so that the other side can drop repeats. */
export interface Outgoing {
  /** `<tenant>-<delivery>`. */
  deliveryId: string;
  message: AlertMessage;
}

/** One post: a message by itself, or a digest of several, which are in the order in which they are listed. */
export interface Composed {
  body: string;
  headers: Record<string, string>;
  /** Where to post when it is not the channel's URL itself. */
  url?: string;
  /** See PostRequest. */
  believes?(answer: string): boolean;
}

export type Compose = (outgoing: readonly Outgoing[], settings: ComposeSettings) => Composed;

export interface ComposeSettings {
  url: string;
  /** null: none. */
  secret: string | null;
  now: Date;
  /** Alertmanager: messages of alerts that are still open and were told before. */
  standing: readonly AlertMessage[];
}
