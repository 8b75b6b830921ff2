/** What the dashboard's sign-in answers. */

import { z } from 'zod';
import { id } from './shape_values.ts';

const offer = z.object({
  name: z.string().describe('Of the identity provider'),
  href: z.string().describe('Where the browser goes to sign in there; takes return_to and tenant'),
  trouble: z.string().nullable().describe('Why that does not work at the moment'),
});
export type SignInOffer = z.infer<typeof offer>;

const version = z.string().describe('Of the receiver');
const oidc = offer.nullable().describe('Sign-in beside tokens; null: there is none');

/** GET and POST /ui/session */
export const sessionState = z.discriminatedUnion('signed_in', [
  z.object({ signed_in: z.literal(false), oidc, version }),
  z.object({
    signed_in: z.literal(true),
    kind: z.enum(['tenant', 'admin']),
    tenant_id: id.nullable(),
    can_review: z.boolean().describe('May judge samples and acknowledge alerts'),
    person: z.string().nullable().describe('Who signed in at the identity provider; null: a token did'),
    oidc,
    version,
  }),
]);
export type SessionState = z.infer<typeof sessionState>;

/** DELETE /ui/session, where the browser may go on to sign out at the identity provider too; else there is no answer. */
export const signedOut = z.object({ continue_at: z.string() });
export type SignedOut = z.infer<typeof signedOut>;

/** Why somebody came back from the identity provider without being signed in: ?trouble= of the sign-in page. */
export type SignInTrouble =
  | 'away'
  | 'busy'
  | 'choose'
  | 'denied'
  | 'elsewhere'
  | 'no_access'
  | 'no_claim'
  | 'no_tenant'
  | 'not_believed'
  | 'unverified_email';
