/** Sign-in at the identity provider: the way there, and why somebody came back from it without being signed in. */

import type { SessionState, SignInTrouble } from '../../receiver/serve/shape_session.ts';
import { apiPath } from '../api.ts';

type Offer = NonNullable<SessionState['oidc']>;

const AGAIN = 'You can sign in with a token meanwhile.';

const WORDS: Record<SignInTrouble, (name: string) => string> = {
  away: (name) => `${name} does not answer at the moment. ${AGAIN}`,
  busy: () => 'Many people sign in at this moment; try again in a few seconds.',
  choose: () => 'You may see several tenants. Which one is it now?',
  denied: (name) => `${name} did not let you in. Whoever administers it can say why.`,
  elsewhere: () => 'This sign-in was begun in another browser, or more than ten minutes ago. Begin it again here.',
  no_access: (name) =>
    `${name} knows you, but nobody has given you access to this ledger. Ask its operators to add a group of yours (RUNLEDGER_OIDC_TENANTS, RUNLEDGER_OIDC_ADMIN).`,
  no_claim: (name) =>
    `${name} knows you, but does not say which groups you are in, so that nothing can be shown to you. The ledger's operators must have it send them (RUNLEDGER_OIDC_CLAIM).`,
  no_tenant: () =>
    "Your access is to a tenant that is not registered here, or is disabled. Ask the ledger's operators.",
  not_believed: (name) => `What ${name} answered did not pass the checks; the ledger's log says which. ${AGAIN}`,
  unverified_email: (name) =>
    `${name} has not verified your e-mail address, so that it says nothing about who you are.`,
};

interface ProviderSignInProps {
  offer: Offer;
  returnTo: string;
  /** Of the address: one of the words that the receiver sends people back with, or anything that somebody wrote there. */
  trouble: string | null;
  tenants: readonly string[];
}

export function ProviderSignIn({ offer, returnTo, trouble, tenants }: ProviderSignInProps) {
  const hrefTo = (tenant?: string) => apiPath(offer.href, { return_to: returnTo, tenant });
  const words = trouble !== null && Object.hasOwn(WORDS, trouble) ? WORDS[trouble as SignInTrouble](offer.name) : null;
  return (
    <section class="provider" aria-label={`Sign in with ${offer.name}`}>
      {words !== null && (
        <p class={trouble === 'choose' ? undefined : 'sign-in-trouble'} role="alert">
          {words}
        </p>
      )}
      {trouble === 'choose' && tenants.length > 0 ? (
        <p class="provider-tenants">
          {tenants.map((tenant) => (
            <a key={tenant} class="provider-button" href={hrefTo(tenant)}>
              Tenant {tenant}
            </a>
          ))}
        </p>
      ) : (
        <a class="provider-button" href={hrefTo()}>
          Sign in with {offer.name}
        </a>
      )}
      {words === null && offer.trouble !== null && (
        <p class="sign-in-trouble">
          {offer.name} cannot be used at the moment: {offer.trouble}. {AGAIN}
        </p>
      )}
    </section>
  );
}
