/**
 * `runledger explain FILE`: what the ledger makes of captured telemetry, record by record, with the very code that ingests it. Stores
 * nothing. Exit code 1 when a record is refused.
 */

import type { Command } from 'commander';
import { Option } from 'commander';
import { decodeLogs, decodeTraces } from '../decode/decode.ts';
import { DecodeError } from '../decode/shape.ts';
import { createMapper } from '../map/map.ts';
import type { Principal, Snapshot } from '../map/snapshot.ts';
import { type Capture, type CapturedSignal, captureName, readCaptures } from './capture.ts';
import { examples, parseId, type Register } from './command.ts';
import { CliError, EXIT } from './exit.ts';
import { type Explained, explainChunk } from './explain_record.ts';
import { learnTenants, readSnapshot } from './explain_snapshot.ts';
import { DASH, formatCount } from './format.ts';
import type { Style } from './style.ts';
import { type Column, renderTable } from './table.ts';
import type { Terminal } from './terminal.ts';

interface ExplainOptions {
  tenant?: string;
  signal?: CapturedSignal;
  offline?: boolean;
  json?: boolean;
}

type ExplainedLine = Explained & { request: string };

export const registerExplain: Register = (program, context) => {
  program
    .command('explain')
    .description('for each span of a file: kind, tenant, run, stage, what it adds, or why it is refused')
    .argument('<file...>', 'OTLP as JSON, JSON lines or protobuf, perhaps gzipped')
    .option('--tenant <id>', "as if sent with this tenant's token; without it, with an ingest token")
    .addOption(
      new Option('--signal <signal>', 'what the files hold, where that is not clear').choices(['traces', 'logs']),
    )
    .option('--offline', "do not look at the ledger's tenants, vendors and prices")
    .option('--json', 'print a list with one object a record')
    .addHelpText(
      'after',
      examples('runledger explain request.json', 'runledger explain --tenant 7 capture.jsonl --json'),
    )
    .action(async (files: string[], options: ExplainOptions, command: Command) => {
      const captures = (await Promise.all(files.map((file) => readCaptures(file, options.signal)))).flat();
      const { snapshot, isDefault } = await readSnapshot(command, context, options.offline === true);
      const principal: Principal =
        options.tenant === undefined
          ? { kind: 'ingest' }
          : { kind: 'tenant', tenantId: parseId(options.tenant, '--tenant', 2 ** 31 - 1) };
      const lines = explainAll(captures, snapshot, principal, isDefault);
      const { terminal } = context;
      if (options.json === true) terminal.printJson(lines);
      else printLines(lines, isDefault, terminal);
      if (lines.some((line) => line.refused !== null)) process.exitCode = EXIT.no;
    });
};

/** @param assumeTenants take every tenant that is named for a registered one: there is no ledger to ask */
function explainAll(
  captures: Capture[],
  snapshot: Snapshot,
  principal: Principal,
  assumeTenants: boolean,
): ExplainedLine[] {
  const receivedAtUs = Date.now() * 1000;
  const explain = (with_: Snapshot, capture: Capture) => {
    const mapper = createMapper(with_);
    const explained: Explained[] = [];
    if (capture.signal === 'traces') {
      for (const chunk of decodeTraces(capture.body, capture.encoding)) {
        explained.push(...explainChunk(chunk, (one, outcomes) => mapper.spans(one, principal, receivedAtUs, outcomes)));
      }
    } else {
      for (const chunk of decodeLogs(capture.body, capture.encoding)) {
        explained.push(...explainChunk(chunk, (one, outcomes) => mapper.logs(one, principal, receivedAtUs, outcomes)));
      }
    }
    return explained;
  };
  return captures.flatMap((capture) => {
    if (capture.signal === 'metrics')
      throw new CliError(EXIT.usage, `${captureName(capture)} holds metrics, which are not kept`);
    try {
      let explained = explain(snapshot, capture);
      const unknown = explained.flatMap((one) => one.unknownTenants);
      if (assumeTenants && unknown.length > 0) explained = explain(learnTenants(snapshot, unknown), capture);
      return explained.map((one) => ({ request: captureName(capture), ...one }));
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      const what = `${captureName(capture)} is no OTLP request of ${capture.signal} (${capture.encoding}): ${error.message}`;
      throw new CliError(EXIT.usage, `${what}\nIf it holds another signal, say so with --signal`, { cause: error });
    }
  });
}

function printLines(lines: ExplainedLine[], isDefault: boolean, terminal: Terminal): void {
  if (isDefault) {
    terminal.remark(
      'Without a ledger: every tenant counts as registered, and there is no list of vendors and prices of your own',
    );
  }
  terminal.print(lines.length === 0 ? 'No record in it' : renderTable(lineColumns(terminal.style), lines, terminal));
  const refused = lines.filter((line) => line.refused !== null);
  const rows = lines.reduce((sum, line) => sum + line.rows, 0);
  terminal.print(
    `${formatCount(lines.length)} records: ${formatCount(rows)} rows, ${formatCount(refused.length)} refused` +
      `${refused.length > 0 ? ' for good (the sender is told, the rest is kept)' : ''}`,
  );
}

function lineColumns(style: Style): Column<ExplainedLine>[] {
  return [
    { title: 'record', value: (l) => l.name || DASH, shrinksTo: 14 },
    { title: 'kind', value: (l) => l.kind ?? DASH },
    { title: 'tenant', value: (l) => l.tenant ?? DASH, leaves: 2 },
    { title: 'run', value: (l) => l.run ?? DASH, shrinksTo: 10, leaves: 3 },
    { title: 'stage', value: (l) => l.stage ?? DASH, shrinksTo: 8, leaves: 1 },
    {
      title: 'what it does',
      value: (l) => (l.refused === null ? l.adds.join('; ') : `refused, ${l.refused}: ${l.message ?? ''}`),
      paint: (text, l) => (l.refused === null ? text : style.bad(text)),
      shrinksTo: 30,
    },
  ];
}
