/** A process of its own that starts the embedded PostgreSQL of a folder, for tests of what several processes do to one server. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface Starter {
  child: ChildProcess;
  pid: number;
  adopted: boolean;
  databaseUrl: string;
}

/** A Node process of its own that starts the folder's server and, when its standard input ends, stops it and goes. */
export async function startElsewhere(dataDir: string): Promise<Starter> {
  const module = new URL('../../receiver/embedded/start.ts', import.meta.url).href;
  const script = `
    import { startEmbedded } from ${JSON.stringify(module)};
    const server = await startEmbedded({ dataDir: process.argv[1], log: () => undefined });
    const { pid, adopted, databaseUrl } = server;
    console.log(JSON.stringify({ pid, adopted, databaseUrl }));
    process.stdin.resume().on('end', () => server.stop().then(() => process.exit(0)));`;
  const args = ['--import', 'tsx', '--input-type=module', '-e', script, dataDir];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = await Promise.race([once(createInterface(child.stdout), 'line'), once(child, 'exit')]);
  if (typeof line !== 'string') throw new Error(`the other start ended with ${String(line)}`);
  return { child, ...(JSON.parse(line) as Omit<Starter, 'child'>) };
}

export async function letFinish(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit');
  child.stdin?.end();
  await exit;
}

export async function kill(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}
