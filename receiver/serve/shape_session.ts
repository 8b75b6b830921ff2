/** What the dashboard's sign-in answers. */

import { z } from 'zod';
import { id } from './shape_values.ts';

/** GET and POST /ui/session */
export const sessionState = z.discriminatedUnion('signed_in', [
  z.object({ signed_in: z.literal(false), version: z.string().describe('Of the receiver') }),
  z.object({
    signed_in: z.literal(true),
    kind: z.enum(['tenant', 'admin']),
    tenant_id: id.nullable(),
    can_review: z.boolean().describe('May judge samples and acknowledge alerts'),
    version: z.string(),
  }),
]);
export type SessionState = z.infer<typeof sessionState>;
