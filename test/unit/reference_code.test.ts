/** The pages of docs/reference that are made from the code alone; \`npm run docs:reference\` writes them anew. */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { expect, it } from 'vitest';
import { createProgram } from '../../receiver/cli/program.ts';
import { createTerminal } from '../../receiver/cli/terminal.ts';
import { openApiDocument } from '../../receiver/serve/openapi.ts';
import { apiRoutes } from '../../receiver/serve/routes.ts';
import { type ApiDocument, apiPage } from '../helpers/reference_api.ts';
import { cliPage, leavesOf, pathOf } from '../helpers/reference_cli.ts';
import { deployFaults, deployTables } from '../helpers/reference_deploy.ts';
import { environmentPage } from '../helpers/reference_environment.ts';

const ROOT = new URL('../../', import.meta.url);
const program = createProgram({ terminal: createTerminal(), version: '0.0.0' });

function expectPage(path: string, text: string): void {
  const page = new URL(`docs/reference/${path}`, ROOT);
  if (process.env.UPDATE_DOCS === '1') writeFileSync(page, text);
  expect(readFileSync(page, 'utf8'), 'npm run docs:reference writes it anew').toBe(text);
}

it('docs/reference/cli.md has every command with its arguments, options, defaults and examples', () => {
  const page = cliPage(program);
  for (const command of leavesOf(program)) {
    expect(command.description(), pathOf(command)).not.toBe('');
    for (const { long, description } of command.options) expect([pathOf(command), long, description]).not.toContain('');
  }
  expectPage('cli.md', page);
});

it('what a command takes is on the page', () => {
  const one = new Command('ledger');
  one.command('weigh').description('weigh it').argument('<what>', 'a thing').option('--unit <unit>', 'kg|lb', 'kg');
  const page = cliPage(one);
  for (const part of [
    '## weigh',
    '`ledger weigh <what> [options]`',
    '| `what` | a thing | needed |',
    '| `--unit <unit>` | kg\\|lb | `kg` |',
  ])
    expect(page).toContain(part);
});

const deployFiles = ['otel-collector.yaml', 'deploy/collector-langsmith.yaml', 'deploy/jaeger.yaml'].map((path) => {
  return { path, text: readFileSync(new URL(path, ROOT), 'utf8') };
});

it('the heads of the files of a deployment tell of every variable that they read, with its default', () => {
  expect(deployFiles.flatMap(deployFaults)).toEqual([]);
  const wrong = {
    path: 'x.yaml',
    text: [
      '#   PORT   where it listens   80',
      '#   HOST   gone   a',
      '',
      `port: $${'{'}env:PORT:-81}`,
      `name: $${'{'}env:NAME}`,
      '',
    ].join('\n'),
  };
  expect(deployFaults(wrong)).toEqual([
    'x.yaml does not tell of NAME',
    'x.yaml tells of HOST and does not read it',
    'x.yaml tells 80 of PORT, which is 81',
  ]);
});

it('docs/reference/environment.md has every variable of the receiver and of the SDK', () => {
  const sources = readdirSync(new URL('sdk/', ROOT)).map((file) => readFileSync(new URL(`sdk/${file}`, ROOT), 'utf8'));
  expectPage('environment.md', `${environmentPage(program, sources)}\n${deployTables(deployFiles)}`);
  expect(() => environmentPage(program, [...sources, "envText('OTEL_NEW')"])).toThrow('OTEL_NEW');
});

it('docs/reference/api.md has every route with who may, what it takes and what it answers', () => {
  const deps = { jaegerUiUrl: null, storedKey: (key: string) => key, receiverHealth: () => null, signals: null };
  const document = openApiDocument(apiRoutes({ ...deps, version: '0' }), '0') as unknown as ApiDocument;
  expectPage('api.md', apiPage(document));
});
