/** Every variable that the receiver knows: what it is for, what is allowed, its default. config.ts and the documentation read this one table. */

import { z } from 'zod';

interface Variable<S extends z.ZodType> {
  schema: S;
  about: string;
  /** Never shown, and readable from a file named by NAME_FILE. */
  secret: boolean;
  /** The default as text, null when there is none. */
  fallback: string | null;
}

function plain<S extends z.ZodType>(about: string, fallback: string, schema: S): Variable<z.ZodPrefault<S>> {
  return { about, fallback, secret: false, schema: schema.prefault(fallback as z.input<S>) };
}

function optional<S extends z.ZodType>(about: string, schema: S): Variable<z.ZodOptional<S>> {
  return { about, fallback: null, secret: false, schema: schema.optional() };
}

function secret<S extends z.ZodType>(about: string, schema: S): Variable<z.ZodOptional<S>> {
  return { about, fallback: null, secret: true, schema: schema.optional() };
}

function wholeNumber(lowest: number, highest: number) {
  const error = `must be a whole number from ${lowest} to ${highest}`;
  return z
    .string()
    .regex(/^\d{1,9}$/, { error, abort: true })
    .transform(Number)
    .pipe(z.number().min(lowest, { error }).max(highest, { error }));
}

function urlOf(protocols: readonly string[], example: string) {
  const error = `must be a URL such as ${example}`;
  return z.string().refine((text) => URL.canParse(text) && protocols.includes(new URL(text).protocol), { error });
}

const port = () => wholeNumber(0, 65_535);
const days = () => wholeNumber(1, 3_650);
const text = () => z.string();
const httpUrl = (example: string) => urlOf(['http:', 'https:'], example);

/** A base that paths are put behind. A password in it would stand in every message. */
const baseUrl = (example: string, { keepsSlash = false } = {}) =>
  httpUrl(example)
    .refine((text) => !/[?#@]/.test(text), { error: 'must have no query, no fragment and no password' })
    .transform((text) => (keepsSlash ? text : text.replace(/\/+$/, '')));

const label = () =>
  z.string().regex(/^[\p{L}\p{N}\p{P}\p{S} ]{1,40}$/u, { error: 'must be 1 to 40 visible characters' });

const openIdScopes = () =>
  z
    .string()
    .regex(/^[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*$/, {
      error: 'must be scopes with one space between them',
    })
    .refine((scopes) => scopes.split(' ').includes('openid'), { error: 'must contain openid' });

const token = () =>
  z.string().regex(/^[\x21-\x7e]{16,256}$/, { error: 'must be 16 to 256 visible ASCII characters without spaces' });

const hostPattern = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;

const flag = () =>
  z
    .string()
    .toLowerCase()
    .pipe(z.enum(['0', '1', 'false', 'true'], { error: 'must be 0, 1, false or true' }))
    .transform((value) => value === '1' || value === 'true');

const hostList = () =>
  z
    .string()
    .transform((list) => list.split(',').map((host) => host.trim().toLowerCase()))
    .pipe(
      z.array(
        z
          .string()
          .regex(hostPattern, { error: 'must be host names separated by commas, without scheme, port or path' }),
      ),
    );

export const variables = {
  DATABASE_URL: secret(
    'PostgreSQL 15 to 18 to use; unset: an embedded one in the data folder',
    urlOf(['postgres:', 'postgresql:'], 'postgres://user:password@host:5432/database'),
  ),
  RUNLEDGER_DATA_DIR: plain('Folder of the embedded PostgreSQL and of generated tokens', '.runledger', text()),
  RUNLEDGER_HOST: plain(
    'Address that all ports listen on',
    '127.0.0.1',
    z.string().regex(/^[A-Za-z0-9.:_-]{1,253}$/, { error: 'must be an IP address or a host name' }),
  ),
  RUNLEDGER_OTLP_HTTP_PORT: plain('OTLP over HTTP', '4318', port()),
  RUNLEDGER_OTLP_GRPC_PORT: plain('OTLP over gRPC', '4317', port()),
  RUNLEDGER_HTTP_PORT: plain('API, dashboard, health and metrics', '8080', port()),
  RUNLEDGER_PUBLIC_URL: optional(
    'Where people reach API and dashboard, for links in alerts; unset: RUNLEDGER_HTTP_PORT on this machine',
    baseUrl('https://runledger.example.com'),
  ),
  RUNLEDGER_ADMIN_TOKEN: secret('Admin token; unset: made at first start and kept in the data folder', token()),
  RUNLEDGER_INGEST_TOKEN: secret('Ingest token; unset: made at first start and kept in the data folder', token()),
  RUNLEDGER_OIDC_ISSUER: optional(
    'OpenID Connect provider at which people sign in to the dashboard; unset: by token alone',
    baseUrl('https://login.example.com/realms/main', { keepsSlash: true }),
  ),
  RUNLEDGER_OIDC_CLIENT_ID: optional('Client that the provider knows Runledger by', text()),
  RUNLEDGER_OIDC_CLIENT_SECRET: secret('Its secret; unset: a public client', text()),
  RUNLEDGER_OIDC_NAME: plain('Of the provider, on the button: "Sign in with ..."', 'single sign-on', label()),
  RUNLEDGER_OIDC_SCOPES: plain('What the provider is asked for', 'openid profile', openIdScopes()),
  RUNLEDGER_OIDC_CLAIM: plain('Claim that says what somebody may see; dots lead into it', 'groups', text().max(256)),
  RUNLEDGER_OIDC_ADMIN: optional('Values of the claim, comma-separated, that may see and manage everything', text()),
  RUNLEDGER_OIDC_TENANTS: optional('value=tenant or value=tenant:review, comma-separated', text()),
  RUNLEDGER_OIDC_SESSION_MINUTES: plain('How long a sign-in at the provider holds', '720', wholeNumber(5, 720)),
  RUNLEDGER_EVENT_RETENTION_DAYS: plain('Days that events are kept', '30', days()),
  RUNLEDGER_QA_RETENTION_DAYS: plain('Days that QA samples are kept', '90', days()),
  RUNLEDGER_TENANT_AUTOCREATE: plain('1: an ingest token registers tenants it names', '0', flag()),
  RUNLEDGER_LINK_HOSTS: plain(
    'Hosts that a LangSmith link may point to',
    'smith.langchain.com,eu.smith.langchain.com,aws.smith.langchain.com,apac.smith.langchain.com',
    hostList(),
  ),
  SLACK_WEBHOOK_URL: secret(
    'Slack incoming webhook for alerts of all tenants',
    urlOf(['https:'], 'https://hooks.slack.com/services/...'),
  ),
  JAEGER_UI_URL: optional('Base URL of the Jaeger UI, for links to traces', httpUrl('http://127.0.0.1:16686')),
  LANGSMITH_API_KEY: secret('LangSmith key, for links only', text()),
  LANGSMITH_ENDPOINT: plain(
    'LangSmith API',
    'https://api.smith.langchain.com',
    httpUrl('https://api.smith.langchain.com'),
  ),
  LANGSMITH_PROJECT: optional('LangSmith project', text()),
  LANGSMITH_WORKSPACE_ID: optional('LangSmith workspace', text()),
  LOG_LEVEL: plain(
    'Lowest level that is logged',
    'info',
    z
      .string()
      .toLowerCase()
      .pipe(
        z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
          error: 'must be trace, debug, info, warn, error, fatal or silent',
        }),
      ),
  ),
} as const;
