/**
 * Environment and command-line flags -> one frozen, validated configuration. The only file that reads process.env (the SDK's set-up
 * aside). Each secret may also come from a file named by NAME_FILE, as container secrets do.
 */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { type OidcConfig, readOidc } from './config_oidc.ts';
import { variables } from './config_variables.ts';

export type VariableName = keyof typeof variables;
export type Flags = Partial<Record<VariableName, string>>;
export type Environment = Record<string, string | undefined>;
export type ValueSource = 'flag' | 'environment' | 'file' | 'default';

export interface Config {
  /** null: an embedded PostgreSQL in `dataDir`. */
  databaseUrl: string | null;
  /** Absolute path. */
  dataDir: string;
  host: string;
  /** 0 takes any free port. */
  otlpHttpPort: number;
  otlpGrpcPort: number;
  httpPort: number;
  /** Where people reach API and dashboard, for links; without a slash at its end. */
  publicUrl: string;
  /** null: made at first start and kept in the data folder. */
  adminToken: string | null;
  ingestToken: string | null;
  /** Sign-in of the dashboard at an identity provider; null: by token alone. */
  oidc: OidcConfig | null;
  eventRetentionDays: number;
  qaRetentionDays: number;
  tenantAutocreate: boolean;
  linkHosts: readonly string[];
  slackWebhookUrl: string | null;
  jaegerUiUrl: string | null;
  langsmith: Readonly<{ apiKey: string | null; endpoint: string; project: string | null; workspaceId: string | null }>;
  logLevel: z.output<typeof variables.LOG_LEVEL.schema>;
}

/** One line of `runledger config`. */
export interface ConfigLine {
  name: VariableName;
  /** Masked when the variable is a secret; null: not set. */
  value: string | null;
  source: ValueSource;
  secret: boolean;
  about: string;
}

/** Names every variable that is wrong, and what is allowed. Never holds the value of a secret. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`The configuration is not valid:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

interface Reading {
  values: Partial<Record<VariableName, string>>;
  sources: Record<VariableName, ValueSource>;
  problems: string[];
}

const names = Object.keys(variables) as VariableName[];

/** Reads and checks everything at once. Throws ConfigError. */
export function loadConfig(flags: Flags = {}, environment: Environment = process.env): Config {
  const { values, problems } = readValues(flags, environment);
  const shape = z.object(
    Object.fromEntries(names.map((name) => [name, variables[name].schema])) as {
      [N in VariableName]: (typeof variables)[N]['schema'];
    },
  );
  const parsed = shape.safeParse(values);
  const issues = parsed.success ? [] : parsed.error.issues.map((issue) => `${String(issue.path[0])}: ${issue.message}`);
  if (!parsed.success || problems.length > 0) throw new ConfigError([...problems, ...issues]);
  const v = parsed.data;
  const clash = portClash([
    ['RUNLEDGER_OTLP_HTTP_PORT', v.RUNLEDGER_OTLP_HTTP_PORT],
    ['RUNLEDGER_OTLP_GRPC_PORT', v.RUNLEDGER_OTLP_GRPC_PORT],
    ['RUNLEDGER_HTTP_PORT', v.RUNLEDGER_HTTP_PORT],
  ]);
  if (clash) throw new ConfigError([clash]);
  const publicUrl = v.RUNLEDGER_PUBLIC_URL ?? ownUrl(v.RUNLEDGER_HOST, v.RUNLEDGER_HTTP_PORT);
  const isPublicUrlGiven = v.RUNLEDGER_PUBLIC_URL !== undefined;
  const listensBeyondLoopback = !isLoopback(v.RUNLEDGER_HOST);
  const signIn = readOidc(v, { publicUrl, isPublicUrlGiven, listensBeyondLoopback, isLoopback });
  if (signIn.problems.length > 0) throw new ConfigError(signIn.problems);
  return Object.freeze({
    databaseUrl: v.DATABASE_URL ?? null,
    dataDir: resolve(v.RUNLEDGER_DATA_DIR),
    host: v.RUNLEDGER_HOST,
    otlpHttpPort: v.RUNLEDGER_OTLP_HTTP_PORT,
    otlpGrpcPort: v.RUNLEDGER_OTLP_GRPC_PORT,
    httpPort: v.RUNLEDGER_HTTP_PORT,
    publicUrl,
    adminToken: v.RUNLEDGER_ADMIN_TOKEN ?? null,
    ingestToken: v.RUNLEDGER_INGEST_TOKEN ?? null,
    oidc: signIn.oidc,
    eventRetentionDays: v.RUNLEDGER_EVENT_RETENTION_DAYS,
    qaRetentionDays: v.RUNLEDGER_QA_RETENTION_DAYS,
    tenantAutocreate: v.RUNLEDGER_TENANT_AUTOCREATE,
    linkHosts: Object.freeze(v.RUNLEDGER_LINK_HOSTS),
    slackWebhookUrl: v.SLACK_WEBHOOK_URL ?? null,
    jaegerUiUrl: v.JAEGER_UI_URL ?? null,
    langsmith: Object.freeze({
      apiKey: v.LANGSMITH_API_KEY ?? null,
      endpoint: v.LANGSMITH_ENDPOINT,
      project: v.LANGSMITH_PROJECT ?? null,
      workspaceId: v.LANGSMITH_WORKSPACE_ID ?? null,
    }),
    logLevel: v.LOG_LEVEL,
  });
}

/** What `runledger config` prints: every variable with its effective value and where it comes from, secrets masked. */
export function describeConfig(flags: Flags = {}, environment: Environment = process.env): ConfigLine[] {
  const { values, sources } = readValues(flags, environment);
  return names.map((name) => {
    const variable = variables[name];
    const text = values[name] ?? variable.fallback;
    return {
      name,
      value: text === null ? null : variable.secret ? maskSecret(text) : text,
      source: sources[name],
      secret: variable.secret,
      about: variable.about,
    };
  });
}

/** The values that must never be printed: handed to the log, which replaces them wherever they would appear. */
export function secretValues(config: Config): string[] {
  return [
    config.databaseUrl,
    config.databaseUrl === null ? null : passwordOf(config.databaseUrl),
    config.adminToken,
    config.ingestToken,
    config.oidc?.clientSecret ?? null,
    config.slackWebhookUrl,
    config.langsmith.apiKey,
  ].filter((secret): secret is string => secret !== null && secret.length >= 6);
}

/** A password that is also the user's or the database's name would blank out half the log and is no secret. */
function passwordOf(databaseUrl: string): string | null {
  const { username, password, pathname } = new URL(databaseUrl);
  return [username, pathname.slice(1)].includes(password) ? null : decodeURIComponent(password);
}

/** Right for whoever sits at this machine; beyond it only the operator knows the name under which people come. */
function ownUrl(host: string, httpPort: number): string {
  const own = isLoopback(host) ? host : '127.0.0.1';
  return `http://${own.includes(':') && !own.startsWith('[') ? `[${own}]` : own}:${httpPort}`;
}

/** Whether only this machine can reach `host`. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}

function readValues(flags: Flags, environment: Environment): Reading {
  const reading: Reading = { values: {}, sources: {} as Record<VariableName, ValueSource>, problems: [] };
  for (const name of names) {
    const { value, source } = readValue(name, flags, environment, reading.problems);
    if (value !== undefined) reading.values[name] = value;
    reading.sources[name] = source;
  }
  return reading;
}

/** An empty variable counts as unset: compose files write `NAME=${NAME:-}`. */
function readValue(
  name: VariableName,
  flags: Flags,
  environment: Environment,
  problems: string[],
): { value: string | undefined; source: ValueSource } {
  const flag = flags[name];
  if (flag !== undefined && flag !== '') return { value: flag, source: 'flag' };
  const direct = environment[name]?.trim() || undefined;
  const file = variables[name].secret ? environment[`${name}_FILE`]?.trim() || undefined : undefined;
  if (direct !== undefined && file !== undefined)
    problems.push(`${name}: set either ${name} or ${name}_FILE, not both`);
  if (direct !== undefined) return { value: direct, source: 'environment' };
  if (file === undefined) return { value: undefined, source: 'default' };
  try {
    const value = readFileSync(file, 'utf8').trim();
    if (value === '') problems.push(`${name}_FILE: the file is empty`);
    return { value: value || undefined, source: 'file' };
  } catch (error) {
    problems.push(
      `${name}_FILE: the file cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`,
    );
    return { value: undefined, source: 'file' };
  }
}

function portClash(ports: [VariableName, number][]): string | null {
  for (const [index, [name, port]] of ports.entries()) {
    const other = ports.slice(0, index).find(([, earlier]) => port !== 0 && earlier === port);
    if (other) return `${name}: port ${port} is already taken by ${other[0]}; give each its own`;
  }
  return null;
}

/** A URL keeps its host, so that one can tell which database is meant; anything else shows nothing of itself. */
function maskSecret(text: string): string {
  if (!URL.canParse(text)) return '****';
  const url = new URL(text);
  if (!url.protocol.startsWith('postgres')) return `${url.protocol}//${url.host}/****`;
  const user = url.username === '' ? '' : `${url.username}:****@`;
  return `${url.protocol}//${user}${url.host}${url.pathname}`;
}
