/** SLACK_WEBHOOK_URL and the channel that it stands for, brought together at start. */

import type pg from 'pg';
import { StartError } from '../../listen.ts';
import { InvalidRequestError } from '../../store/tokens.ts';
import type { JobLog } from '../job_log.ts';
import { setEnvironmentChannel } from './channels.ts';

/**
 * Makes, changes or removes channel `slack` of all tenants.
 * @param operators speaks as runledger_operator
 * @throws StartError for a URL that no channel may have; the database's error
 */
export async function ensureEnvironmentChannel(operators: pg.Pool, url: string | null, log: JobLog): Promise<void> {
  try {
    const outcome = await setEnvironmentChannel(operators, url);
    if (outcome === 'kept')
      log.warn(
        { channel: 'slack' },
        'SLACK_WEBHOOK_URL is not used: a channel slack was made by hand. Remove it (runledger channel remove slack) or unset the variable',
      );
    else if (outcome === 'removed') log.info({ channel: 'slack' }, 'channel removed, SLACK_WEBHOOK_URL is not set');
  } catch (cause) {
    if (!(cause instanceof InvalidRequestError)) throw cause;
    throw new StartError(`SLACK_WEBHOOK_URL cannot be used. ${cause.message}`, { cause });
  }
}
