/**
 * The work of `runledger explain`: decodes and maps captured requests with the code that ingests them, and prints what came out. A file of
 * its own, because decoding and the price list take a moment to load and no other command needs them.
 */

import type { Command } from 'commander';
import { decodeLogs, decodeTraces } from '../decode/decode.ts';
import { DecodeError } from '../decode/shape.ts';
import { createMapper } from '../map/map.ts';
import type { Principal, Snapshot } from '../map/snapshot.ts';
import { type Capture, type CapturedSignal, captureName, readCaptures } from './capture.ts';
import { type CliContext, parseId } from './command.ts';
import { CliError, EXIT } from './exit.ts';
import { type Explained, explainChunk } from './explain_record.ts';
import { learnTenants, readSnapshot, withTenant } from './explain_snapshot.ts';
import { DASH, formatCount } from './format.ts';
import type { Style } from './style.ts';
import { type Column, clean, renderTable } from './table.ts';
import type { Terminal } from './terminal.ts';

export interface ExplainOptions {
  tenant?: string;
  signal?: CapturedSignal;
  offline?: boolean;
  json?: boolean;
}

type ExplainedLine = Explained & { request: string };

export async function explainFiles(
  files: string[],
  options: ExplainOptions,
  command: Command,
  context: CliContext,
): Promise<void> {
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
}

/** @param assumeTenants take every tenant that is named for a registered one: there is no ledger to ask */
function explainAll(
  captures: Capture[],
  snapshot: Snapshot,
  principal: Principal,
  assumeTenants: boolean,
): ExplainedLine[] {
  const receivedAtUs = Date.now() * 1000;
  const known = assumeTenants && principal.kind === 'tenant' ? withTenant(snapshot, principal.tenantId) : snapshot;
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
      let explained = explain(known, capture);
      const unknown = explained.flatMap((one) => one.unknownTenants);
      if (assumeTenants && unknown.length > 0) explained = explain(learnTenants(known, unknown), capture);
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
  const shown = fold(lines, (l) => [l.name, l.kind, l.tenant, l.run, l.stage, ...l.adds, l.refused, l.message]);
  terminal.print(
    lines.length === 0 ? 'No record in it' : renderTable(lineColumns(terminal.style, shown), shown, terminal),
  );
  const refused = lines.filter((line) => line.refused !== null);
  const rows = lines.reduce((sum, line) => sum + line.rows, 0);
  terminal.print(
    `${formatCount(lines.length)} records: ${formatCount(rows)} rows, ${formatCount(refused.length)} refused`,
  );
  // In full, because it says what to fix, and a narrow table has to cut it.
  for (const { line, times } of fold(refused, (l) => [l.refused, l.message])) {
    terminal.print(terminal.style.bad(`  ${formatCount(times)} x ${line.refused}: ${clean(line.message ?? '')}`));
  }
}

interface Folded {
  line: ExplainedLine;
  times: number;
}

/** Lines that would read the same, as one with their number; in order of the first. */
function fold(lines: ExplainedLine[], sameness: (line: ExplainedLine) => unknown[]): Folded[] {
  const folded = new Map<string, Folded>();
  for (const line of lines) {
    const key = JSON.stringify(sameness(line));
    const known = folded.get(key);
    if (known === undefined) folded.set(key, { line, times: 1 });
    else known.times += 1;
  }
  return [...folded.values()];
}

function lineColumns(style: Style, shown: Folded[]): Column<Folded>[] {
  const times: Column<Folded> = { title: 'times', value: (f) => formatCount(f.times), align: 'right' };
  return [
    { title: 'record', value: ({ line }) => line.name || DASH, shrinksTo: 14 },
    ...(shown.some((one) => one.times > 1) ? [times] : []),
    { title: 'kind', value: ({ line }) => line.kind ?? DASH },
    { title: 'tenant', value: ({ line }) => line.tenant ?? DASH, leaves: 2 },
    { title: 'run', value: ({ line }) => line.run ?? DASH, shrinksTo: 10, leaves: 3 },
    { title: 'stage', value: ({ line }) => line.stage ?? DASH, shrinksTo: 8, leaves: 1 },
    {
      title: 'what it does',
      value: ({ line }) => (line.refused === null ? line.adds.join('; ') : `refused: ${line.refused}`),
      paint: (text, { line }) => (line.refused === null ? text : style.bad(text)),
      shrinksTo: 30,
    },
  ];
}
