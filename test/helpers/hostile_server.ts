/** Servers on loopback that answer messages well or badly, and keep what they were sent. */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';

export interface Received {
  headers: IncomingHttpHeaders;
  body: string;
  path: string;
  atMs: number;
}

export interface TestTarget {
  url: string;
  port: number;
  received: Received[];
  close(): Promise<void>;
}

export type Answer = (response: ServerResponse, request: Received, count: number) => void;

/** An HTTP server; `answer` writes, or does not write, the response. Default: 200 and `ok`. */
export function startTarget(answer: Answer = (response) => response.end('ok')): Promise<TestTarget> {
  const received: Received[] = [];
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      const one = { headers: request.headers, body, path: request.url ?? '', atMs: Date.now() };
      received.push(one);
      answer(response, one, received.length);
    });
  });
  return listening(server, received);
}

/** A TCP server that does to each connection what `meet` does. */
export function startRaw(meet: (socket: Socket) => void): Promise<TestTarget> {
  const server = createTcpServer((socket) => {
    socket.on('error', () => undefined);
    meet(socket);
  });
  return listening(server, []);
}

function listening(server: Server, received: Received[]): Promise<TestTarget> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      resolve({
        url: `http://127.0.0.1:${port}/hook/SECRET-PATH?key=SECRET-QUERY`,
        port,
        received,
        close: () =>
          new Promise((closed) => {
            for (const socket of sockets) socket.destroy();
            server.close(() => closed());
          }),
      });
    });
  });
}
