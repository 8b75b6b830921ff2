/**
 * `runledger/client`: the HTTP API as typed functions, for Node.js and whatever else has fetch. It takes nothing of the receiver but the
 * types of its answers, and needs no package.
 */

import { createChannels, createRules } from './alerting.ts';
import { createInstallation, createTenants, createTokens } from './installation.ts';
import { type ClientOptions, createSend } from './request.ts';
import { createAlerts, createQa, createRunbooks } from './reviews.ts';
import { createExports, createRuns } from './runs.ts';

export type * from './alerting.ts';
export { type ParameterFault, RunledgerError } from './error.ts';
export type * from './installation.ts';
export type { Paged, PageOptions } from './pages.ts';
export type { CallOptions, ClientOptions } from './request.ts';
export type * from './reviews.ts';
export type * from './runs.ts';

export type Client = ReturnType<typeof createClient>;

/**
 * All functions reject with RunledgerError when the receiver refuses or cannot be reached, and with the signal's reason when it is aborted.
 * A GET that is told 429 or 503 is tried again, after as long as the answer says.
 * @throws TypeError for an address or a token that cannot be one
 */
export function createClient(options: ClientOptions) {
  const send = createSend(options);
  return {
    ...createInstallation(send),
    runs: createRuns(send),
    exports: createExports(send),
    qa: createQa(send),
    alerts: createAlerts(send),
    runbooks: createRunbooks(send),
    channels: createChannels(send),
    rules: createRules(send),
    tokens: createTokens(send),
    tenants: createTenants(send),
  };
}
