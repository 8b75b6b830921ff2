/** An API with sign-in at an identity provider of the test, and browsers that go there and back as real ones do. */

import { randomBytes } from 'node:crypto';
import { type ConfigError, loadConfig } from '../../receiver/config.ts';
import type { OidcConfig } from '../../receiver/config_oidc.ts';
import type { OidcDeps } from '../../receiver/serve/oidc.ts';
import { type ApiUnderTest, startApi } from '../flow/api_server.ts';
import {
  CLIENT_ID,
  CLIENT_SECRET,
  type IdentityProvider,
  type Malice,
  startIdentityProvider,
} from './identity_provider.ts';

export interface OidcScene {
  api: ApiUnderTest;
  provider: IdentityProvider;
  /** What the API was made with. */
  deps: OidcDeps;
  browser(): TestBrowser;
  close(): Promise<void>;
}

/** The settings as the configuration makes them of variables. @throws ConfigError */
export function oidcSettings(publicUrl: string, issuer: string, variables: Record<string, string> = {}): OidcConfig {
  const { oidc } = loadConfig(
    {},
    {
      RUNLEDGER_PUBLIC_URL: publicUrl,
      RUNLEDGER_OIDC_ISSUER: issuer,
      RUNLEDGER_OIDC_CLIENT_ID: CLIENT_ID,
      RUNLEDGER_OIDC_CLIENT_SECRET: CLIENT_SECRET,
      RUNLEDGER_OIDC_NAME: 'Keysmith',
      RUNLEDGER_OIDC_ADMIN: 'ledger-admins',
      RUNLEDGER_OIDC_TENANTS: 'sales=7,reviewers=7:review,runledger-tenant-*=*',
      ...variables,
    },
  );
  if (oidc === null) throw new Error('There is an issuer and no sign-in');
  return oidc;
}

export function problemsOf(work: () => unknown): readonly string[] {
  try {
    work();
    return [];
  } catch (error) {
    return (error as ConfigError).problems;
  }
}

export async function openOidcScene(
  options: { variables?: Record<string, string>; bindHost?: string; malice?: Malice } = {},
): Promise<OidcScene> {
  const provider = await startIdentityProvider();
  Object.assign(provider.malice, options.malice);
  let deps: OidcDeps | undefined;
  const api = await startApi({
    bindHost: options.bindHost ?? '127.0.0.1',
    oidc: (url) => {
      deps = { settings: oidcSettings(url, provider.issuer, options.variables), privacyKey: randomBytes(32) };
      return deps;
    },
  });
  if (deps === undefined) throw new Error('The API was made without sign-in');
  return {
    api,
    provider,
    deps,
    browser: () => new TestBrowser(api.url),
    async close() {
      await api.stop();
      await provider.close();
    },
  };
}

/** Keeps cookies and follows nothing by itself. */
export class TestBrowser {
  readonly url: string;
  readonly cookies = new Map<string, string>();
  /** Everything that the ledger sent: headers and bodies. */
  readonly seen: string[] = [];

  constructor(url: string) {
    this.url = url;
  }

  async ask(path: string, init: RequestInit = {}): Promise<Response> {
    const target = new URL(path, this.url).href;
    const isLedger = target.startsWith(this.url);
    const Cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { ...(isLedger ? { Cookie } : {}), ...(init.headers as Record<string, string>) };
    const answer = await fetch(target, { redirect: 'manual', ...init, headers });
    if (isLedger) this.#keep(answer);
    if (isLedger) this.seen.push(JSON.stringify([...answer.headers]), await answer.clone().text());
    return answer;
  }

  #keep(answer: Response): void {
    for (const line of answer.headers.getSetCookie()) {
      const [name = '', value = ''] = line.split(';')[0]?.split('=') ?? [];
      if (value === '' || /Max-Age=0|Expires=Thu, 01 Jan 1970/.test(line)) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
  }

  /** @returns the address with which the provider sends the browser back, not yet asked for */
  async toProvider(query = ''): Promise<string> {
    const there = await this.ask(`/oidc/start${query}`);
    const back = await this.ask(there.headers.get('location') ?? '');
    return back.headers.get('location') ?? '';
  }

  /** The whole way. @returns where the ledger leads in the end */
  async signIn(query = ''): Promise<string> {
    const end = await this.ask(await this.toProvider(query));
    return end.headers.get('location') ?? `status ${end.status}`;
  }

  async session(): Promise<Record<string, unknown>> {
    return (await (await this.ask('/ui/session')).json()) as Record<string, unknown>;
  }

  change(method: string, path: string, body?: object): Promise<Response> {
    const headers = { 'X-Runledger-Ui': '1', 'Content-Type': 'application/json' };
    return this.ask(path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  }

  /** As if this cookie had always been there. @param port of the ledger it is shown to */
  plant(value: string, port = new URL(this.url).port): this {
    this.cookies.set(`runledger_${port}`, value);
    return this;
  }

  sessionCookie(): string {
    return [...this.cookies].find(([name]) => /^runledger_\d+$/.test(name))?.[1] ?? '';
  }
}
