/** Code of the pages as programs: what a sample leaves to its reader (his companies, his vendors) is given to it, so that it runs. */

import * as sdk from '../../sdk/index.ts';
import type { Block } from './docs_blocks.ts';

/** What samples use without declaring it. */
const READERS_OWN: Readonly<Record<string, string>> = {
  companies: "const companies = [{ id: 1, domain: 'a.example' }, { id: 2, domain: 'b.example' }];",
  search: 'const search = async (domain: string) => ({ good: domain.length > 3 });',
  score: 'const score = async (company: { id: number }) => company.id * 10;',
  ask: 'const ask = async (text: string) => ({ usage: { prompt_tokens: text.length, completion_tokens: 2 } });',
  prompt: "const prompt = 'Is it a good company?';",
  job: "const job = { id: 'job-1' };",
  crawlAll: 'const crawlAll = async () => undefined;',
  nightly: 'const nightly = async () => undefined;',
};

const PACKAGES: Readonly<Record<string, string>> = {
  NodeSDK: '@opentelemetry/sdk-node',
  BatchSpanProcessor: '@opentelemetry/sdk-trace-base',
  OTLPTraceExporter: '@opentelemetry/exporter-trace-otlp-http',
};

/** A whole module: imports that the sample leaves out, the reader's own things, the sample (in a run, where it has none), and the end of the telemetry. */
export function programOf({ text }: Pick<Block, 'text'>): string {
  const isUsed = (name: string) => new RegExp(`(?<![\\w'])(?<!(?<!\\.\\.)\\.)${name}\\b(?!:)`).test(text);
  const isOwn = (name: string) => new RegExp(`(?:const|let|function|import \\{[^}]*)\\s*\\b${name}\\b`).test(text);
  const isMissing = (name: string) => isUsed(name) && !isOwn(name);
  const isPart = !/\b(?:run|beginRun)\(\{|NodeSDK/.test(text);
  const hasSetup = /\bsetup\(|NodeSDK/.test(text);
  const wanted: Record<string, boolean> = { setup: !hasSetup, run: isPart };
  const names = Object.keys(sdk).filter((name) => wanted[name] === true || isMissing(name));
  const imports = [
    ...(names.length > 0 ? [`import { ${names.join(', ')} } from 'runledger/sdk';`] : []),
    ...Object.entries(PACKAGES).flatMap(([name, from]) =>
      isMissing(name) ? [`import { ${name} } from '${from}';`] : [],
    ),
  ];
  const own = Object.entries(READERS_OWN).flatMap(([name, declaration]) => (isMissing(name) ? [declaration] : []));
  const [before, after] = hasSetup
    ? [[], []]
    : [['const readersTelemetry = setup();'], ['await readersTelemetry.shutdown();']];
  const [begin, end] = isPart ? [["await run({ tenant: 7, pipeline: 'nightly' }, async () => {"], ['});']] : [[], []];
  return [...imports, ...own, ...before, ...begin, text, ...end, ...after, 'export {};', ''].join('\n');
}
