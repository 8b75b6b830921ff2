/**
 * Looks at processes of this machine: is one alive, is it a server of our folder, and runs one program to its end. A bare
 * `kill(pid, 0)` is not enough here, because pids are reused (always, in a restarted container) and a zombie counts as alive.
 */
import { spawn } from 'node:child_process';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { type Account, runAs } from './account.ts';
import { errorCode } from './errors.ts';

/** A process for certain: `startTicks` tells a pid from its later reuse; null where the platform does not say. */
export interface ProcessMark {
  pid: number;
  startTicks: string | null;
}

/** Result of a program: `code` null when it could not be started, `failure` then holds the system's code (ENOENT, EACCES). */
export interface Outcome {
  code: number | null;
  failure: string | null;
  output: string;
}

// Nothing of our own environment reaches the server: PGDATA, PGPORT, PGOPTIONS or a locale of the caller would change what it does.
export const serverEnvironment = { LC_ALL: 'C', TZ: 'UTC', PATH: '/usr/local/bin:/usr/bin:/bin' };

const onLinux = process.platform === 'linux';

/** Runs a program to its end, with text for its standard input. Never rejects. */
export function run(file: string, args: string[], account: Account | null, input = ''): Promise<Outcome> {
  return new Promise((done) => {
    let output = '';
    const child = spawn(file, args, {
      cwd: '/',
      env: serverEnvironment,
      stdio: 'pipe',
      windowsHide: true,
      ...runAs(account),
    });
    const collect = (chunk: Buffer) => {
      // The end of a long output says why it failed; the beginning is only progress.
      output = (output + chunk.toString('utf8')).slice(-20_000);
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('error', (error: NodeJS.ErrnoException) =>
      done({ code: null, failure: error.code ?? error.message, output }),
    );
    child.on('close', (code) => done({ code: code ?? 1, failure: null, output }));
    // A program that ends before it reads its input breaks the pipe; its exit code already tells the story.
    child.stdin.on('error', () => child.stdin.destroy());
    child.stdin.end(input);
  });
}

export async function markOf(pid: number): Promise<ProcessMark> {
  return { pid, startTicks: (await readStat(pid))?.startTicks ?? null };
}

/** Whether the very process of the mark still runs. */
export async function isAlive(mark: ProcessMark): Promise<boolean> {
  if (!answersSignals(mark.pid)) return false;
  const now = await readStat(mark.pid);
  if (now === null) return !onLinux;
  return now.state !== 'Z' && (mark.startTicks === null || mark.startTicks === now.startTicks);
}

/** Whether `pid` is the living postmaster of this cluster. `cluster` is a real path. */
export async function isServerOf(cluster: string, pid: number): Promise<boolean> {
  if (!answersSignals(pid)) return false;
  if (process.platform === 'darwin') {
    const listed = await run('/bin/ps', ['-ww', '-o', 'command=', '-p', String(pid)], null);
    return listed.output.includes(` -D ${cluster} `);
  }
  if (!onLinux) return true;
  // PostgreSQL's processes work inside their data folder. In a container root often may not look there, but may read the command.
  const folder = await workingFolder(pid);
  return folder === null ? (await commandOf(pid)).includes(cluster) : folder === cluster;
}

/** Whether a postmaster that was ours a moment ago still is: cheap enough to be asked several times a second. */
export async function isStillServer(cluster: string, pid: number): Promise<boolean> {
  return onLinux ? isServerOf(cluster, pid) : answersSignals(pid);
}

/** The living processes of the cluster that can be seen, backends that outlived their postmaster included. */
export async function serverProcesses(cluster: string): Promise<number[]> {
  if (!onLinux) return [];
  const pids = (await readdir('/proc')).map(Number).filter(Number.isInteger);
  const folders = await Promise.all(pids.map(workingFolder));
  return pids.filter((_, index) => folders[index] === cluster);
}

/** Whether a process, or the zombie of one, has this pid. */
export function answersSignals(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, under another account.
    return errorCode(error) === 'EPERM';
  }
}

export function sleep(durationMs: number): Promise<void> {
  return new Promise((done) => setTimeout(done, durationMs));
}

async function workingFolder(pid: number): Promise<string | null> {
  return readlink(`/proc/${pid}/cwd`).catch(() => null);
}

async function commandOf(pid: number): Promise<string[]> {
  return (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
}

async function readStat(pid: number): Promise<{ state: string; startTicks: string } | null> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  if (text === null) return null;
  // The second field is the program's name in brackets and may hold spaces: the fixed fields begin after the last bracket.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', startTicks: fields[19] ?? '' };
}
