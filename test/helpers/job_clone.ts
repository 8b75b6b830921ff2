/** A job on a database of its own: the copy of a template, and one run of the job there, with what ends its sessions at work. */
import pg, { type Pool } from 'pg';
import { JOBS, type JobDeps, type JobName } from '../../receiver/derive/jobs.ts';
import { ensurePartitions } from '../../receiver/store/partitions.ts';
import { createPool } from '../../receiver/store/pool.ts';
import { createWriter } from '../../receiver/write/writer.ts';
import { dropDatabase } from './database_admin.ts';
import { cloneDatabase, type Sink } from './job_scene.ts';

const DAYS_AHEAD = 40;
const DAY_MS = 86_400_000;

/**
 * On the server, because a job may take only as long as a question from here: waits until a session of the job is at work, then as long as given,
 * and ends all its sessions. True when one was at work then; null when none was, or none is any more.
 */
const KILL_AT_WORK = `
create function public.kill_at_work(delay_ms double precision) returns boolean language plpgsql as $$
declare
  until timestamptz := clock_timestamp() + interval '200 milliseconds';
  is_at_work boolean;
begin
  loop
    perform pg_stat_clear_snapshot();
    exit when exists (
      select from pg_stat_activity
      where datname = current_database() and application_name in ('runledger_owner', 'runledger_ingest') and state = 'active'
    );
    if clock_timestamp() > until then
      return null;
    end if;
    perform pg_sleep(0.0002);
  end loop;
  perform pg_sleep(delay_ms / 1000);
  perform pg_stat_clear_snapshot();
  select bool_or(s.state <> 'idle') into is_at_work
  from (
    select a.state, pg_terminate_backend(a.pid) from pg_stat_activity a
    where a.datname = current_database() and a.application_name in ('runledger_owner', 'runledger_ingest')
  ) s;
  return is_at_work;
end
$$`;

/** A copy of a template, for one trial. */
export interface Clone {
  url: string;
  superuser: Pool;
}

export async function onClone<T>(
  options: { serverUrl: string; template: string; sink: Sink },
  label: string,
  work: (clone: Clone) => Promise<T>,
): Promise<T> {
  const name = `${options.template}_${label}`;
  const url = await cloneDatabase(options.serverUrl, options.template, name);
  // Ids of messages are the same in every clone.
  options.sink.received.clear();
  const superuser = new pg.Pool({ connectionString: url, max: 2 });
  superuser.on('error', () => undefined);
  try {
    await superuser.query(KILL_AT_WORK);
    return await work({ url, superuser });
  } finally {
    await superuser.end();
    await dropDatabase(options.serverUrl, name);
  }
}

/** One run of the job in this process, on connections of its own. @throws what the job throws */
export async function runJob(
  { url }: Clone,
  job: JobName,
  onBegin: () => void | Promise<void> = () => undefined,
): Promise<object> {
  const pool = createPool({ databaseUrl: url, role: 'runledger_owner', maxConnections: 4 });
  const ingest = createPool({ databaseUrl: url, role: 'runledger_ingest', maxConnections: 2 });
  const quiet = () => undefined;
  try {
    const writer = await createWriter({ pool: ingest });
    try {
      const deps: JobDeps = {
        pool,
        log: { info: quiet, warn: quiet, error: quiet },
        writer,
        ensurePartitions: () => ensurePartitions(ingest, daysAhead()),
        eventRetentionDays: 30,
        qaRetentionDays: 90,
        links: { publicUrl: 'http://127.0.0.1:8080', jaegerUiUrl: null },
      };
      await onBegin();
      return await JOBS[job](deps);
    } finally {
      await writer.close();
    }
  } finally {
    await Promise.all([pool.end(), ingest.end()]);
  }
}

function daysAhead(): string[] {
  return Array.from({ length: DAYS_AHEAD }, (_, index) =>
    new Date(Date.now() + (index - 1) * DAY_MS).toISOString().slice(0, 10),
  );
}
