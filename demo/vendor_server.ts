/** The small server on 127.0.0.1 that plays all vendors of the demo. The pipeline talks to it as to them: by HTTP, knowing nothing of it. */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { booksOf, type VendorAccount } from './vendor_accounts.ts';
import { ANSWERERS, type Answer } from './vendor_answers.ts';

export const ACCOUNT_HEADER = 'x-account';

export interface VendorServer {
  url: string;
  /** From now on requests that name this account are answered. */
  admit(account: VendorAccount): void;
  close(): Promise<void>;
}

export async function startVendorServer(): Promise<VendorServer> {
  const accounts = new Map<string, VendorAccount>();
  const server = createServer((request, response) => {
    serve(request, response, accounts).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : new Error(String(error)));
    });
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    admit: (account) => void accounts.set(account.id, account),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  accounts: ReadonlyMap<string, VendorAccount>,
): Promise<void> {
  const account = accounts.get(String(request.headers[ACCOUNT_HEADER]));
  const [, vendor = '', ...rest] = (request.url ?? '').split('/');
  const answerer = Object.hasOwn(ANSWERERS, vendor) ? ANSWERERS[vendor] : undefined;
  if (account === undefined || answerer === undefined) {
    return send(response, { status: 404, body: { message: 'No such vendor or account' }, delayMs: 0 });
  }
  const body = await readJson(request);
  booksOf(account, vendor === 'apify' ? 'apify_linkedin' : vendor).requests++;
  const answer = answerer(account, rest.join('/'), body);
  if (answer === 'silence') return;
  if (answer === 'break') response.destroy();
  else send(response, answer);
}

function send(response: ServerResponse, { status, body, headers, delayMs }: Answer): void {
  const isText = typeof body === 'string';
  const timer = setTimeout(() => {
    response.writeHead(status, { 'content-type': isText ? 'text/plain' : 'application/json', ...headers });
    response.end(isText ? body : JSON.stringify(body));
  }, delayMs);
  response.once('close', () => clearTimeout(timer));
}

async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return chunks.length === 0 ? {} : JSON.parse(Buffer.concat(chunks).toString());
}
