/**
 * The server's settings, each with its reason, for a machine of two cores whose load is a steady stream of small write
 * transactions. They go to runledger.conf in the cluster; what an operator sets with ALTER SYSTEM wins over them. What
 * safety rests on (who may connect, from where) is on the command line instead and cannot be changed by a file.
 */
import { totalmem } from 'node:os';

const mebibyte = 1024 * 1024;

/** Memory that this process may use, in bytes: the container's limit where there is one. */
function memoryBytes(): number {
  const limit = process.constrainedMemory();
  return limit > 0 && limit < totalmem() ? limit : totalmem();
}

/** Settings of runledger.conf. `overrides` win; names and values are PostgreSQL's. */
export function serverSettings(
  overrides: Record<string, string> = {},
  bytes: number = memoryBytes(),
): Record<string, string> {
  const eighthMiB = Math.floor(bytes / 8 / mebibyte);
  return {
    // Room for the receiver, its API and jobs, and a few people with a BI tool.
    max_connections: '100',
    // An eighth of the memory keeps the hot counters and today's partition in reach and leaves the rest to the file cache and Node.
    shared_buffers: `${Math.min(Math.max(eighthMiB, 64), 1024)}MB`,
    // What the planner may expect to be cached, in both caches together.
    effective_cache_size: `${Math.max(eighthMiB * 4, 256)}MB`,
    // A sort or hash of one run's events stays in memory; a hundred connections rarely sort at once.
    work_mem: '16MB',
    // Vacuum and index builds of a day's partition in one pass.
    maintenance_work_mem: '128MB',
    // An acknowledged span is on disk. These three are PostgreSQL's defaults, stated because the product's promise rests on them.
    fsync: 'on',
    synchronous_commit: 'on',
    full_page_writes: 'on',
    // Checkpoints by time, not by volume: at full rate the default of 1 GB forces one every minute or so, and after each of them
    // every page is written to the WAL whole again. The price is at most 2 GB of disk and some seconds of replay after a crash.
    max_wal_size: '2GB',
    min_wal_size: '256MB',
    checkpoint_timeout: '10min',
    // Spreads a checkpoint's writes, so that commits beside it do not stall.
    checkpoint_completion_target: '0.9',
    // The build has no lz4. Its pglz made a fifth of the WAL after a checkpoint in a trial, but takes the time of cores that the writes
    // need, and with checkpoints ten minutes apart whole pages are rare in the WAL.
    wal_compression: 'off',
    // One log file's worth of WAL in memory, so that a group of rows does not wait for room.
    wal_buffers: '16MB',
    // Writers that meet in opposite order are told after 0.2 s instead of 1 s, and the loser's group is retried.
    deadlock_timeout: '200ms',
    // Laptops and servers have solid state disks, where a random page costs little more than the next one.
    random_page_cost: '1.1',
    // All queries are short; compiling one costs more than it saves.
    jit: 'off',
    // Two cores: one helper per query at most, else a single report starves the writes.
    max_parallel_workers_per_gather: '1',
    max_parallel_workers: '2',
    // Counter rows are updated all the time: look for dead rows every 15 s and clean them without long pauses.
    autovacuum_naptime: '15s',
    autovacuum_vacuum_cost_limit: '1000',
    // A session that was left open inside a transaction would hold back vacuum on every counter.
    idle_in_transaction_session_timeout: '10min',
    // All times in UTC, whatever the machine's zone.
    timezone: 'UTC',
    log_timezone: 'UTC',
    // Its own log, a file per weekday that the next week overwrites: it never grows without bound.
    logging_collector: 'on',
    log_directory: 'log',
    log_filename: 'postgres-%a.log',
    log_truncate_on_rotation: 'on',
    log_rotation_age: '1d',
    log_rotation_size: '0',
    // Statements, their values and the DETAIL of an error can hold personal data, which never reaches a log.
    log_min_error_statement: 'panic',
    log_error_verbosity: 'terse',
    log_parameter_max_length: '0',
    ...overrides,
  };
}

/** Command line of `postgres`, beyond its folder: who may connect is fixed here. */
export function serverArguments(cluster: string, port: number): string[] {
  return [
    '-D',
    cluster,
    '-p',
    String(port),
    '-c',
    'listen_addresses=127.0.0.1',
    // No socket file: none can be left behind, and the path of the folder may be of any length.
    '-c',
    'unix_socket_directories=',
  ];
}

/** The text of runledger.conf. */
export function renderSettings(settings: Record<string, string>): string {
  const lines = Object.entries(settings).map(([name, value]) => {
    if (!/^[a-z_]+(\.[a-z_]+)?$/.test(name)) throw new Error(`not a setting of PostgreSQL: ${name}`);
    if (/[\n\r\0]/.test(value)) throw new Error(`the setting ${name} holds a line break`);
    return `${name} = '${value.replaceAll("'", "''")}'`;
  });
  return [
    '# Written anew at each start. To change a setting, use ALTER SYSTEM: it wins over this file.',
    ...lines,
    '',
  ].join('\n');
}
