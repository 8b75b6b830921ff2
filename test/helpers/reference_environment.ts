/** docs/reference/environment.md from the receiver's table of variables, the options that stand for them, and what the SDK's sources read. */

import type { Command, Option } from 'commander';
import type { z } from 'zod';
import { variables } from '../../receiver/config_variables.ts';
import { leavesOf, pathOf } from './reference_cli.ts';
import { cell, code, table } from './reference_text.ts';

const HEAD = `# Environment

Every variable that Runledger reads, made from the table by which it checks them; a test holds this page against it. Which to set, and why:
[Configuration](../configuration.md). \`runledger config\` prints the value of each and where it comes from.

## Receiver and command line

An empty variable counts as not set. An option goes before its variable.

`;

const FILES = `
A secret may stand in a file: \`NAME_FILE=/run/secrets/name\` instead of \`NAME\`. Space around it is taken off. Setting both is an error, and so is a file that is
empty or cannot be read. Secrets: `;

/** What the SDK reads beside OpenTelemetry's own packages, which read the other OTEL_* variables. */
const SDK: Readonly<Record<string, string>> = {
  LANGSMITH_ENDPOINT: 'as the LangSmith client reads it; decides the host of links to runs',
  LANGCHAIN_ENDPOINT: 'the older name of LANGSMITH_ENDPOINT',
  LANGSMITH_PROJECT_ID: 'project of links to LangSmith runs',
  LANGSMITH_WORKSPACE_ID: 'workspace of links to LangSmith runs',
  OTEL_BSP_EXPORT_TIMEOUT: 'milliseconds that one export may take',
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: 'spans in one request',
  OTEL_BSP_MAX_QUEUE_SIZE: 'spans that may wait; 65,536 when not set, so that ten seconds of a busy night fit',
  OTEL_BSP_SCHEDULE_DELAY: 'milliseconds between exports',
  OTEL_EXPORTER_OTLP_ENDPOINT: 'where telemetry goes; before the option `endpoint`',
  OTEL_EXPORTER_OTLP_HEADERS: 'with `authorization=Bearer TOKEN`; before the option `token`',
  OTEL_EXPORTER_OTLP_PROTOCOL: '`http/protobuf`, `http/json` or `grpc`',
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'the whole URL for traces alone',
  OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'headers for traces alone',
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'protocol for traces alone',
  OTEL_LOGS_EXPORTER: 'logs are exported when it is set',
  OTEL_METRICS_EXPORTER: 'metrics are exported when it is set',
  OTEL_NODE_RESOURCE_DETECTORS: 'more detectors than that of the environment',
  OTEL_RESOURCE_ATTRIBUTES: 'with `service.name`, `service.version`, `deployment.environment.name`',
  OTEL_SDK_DISABLED: 'true: nothing is measured and nothing sent',
  OTEL_SERVICE_NAME: 'before the option `serviceName`',
  OTEL_SPAN_EVENT_COUNT_LIMIT: 'events that a span keeps',
  OTEL_TRACES_EXPORTER: '`otlp`, `console` or `none`',
  OTEL_TRACES_SAMPLER: 'whatever it says of other spans, those of Runledger are kept',
  OTEL_TRACES_SAMPLER_ARG: 'the share that is kept of other spans',
};

export function environmentPage(program: Command, sdkSources: readonly string[]): string {
  const rows = Object.entries(variables).map(([name, variable]) => [
    code(name),
    [variable.fallback === null ? '' : code(variable.fallback), variable.secret ? '*secret*' : ''].join(' ').trim(),
    cell([variable.about, allowedIn(variable.schema)].filter((text) => text !== '').join('. ')),
    optionOf(program, name),
  ]);
  const secrets = Object.entries(variables).flatMap(([name, { secret }]) => (secret ? [code(`${name}_FILE`)] : []));
  const receiver = table(['variable', 'default', 'meaning', 'option'], rows);
  return `${HEAD}${receiver}${FILES}${secrets.join(', ')}.\n\n\`NO_COLOR\`, set to anything, takes the colours off what commands print.\n\n${sdkTable(sdkSources)}`;
}

/** What the check says of a value that it refuses; '' where any text will do. */
function allowedIn(schema: z.ZodType): string {
  const parsed = schema.safeParse('\u0000');
  const message = parsed.success ? '' : (parsed.error.issues[0]?.message ?? '');
  return message === '' ? '' : `${message.charAt(0).toUpperCase()}${message.slice(1)}`;
}

/** Options name their variable in their description. */
function optionOf(program: Command, variable: string): string {
  const names = (option: Option) => new RegExp(`\\(${variable}[,;)]`).test(option.description);
  const everywhere = program.options.filter(names).map(({ long }) => code(long ?? ''));
  const places = new Map<string, string[]>();
  for (const command of leavesOf(program))
    for (const { long } of command.options.filter(names))
      places.set(long ?? '', [...(places.get(long ?? '') ?? []), pathOf(command).replace(/^\S+ /, '')]);
  return [...everywhere, ...[...places].map(([long, where]) => `${code(long)} of ${where.join(' and ')}`)].join(', ');
}

function sdkTable(sources: readonly string[]): string {
  const read = new Set(
    sources.flatMap((text) =>
      [...text.matchAll(/\benv(?:Text|List|Positive)\('(\w+)'\)/g)].map(([, name = '']) => name),
    ),
  );
  const silent = [...read].filter((name) => SDK[name] === undefined);
  const gone = Object.keys(SDK).filter((name) => !read.has(name));
  if (silent.length + gone.length > 0)
    throw new Error(
      `the SDK's variables: without words ${silent.join(', ') || 'none'}, read no more ${gone.join(', ') || 'none'}`,
    );
  const rows = [...read].sort().map((name) => [code(name), SDK[name] ?? '']);
  const head =
    'What `runledger/sdk` itself reads in a pipeline; OpenTelemetry reads the other `OTEL_*` variables, with the defaults of its specification.';
  return `## The SDK\n\n${head}\n\n${table(['variable', 'meaning'], rows)}`;
}
