/** `runledger demo`: plays a nightly pipeline against a ledger, shows what the ledger then knows, and checks that it is right. */

import type { Command } from 'commander';
import { type Flags, loadConfig } from '../config.ts';
import { examples, flagsOf, parseId, type Register } from './command.ts';
import { CliError, EXIT } from './exit.ts';

interface DemoFlags {
  nights: string;
  companies: string;
  once?: boolean;
  exit?: boolean;
  endpoint?: string;
  token?: string;
  otlpHttpPort?: string;
  otlpGrpcPort?: string;
  httpPort?: string;
  json?: boolean;
}

/** Below it a rate says little, and above it the demo takes minutes. */
const COMPANIES = { least: 10, most: 5_000 };
/** Older nights would be beyond what a ledger keeps. */
const NIGHTS_MOST = 14;

export const registerDemo: Register = (program, context) => {
  program
    .command('demo')
    .description('see it work: nights of a pipeline with real HTTP calls, and what the ledger knows of them')
    .option('--nights <n>', `how many nights, up to ${NIGHTS_MOST}; the last one goes wrong`, '3')
    .option('--once', 'the last night only')
    .option('--companies <n>', `in each tenant's list, ${COMPANIES.least} to ${COMPANIES.most}`, '80')
    .option('--exit', 'end when all is shown, instead of keeping the ledger up until Ctrl-C')
    .option('--endpoint <url>', 'send to this receiver or collector; its ledger is not read')
    .option('--token <token>', 'ingest token for --endpoint')
    .option('--otlp-http-port <port>', 'OTLP over HTTP (RUNLEDGER_OTLP_HTTP_PORT, by default 4318)')
    .option('--otlp-grpc-port <port>', 'OTLP over gRPC (RUNLEDGER_OTLP_GRPC_PORT, by default 4317)')
    .option('--http-port <port>', 'API, health and metrics (RUNLEDGER_HTTP_PORT, by default 8080)')
    .option('--json', 'print what was compared as JSON, and end')
    .addHelpText(
      'after',
      `${examples('runledger demo', 'runledger demo --once --companies 30 --exit', 'runledger demo --json')}\n\nExit code 1: the ledger differs from the demo's own count`,
    )
    .action(async (flags: DemoFlags, command: Command) => {
      const nights = flags.once === true ? 1 : parseId(flags.nights, '--nights', NIGHTS_MOST);
      const companies = parseId(flags.companies, '--companies', COMPANIES.most);
      if (companies < COMPANIES.least) {
        throw new CliError(EXIT.usage, `--companies must be ${COMPANIES.least} at least, so that every stage has work`);
      }
      const config = loadConfig({ ...flagsOf(command), ...portFlags(flags) });
      // Loaded here, because no other command needs the pipeline, the SDK and the servers.
      const { runDemo } = await import('../../demo/main.ts');
      const json = flags.json === true;
      const exits = json || flags.exit === true;
      process.exitCode = await runDemo({ nights, companies, exits, json, remote: remoteOf(flags) }, config, context);
    });
};

function portFlags({ otlpHttpPort, otlpGrpcPort, httpPort }: DemoFlags): Flags {
  return {
    ...(otlpHttpPort !== undefined && { RUNLEDGER_OTLP_HTTP_PORT: otlpHttpPort }),
    ...(otlpGrpcPort !== undefined && { RUNLEDGER_OTLP_GRPC_PORT: otlpGrpcPort }),
    ...(httpPort !== undefined && { RUNLEDGER_HTTP_PORT: httpPort }),
  };
}

function remoteOf({ endpoint, token }: DemoFlags): { endpoint: string; token: string } | null {
  if (endpoint === undefined && token === undefined) return null;
  if (endpoint === undefined || token === undefined) {
    throw new CliError(EXIT.usage, '--endpoint and --token go together: where to send, and with which ingest token');
  }
  if (!URL.canParse(endpoint)) {
    throw new CliError(EXIT.usage, '--endpoint must be a URL such as http://127.0.0.1:4318');
  }
  return { endpoint, token };
}
