/** Opening and closing ports: errors that name the variable to change, and an end that lets requests in flight finish. */

import type { Server } from 'node:http';
import { type AddressInfo, createServer, type Server as NetServer } from 'node:net';
import type { VariableName } from './config.ts';

/** The product cannot start as it is configured; the message says what to change. */
export class StartError extends Error {
  override readonly name = 'StartError';
  readonly code = 'ESTART';
}

export interface Endpoint {
  host: string;
  /** 0: any free port. */
  port: number;
  /** The variable that sets the port. */
  variable: VariableName;
}

/** Fails fast, before a database is started for nothing. Throws StartError. */
export async function assertPortsFree(endpoints: readonly Endpoint[]): Promise<void> {
  for (const endpoint of endpoints) {
    const probe = createServer();
    await listenOn(probe, endpoint);
    await new Promise<void>((resolve) => probe.close(() => resolve()));
  }
}

/** Resolves with the base URL. Throws StartError. */
export async function listen(server: NetServer, endpoint: Endpoint): Promise<string> {
  await listenOn(server, endpoint);
  const { address, family, port } = server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

function listenOn(server: NetServer, endpoint: Endpoint): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException) => reject(explainListen(error, endpoint));
    server.once('error', onError);
    server.listen({ port: endpoint.port, host: endpoint.host.replace(/^\[|\]$/g, ''), exclusive: true }, () => {
      server.off('error', onError);
      resolve();
    });
  });
}

function explainListen(cause: NodeJS.ErrnoException, { host, port, variable }: Endpoint): StartError {
  const options = { cause };
  switch (cause.code) {
    case 'EADDRINUSE':
      return new StartError(
        `Port ${port} on ${host} is in use by another program: stop it, or set ${variable} to a free port`,
        options,
      );
    case 'EACCES':
      return new StartError(
        `Port ${port} needs rights that this user lacks: set ${variable} to one above 1023`,
        options,
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new StartError(`This machine has no address ${host}: set RUNLEDGER_HOST to one of its own`, options);
    default:
      return new StartError(
        `Port ${port} on ${host} (${variable}) cannot be opened: ${cause.code ?? 'unknown'}`,
        options,
      );
  }
}

/** Stops accepting, waits for the requests in flight, and cuts off what is left after `withinMs`. */
export function closeServer(server: Server, withinMs: number): Promise<void> {
  return new Promise((resolve) => {
    // A connection turns idle when its last answer is out; Node closes those that are idle only once, at close().
    const idle = setInterval(() => server.closeIdleConnections(), 50);
    const cut = setTimeout(() => server.closeAllConnections(), withinMs);
    server.close(() => {
      clearInterval(idle);
      clearTimeout(cut);
      resolve();
    });
  });
}
