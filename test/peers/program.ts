/** A program beside Runledger as a process that a test starts, kills and starts again, with what it said kept. */

import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Program {
  /** Resolves when its health URL answers 200. */
  start(): Promise<void>;
  /** SIGTERM, and waits until it has ended. */
  stop(): Promise<void>;
  /** kill -9. */
  kill(): Promise<void>;
  /** What it printed, over all its lives. */
  readonly said: readonly string[];
}

export interface ProgramOptions {
  path: string;
  args: readonly string[];
  environment: Record<string, string>;
  healthUrl: string;
}

const READY_MS = 60_000;

export function createProgram({ path, args, environment, healthUrl }: ProgramOptions): Program {
  const said: string[] = [];
  let child: ChildProcess | null = null;

  const end = async (signal: NodeJS.Signals) => {
    const process = child;
    child = null;
    if (process === null || process.exitCode !== null || process.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => process.once('exit', () => resolve()));
    process.kill(signal);
    await ended;
  };
  return {
    said,
    async start() {
      const process = spawn(path, args, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
      child = process;
      for (const stream of [process.stdout, process.stderr]) {
        stream?.setEncoding('utf8').on('data', (text: string) => said.push(text));
      }
      const failed = new Promise<never>((_, reject) => {
        process.once('error', reject);
        process.once('exit', (code) => {
          if (child === process) reject(new Error(`${path} ended with ${code}:\n${said.slice(-10).join('')}`));
        });
      });
      // Later ends are seen by whoever misses the program.
      failed.catch(() => undefined);
      await Promise.race([untilHealthy(healthUrl), failed]);
    },
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  };
}

async function untilHealthy(url: string): Promise<void> {
  await until(`${url} answers`, READY_MS, async () => (await fetch(url).catch(() => null))?.ok === true);
}

/** Asks again and again. @throws Error with `what` when it stays false */
export async function until(what: string, limitMs: number, check: () => Promise<boolean>): Promise<void> {
  for (const started = performance.now(); performance.now() - started < limitMs; await sleep(200)) {
    if (await check()) return;
  }
  throw new Error(`after ${limitMs / 1000} s it is still not so: ${what}`);
}
