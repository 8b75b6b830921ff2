/** What every page is given. */

import type { SessionState } from '../receiver/serve/shape_session.ts';
import type { Place } from './router.ts';

export type SignedInState = Extract<SessionState, { signed_in: true }>;

export interface PageProps {
  place: Place;
  session: SignedInState;
}
