/** Which kind of channel writes its requests how. */

import { composeAlertmanager } from './alertmanager.ts';
import type { PostRequest } from './post.ts';
import type { ChannelKind, Compose, ComposeSettings, Outgoing } from './request.ts';
import { composeSlack } from './slack.ts';
import { composeWebhook } from './webhook.ts';

const COMPOSERS: Readonly<Record<ChannelKind, Compose>> = {
  slack: composeSlack,
  webhook: composeWebhook,
  alertmanager: composeAlertmanager,
};

export function composeRequest(
  channel: { kind: ChannelKind; allowPrivate: boolean },
  outgoing: readonly Outgoing[],
  settings: ComposeSettings,
): PostRequest {
  const { url = settings.url, ...composed } = COMPOSERS[channel.kind](outgoing, settings);
  return { ...composed, url, allowPrivate: channel.allowPrivate };
}
