/**
 * `runledger replay FILE..`: sends captured requests to an OTLP endpoint as an exporter would, with its retries. Sending one twice is
 * harmless. Exit code 1: something was refused for good; 3: the endpoint did not take it in time.
 */

import { readFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { tokenPath } from '../first_tokens.ts';
import { type Capture, type CapturedSignal, captureName, readCaptures } from './capture.ts';
import { type CliContext, configOf, examples, type Register } from './command.ts';
import { CliError, EXIT } from './exit.ts';
import { formatBytes, formatCount } from './format.ts';
import { type Answer, postCapture } from './replay_post.ts';

interface ReplayOptions {
  endpoint?: string;
  token?: string;
  tries: string;
  signal?: CapturedSignal;
  json?: boolean;
}

export interface ReplayTotals {
  requests: number;
  bytes: number;
  rejected: number;
  retries: number;
  messages: string[];
}

const MESSAGES_KEPT = 20;

export const registerReplay: Register = (program, context) => {
  program
    .command('replay')
    .description('send captured OTLP requests; what is in the ledger already counts once')
    .argument('<file...>', 'OTLP as JSON, JSON lines or protobuf, perhaps gzipped')
    .option('--endpoint <url>', 'OTLP over HTTP (by default this machine, RUNLEDGER_OTLP_HTTP_PORT)')
    .option(
      '--token <token>',
      'ingest token or tenant token of scope write (RUNLEDGER_INGEST_TOKEN, or the one in the data folder)',
    )
    .option('--tries <n>', 'how often a request is tried', '8')
    .addOption(
      new Option('--signal <signal>', 'what the files hold, where that is not clear').choices(['traces', 'logs']),
    )
    .option('--json', 'print {"requests", "bytes", "rejected", "retries", "messages"}')
    .addHelpText(
      'after',
      examples(
        'runledger replay capture.jsonl --token rlt_...',
        'runledger replay *.pb --endpoint http://127.0.0.1:4318',
      ),
    )
    .action(async (files: string[], options: ReplayOptions, command: Command) => {
      const totals = await replay(files, options, command, context);
      const { terminal } = context;
      terminal.endProgress();
      if (options.json === true) terminal.printJson(totals);
      else {
        const sent = `${formatCount(totals.requests)} requests (${formatBytes(totals.bytes)}) taken`;
        terminal.print(
          `${sent}, ${formatCount(totals.rejected)} records refused, ${formatCount(totals.retries)} retries`,
        );
        for (const message of totals.messages) terminal.print(`  ${message}`);
      }
      if (totals.rejected > 0) process.exitCode = EXIT.no;
    });
};

async function replay(
  files: string[],
  options: ReplayOptions,
  command: Command,
  { terminal }: CliContext,
): Promise<ReplayTotals> {
  const config = configOf(command);
  const host = ['0.0.0.0', '::'].includes(config.host) ? '127.0.0.1' : config.host;
  const endpoint = parseEndpoint(
    options.endpoint ?? `http://${host.includes(':') ? `[${host}]` : host}:${config.otlpHttpPort}`,
  );
  const token = options.token ?? config.ingestToken ?? (await readKeptToken(config.dataDir));
  if (token === null) {
    throw new CliError(
      EXIT.usage,
      'A token is needed: --token, or RUNLEDGER_INGEST_TOKEN\nMake one: runledger token create --kind ingest',
    );
  }
  const tries = Number(options.tries);
  if (!Number.isInteger(tries) || tries < 1 || tries > 1000)
    throw new CliError(EXIT.usage, '--tries must be from 1 to 1000');
  const totals: ReplayTotals = { requests: 0, bytes: 0, rejected: 0, retries: 0, messages: [] };
  for (const file of files) {
    for (const capture of await readCaptures(file, options.signal)) {
      const answer = await postCapture(capture, { endpoint, token, tries });
      addAnswer(totals, capture, answer);
      terminal.progress(`${formatCount(totals.requests)} requests taken, ${captureName(capture)}`);
    }
  }
  return totals;
}

/** The ingest token that the first `runledger start` on this data folder made; null: there is none, or it is not ours to read. */
async function readKeptToken(dataDir: string): Promise<string | null> {
  const text = await readFile(tokenPath(dataDir, 'ingest'), 'utf8').catch(() => '');
  return text.trim() || null;
}

function addAnswer(totals: ReplayTotals, capture: Capture, answer: Answer): void {
  totals.requests += 1;
  totals.bytes += capture.body.length;
  totals.rejected += answer.rejected;
  totals.retries += answer.retries;
  if (answer.message !== '' && totals.messages.length < MESSAGES_KEPT) {
    totals.messages.push(`${captureName(capture)}: ${answer.message}`);
  }
}

function parseEndpoint(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw new CliError(
      EXIT.usage,
      `--endpoint must be an address such as http://127.0.0.1:4318, not "${text.slice(0, 80)}"`,
    );
  }
  return url;
}
