/** `runledger start`: receives, answers, and runs its jobs until a signal ends it. */

import { type Command, Option } from 'commander';
import { type Flags, loadConfig, secretValues, type VariableName } from '../config.ts';
import type { Receiver } from '../main.ts';
import { type CliContext, examples, flagsOf, type Register } from './command.ts';

type StartOptions = Partial<Record<'host' | 'otlpHttpPort' | 'otlpGrpcPort' | 'httpPort' | 'logLevel', string>> & {
  json?: boolean;
};

const FLAGS: Record<Exclude<keyof StartOptions, 'json'>, VariableName> = {
  host: 'RUNLEDGER_HOST',
  otlpHttpPort: 'RUNLEDGER_OTLP_HTTP_PORT',
  otlpGrpcPort: 'RUNLEDGER_OTLP_GRPC_PORT',
  httpPort: 'RUNLEDGER_HTTP_PORT',
  logLevel: 'LOG_LEVEL',
};

export const registerStart: Register = (program, context) => {
  program
    .command('start')
    .description('receive spans over OTLP, keep the ledger, answer on the API')
    .option('--host <address>', 'address to listen on (RUNLEDGER_HOST, by default 127.0.0.1)')
    .option('--otlp-http-port <port>', 'OTLP over HTTP (RUNLEDGER_OTLP_HTTP_PORT, by default 4318)')
    .option('--otlp-grpc-port <port>', 'OTLP over gRPC (RUNLEDGER_OTLP_GRPC_PORT, by default 4317)')
    .option('--http-port <port>', 'API, health and metrics (RUNLEDGER_HTTP_PORT, by default 8080)')
    .addOption(new Option('--log-level <level>', 'trace, debug, info, warn, error, fatal or silent (LOG_LEVEL)'))
    .option('--json', 'log JSON lines on a terminal too')
    .addHelpText(
      'after',
      examples('runledger start', 'DATABASE_URL=postgres://me@db/ledger runledger start --http-port 9090'),
    )
    .action(async (options: StartOptions, command: Command) => {
      const config = loadConfig({ ...flagsOf(command), ...flagsFrom(options) });
      // Loaded here, because no other command needs the servers, the SDK of the metrics and the job runner.
      const { createLog, runUntilSignal, startReceiver } = await import('../index.ts');
      const log = createLog({
        level: config.logLevel,
        secrets: secretValues(config),
        ...(options.json === true ? { stream: { write: (text: string) => process.stdout.write(text) } } : {}),
      });
      const receiver = await startReceiver(config, { log, version: context.version });
      if (options.json !== true) welcome(receiver, context);
      process.exitCode = await runUntilSignal(() => receiver.stop(), log);
    });
};

function flagsFrom(options: StartOptions): Flags {
  const flags: Flags = {};
  for (const [option, variable] of Object.entries(FLAGS) as [keyof typeof FLAGS, VariableName][]) {
    const value = options[option];
    if (value !== undefined) flags[variable] = value;
  }
  return flags;
}

/** For the person at the terminal only; a log that is collected has the same in its line "ready". */
function welcome(receiver: Receiver, { terminal, version }: CliContext): void {
  if (!terminal.isTerminal) return;
  const { style } = terminal;
  const lines: [string, string][] = [
    ['send spans to', `${receiver.urls.otlpHttp} (HTTP), ${receiver.urls.otlpGrpc} (gRPC)`],
    ['look', receiver.signInLink() ?? `${receiver.urls.api}/ui/`],
    ['ask', `${receiver.urls.api}/runs`],
    ...receiver.tokens.flatMap(({ kind, path }): [string, string][] =>
      path === null ? [] : [[`${kind} token`, path]],
    ),
    ['or in here', 'npx runledger runs, npx runledger show RUN, npx runledger sql'],
    ['stop', 'Ctrl-C'],
  ];
  const shown = lines.map(([name, text]) => `  ${style.dim(name.padEnd(14))}${text}`);
  terminal.print(`\n${style.bold(`Runledger ${version}`)}\n${shown.join('\n')}\n`);
}
