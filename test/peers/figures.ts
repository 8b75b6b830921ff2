/** Figures of the tests with real peers: printed, and with RUNLEDGER_PEERS_WRITE=1 kept in bench/results/peers.md, one section a test. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Peers } from './build.ts';

const FILE = fileURLToPath(new URL('../../bench/results/peers.md', import.meta.url));
const HEAD = `# With the real Collector and Jaeger

Made by \`RUNLEDGER_PEERS_WRITE=1 npm run test:peers\`: the demo and other senders through a Collector with the shipped otel-collector.yaml into
Runledger and Jaeger, all on loopback. Every figure is asserted by the test that wrote it.
`;

export function writeFigures(title: string, peers: Peers, figures: Record<string, string | number>): void {
  const { collector, jaeger, telemetrygen, python } = peers.versions;
  const versions = `Collector ${collector}, Jaeger ${jaeger}, telemetrygen ${telemetrygen}, OpenTelemetry for Python ${python}, Node ${process.versions.node}`;
  const table = ['| | |', '|---|---|', ...Object.entries(figures).map(([name, value]) => `| ${name} | ${value} |`)];
  const section = `## ${title}\n\n${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC, ${versions}.\n\n${table.join('\n')}\n`;
  process.stdout.write(`\n${section}\n`);
  if (process.env.RUNLEDGER_PEERS_WRITE !== '1') return;
  const text = existsSync(FILE) ? readFileSync(FILE, 'utf8') : HEAD;
  const others = text.split(/^(?=## )/m).filter((part) => !part.startsWith(`## ${title}\n`));
  writeFileSync(FILE, `${[...others.map((part) => part.trimEnd()), section.trimEnd()].join('\n\n')}\n`);
}
