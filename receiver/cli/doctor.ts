/** `runledger doctor`: looks at a deployment from end to end, says what is wrong and what to do. Exit code 0: nothing has to be done; 1: something has. */

import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { ATTR } from '../../sdk/attributes.ts';
import { type Config, isLoopback } from '../config.ts';
import { tokenPath } from '../first_tokens.ts';
import { isTenantName, registerTenants } from '../store/tenants.ts';
import { examples, parseId, type Register } from './command.ts';
import { type CommandDatabase, withDatabase } from './database.ts';
import { type Finding, fail, ok, warn } from './doctor_finding.ts';
import { examineLedger } from './doctor_ledger.ts';
import { type Destination, DOCTOR_TENANT, findInJaeger, findTestSpan, sendTestSpan } from './doctor_span.ts';
import { CliError, EXIT } from './exit.ts';
import type { Terminal } from './terminal.ts';

interface DoctorFlags {
  endpoint?: string;
  token?: string;
  tenant: string;
  api?: string;
  jaeger?: string;
  wait: string;
  span: boolean;
  json?: boolean;
}

const LONGEST_WAIT_SECONDS = 600;
const ANSWER_MS = 5_000;

export const registerDoctor: Register = (program, context) => {
  program
    .command('doctor')
    .description('look at a deployment from end to end, and say what is wrong')
    .option(
      '--endpoint <url>',
      'where pipelines send: the Collector, or (the default) the receiver of this configuration',
    )
    .option('--token <token>', "what to send with (default: the configuration's ingest token; none for --endpoint)")
    .option('--tenant <id or name>', 'whose span it is, for a token of one tenant', DOCTOR_TENANT)
    .option('--api <url>', "the receiver's API (default: the port of this configuration)")
    .option('--jaeger <url>', 'Jaeger as this machine reaches it (default: JAEGER_UI_URL)')
    .option('--wait <seconds>', 'how long the test span may take', '15')
    .option('--no-span', 'send no test span; then nothing at all is changed')
    .option('--json', 'print {"ok", "checks": [{check, state, says, advice}]}')
    .addHelpText('after', examples('runledger doctor', 'runledger doctor --endpoint http://127.0.0.1:4318 --json'))
    .action(async (flags: DoctorFlags, command: Command) => {
      const waitMs = parseId(flags.wait, '--wait', LONGEST_WAIT_SECONDS) * 1000;
      checkFlags(flags);
      const findings = await withDatabase(command, context, async (database) => {
        context.terminal.progress('looking at the ledger');
        const found = await examineLedger(database);
        if (found.some(({ check, state }) => check === 'schema' && state === 'fail')) return found;
        context.terminal.progress('looking at the receiver');
        found.push(await examineReceiver(flags.api ?? urlOf(database.config, database.config.httpPort)));
        if (flags.span) found.push(...(await followSpan(flags, database, waitMs, context.terminal)));
        return found;
      });
      context.terminal.endProgress();
      const isWell = findings.every(({ state }) => state !== 'fail');
      if (flags.json === true) context.terminal.printJson({ ok: isWell, checks: findings });
      else print(findings, isWell, context.terminal);
      if (!isWell) process.exitCode = EXIT.no;
    });
};

function checkFlags({ endpoint, api, jaeger, tenant }: DoctorFlags): void {
  for (const [name, url] of Object.entries({ endpoint, api, jaeger })) {
    if (url === undefined || /^https?:$/.test(URL.canParse(url) ? new URL(url).protocol : '')) continue;
    throw new CliError(EXIT.usage, `--${name} must be a URL such as http://127.0.0.1:4318`);
  }
  if (!isTenantName(tenant))
    throw new CliError(EXIT.usage, `--tenant must be a number or a name that ${ATTR.tenantId} may have`);
}

/** Sends the test span where pipelines send, and looks for it in the ledger and, where a Collector stands between, in Jaeger. */
async function followSpan(
  flags: DoctorFlags,
  database: CommandDatabase,
  waitMs: number,
  terminal: Terminal,
): Promise<Finding[]> {
  const { config } = database;
  const operators = database.pool('runledger_operator');
  const tenantId = (await registerTenants(operators, [flags.tenant])).get(flags.tenant);
  if (tenantId === undefined) throw new Error(`tenant ${flags.tenant} was not registered`);
  terminal.progress('sending a test span');
  const destination = await destinationOf(flags, config);
  const { finding, span } = await sendTestSpan(destination);
  if (span === null) return [finding];
  terminal.progress('looking for the test span');
  const found = [finding, await findTestSpan(operators, tenantId, span, waitMs)];
  const jaegerUrl = flags.jaeger ?? config.jaegerUiUrl;
  // Without a Collector nobody sends to Jaeger.
  if (jaegerUrl !== null && flags.endpoint !== undefined) found.push(await findInJaeger(jaegerUrl, span, waitMs));
  return found;
}

async function destinationOf(flags: DoctorFlags, config: Config): Promise<Destination> {
  const { tenant } = flags;
  if (flags.endpoint !== undefined) return { endpoint: flags.endpoint, token: flags.token ?? null, tenant };
  const kept = () =>
    readFile(tokenPath(config.dataDir, 'ingest'), 'utf8').then(
      (text) => text.trim(),
      () => null,
    );
  const token = flags.token ?? config.ingestToken ?? (await kept());
  return { endpoint: urlOf(config, config.otlpHttpPort), token, tenant };
}

/** /readyz, with its own words for what is not ready. */
async function examineReceiver(apiUrl: string): Promise<Finding> {
  let answer: { ready?: boolean; checks?: Record<string, string> };
  try {
    const response = await fetch(`${apiUrl.replace(/\/+$/, '')}/readyz`, { signal: AbortSignal.timeout(ANSWER_MS) });
    answer = (await response.json()) as typeof answer;
  } catch {
    return fail('receiver', `nobody answers at ${apiUrl}`, 'Run: runledger start; or say with --api where it is');
  }
  if (typeof answer !== 'object' || answer === null || answer.checks === undefined)
    return fail('receiver', `what answers at ${apiUrl} is not Runledger`, 'Say with --api where its API is');
  const wrong = Object.entries(answer.checks).filter(([, state]) => state !== 'ok');
  if (wrong.length > 0) {
    const says = wrong.map(([name, state]) => `${name}: ${state}`).join('; ');
    return fail('receiver', says, 'Look at the log of `runledger start`');
  }
  const beyond = !isLoopback(new URL(apiUrl).hostname) && apiUrl.startsWith('http:');
  if (!beyond) return ok('receiver', `${apiUrl} is ready`);
  return warn(
    'receiver',
    `${apiUrl} is ready, without TLS`,
    'Put TLS in front of it where others can listen: tokens travel in the clear',
  );
}

function urlOf({ host }: Config, port: number): string {
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${reachable.includes(':') && !reachable.startsWith('[') ? `[${reachable}]` : reachable}:${port}`;
}

function print(findings: readonly Finding[], isWell: boolean, { style, print: say }: Terminal): void {
  const signs = { ok: style.good('✓'), warn: style.warn('!'), fail: style.bad('✗') };
  const width = Math.max(...findings.map(({ check }) => check.length));
  for (const { check, state, says, advice } of findings) {
    say(`${signs[state]} ${check.padEnd(width)}  ${says}`);
    if (advice !== undefined) say(`  ${' '.repeat(width)}  ${style.dim(`→ ${advice}`)}`);
  }
  const wrong = findings.filter(({ state }) => state === 'fail').length;
  const noted = findings.filter(({ state }) => state === 'warn').length;
  const notes = noted === 0 ? '' : `, ${noted} to know of`;
  say(isWell ? `\nAll is well${notes}` : `\n${wrong} to be put right${notes}`);
}
