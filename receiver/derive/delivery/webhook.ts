/** A message as JSON with a signature over its bytes and the time, so that the other side can tell ours from anybody's and from a replay. */

import { createHmac } from 'node:crypto';
import { digestId, groupMessages } from './digest.ts';
import type { Compose, Composed } from './request.ts';

/**
 * One message: the AlertMessage with `delivery`. A digest: `{event: 'digest', event_at, delivery, messages: [...]}`, each message with its
 * own `delivery`. Headers: `runledger-delivery`, and `runledger-signature` where the channel has a secret.
 */
export const composeWebhook: Compose = (outgoing, { secret, now }) => {
  const [first] = outgoing;
  if (first !== undefined && outgoing.length === 1)
    return signed({ ...first.message, delivery: first.deliveryId }, first.deliveryId, secret, now);
  const delivery = digestId(outgoing);
  const messages = groupMessages(outgoing).flatMap(({ items }) =>
    items.map(({ deliveryId, message }) => ({ ...message, delivery: deliveryId })),
  );
  return signed({ event: 'digest', event_at: now.toISOString(), delivery, messages }, delivery, secret, now);
};

/** `t=<unix seconds>,v1=<hex HMAC-SHA-256 of "<t>.<body>">` */
export function signature(body: string, secret: string, now: Date): string {
  const seconds = Math.floor(now.getTime() / 1000);
  return `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`;
}

function signed(content: object, delivery: string, secret: string | null, now: Date): Composed {
  const body = JSON.stringify(content);
  return {
    body,
    headers: {
      'content-type': 'application/json',
      'runledger-delivery': delivery,
      ...(secret === null ? {} : { 'runledger-signature': signature(body, secret, now) }),
    },
  };
}
