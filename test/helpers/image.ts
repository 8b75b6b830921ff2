/**
 * A Dockerfile followed step by step without a container engine: each stage gets a folder that stands for its file system, COPY takes only what
 * .dockerignore lets into the build, RUN runs in the stage's folder. What a base image brings is this machine's; absolute paths under the
 * stage's WORKDIR and its volumes are kept under its folder. It knows the instructions that ours uses, and refuses any other.
 */

import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Stage {
  name: string;
  /** Stands for / of the stage. */
  root: string;
  workdir: string;
  environment: Record<string, string>;
  user: string;
  volumes: string[];
  ports: number[];
  healthcheck: string[];
  entrypoint: string[];
  command: string[];
}

interface Step {
  keyword: string;
  rest: string;
}

/** The last stage, built. `folder` is empty; `context` is where the Dockerfile is. */
export async function followDockerfile(context: string, folder: string): Promise<Stage> {
  const stages = new Map<string, Stage>();
  const variables: Record<string, string> = {};
  let stage: Stage | null = null;
  for (const { keyword, rest } of readSteps(join(context, 'Dockerfile'))) {
    if (keyword === 'ARG') {
      const [name = '', value = ''] = rest.split('=');
      variables[name] = value;
    } else if (keyword === 'FROM') {
      const [, image = '', name = 'final'] = /^(\S+)(?: AS (\S+))?$/.exec(rest) ?? [];
      if (!/^node:\$\{NODE_VERSION\}-/.test(image)) throw new Error(`nothing here stands for the image ${image}`);
      stage = emptyStage(name, join(folder, name));
      stages.set(name, stage);
    } else if (stage === null) throw new Error(`${keyword} before FROM`);
    else await follow(stage, { keyword, rest }, context, stages);
  }
  if (stage === null) throw new Error('the Dockerfile has no stage');
  return stage;
}

function emptyStage(name: string, root: string): Stage {
  mkdirSync(root, { recursive: true });
  const lists = { volumes: [], ports: [], healthcheck: [], entrypoint: [], command: [] };
  return { name, root, workdir: '/', environment: {}, user: 'root', ...lists };
}

/** Comments and line breaks gone. */
function readSteps(path: string): Step[] {
  const text = readFileSync(path, 'utf8')
    .replace(/^\s*#.*\n/gm, '')
    .replace(/\\\n/g, ' ');
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, keyword = '', rest = ''] = /^([A-Z]+)\s+(.*)$/.exec(line.trim()) ?? [];
      return { keyword, rest: rest.trim() };
    });
}

async function follow(
  stage: Stage,
  { keyword, rest }: Step,
  context: string,
  stages: ReadonlyMap<string, Stage>,
): Promise<void> {
  switch (keyword) {
    case 'WORKDIR':
      stage.workdir = rest;
      mkdirSync(join(stage.root, rest), { recursive: true });
      return;
    case 'ENV':
      for (const [, name = '', value = ''] of rest.matchAll(/(\w+)=(\S+)/g)) stage.environment[name] = value;
      return;
    case 'COPY':
      return copy(stage, rest, context, stages);
    case 'RUN':
      return runIn(stage, rest);
    case 'USER':
      stage.user = rest;
      return;
    case 'VOLUME':
      stage.volumes.push(rest);
      return;
    case 'EXPOSE':
      stage.ports.push(...rest.split(' ').map(Number));
      return;
    case 'HEALTHCHECK':
      stage.healthcheck = JSON.parse(rest.slice(rest.indexOf('CMD') + 3)) as string[];
      return;
    case 'ENTRYPOINT':
      stage.entrypoint = JSON.parse(rest) as string[];
      return;
    case 'CMD':
      stage.command = JSON.parse(rest) as string[];
      return;
    default:
      throw new Error(`this does not know the instruction ${keyword}`);
  }
}

function copy(stage: Stage, rest: string, context: string, stages: ReadonlyMap<string, Stage>): void {
  const words = rest.split(/\s+/);
  const flag = words[0]?.startsWith('--from=') ? words.shift()?.slice('--from='.length) : undefined;
  const from = flag === undefined ? null : stages.get(flag);
  if (from === undefined) throw new Error(`COPY from a stage that is not there: ${flag}`);
  const target = words.pop() ?? '';
  const place = join(stage.root, target.startsWith('/') ? target : join(stage.workdir, target));
  for (const source of words) {
    if (from === null && !isInContext(context, source))
      throw new Error(`.dockerignore keeps ${source} out of the build`);
    const path = from === null ? join(context, source) : join(from.root, source);
    if (!existsSync(path)) throw new Error(`COPY of what is not there: ${source}`);
    const isInto = target.endsWith('/') || words.length > 1;
    if (statSync(path).isDirectory()) cpSync(path, place, { recursive: true, verbatimSymlinks: true });
    else cpSync(path, isInto ? join(place, basename(source)) : place);
  }
}

/** Our .dockerignore shuts everything out and lets single files and folders in again. */
function isInContext(context: string, source: string): boolean {
  const [first, ...lines] = readFileSync(join(context, '.dockerignore'), 'utf8').split('\n');
  return first === '*' && lines.some((line) => line.startsWith('!') && `${source}/`.startsWith(`${line.slice(1)}/`));
}

async function runIn(stage: Stage, line: string): Promise<void> {
  const owner = `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`;
  const here = line.replaceAll(/(?<=\s)\/(?=\w)/g, `${stage.root}/`).replaceAll('node:node', owner);
  const environment = { ...process.env, ...stage.environment };
  for (const name of Object.keys(environment)) if (/^(npm_|NODE_ENV$)/.test(name)) delete environment[name];
  const cwd = join(stage.root, stage.workdir);
  await run('/bin/sh', ['-ec', here], { cwd, env: { ...environment, ...stage.environment }, maxBuffer: 1 << 26 });
}
