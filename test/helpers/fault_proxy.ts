/** A TCP proxy on loopback that cuts connections where a test wants them cut: before, in the middle of or after what is said. */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** pass it on; hold: say nothing to anybody; cut: end both sides in order, without passing it on; reset: the same with RST. */
export type Verdict = 'pass' | 'hold' | 'cut' | 'reset';

/** One connection through the proxy. `memory` is the rule's own. */
export interface Link {
  memory: Record<string, number | boolean>;
  /** Passes on these bytes of the client, before a cut. */
  forward(part: Buffer): void;
}

export interface ProxyRules {
  /** For each piece that comes from the client. */
  fromClient?(chunk: Buffer, link: Link): Verdict;
  fromServer?(chunk: Buffer, link: Link): Verdict;
}

export interface FaultProxy {
  readonly port: number;
  /** Where new connections lead; null refuses them. */
  target: number | null;
  rules: ProxyRules;
  /** Resets everything that is open. */
  resetAll(): void;
  close(): Promise<void>;
}

export async function startFaultProxy(target: number | null, rules: ProxyRules = {}): Promise<FaultProxy> {
  const open = new Set<Socket>();
  const track = (socket: Socket) => {
    open.add(socket);
    // A reset is what this proxy is for; the other side learns of it by its own close.
    socket.on('error', () => undefined).once('close', () => open.delete(socket));
    return socket;
  };
  const server = createServer((client) => {
    track(client);
    if (proxy.target === null) return client.resetAndDestroy();
    const upstream = track(connect(proxy.target, '127.0.0.1'));
    upstream.setNoDelay(true);
    client.setNoDelay(true);
    const link: Link = { memory: {}, forward: (part) => void upstream.write(part) };
    relay(client, upstream, (chunk) => proxy.rules.fromClient?.(chunk, link) ?? 'pass');
    relay(upstream, client, (chunk) => proxy.rules.fromServer?.(chunk, link) ?? 'pass');
    return undefined;
  });
  const proxy: FaultProxy = {
    port: 0,
    target,
    rules,
    resetAll: () => {
      for (const socket of open) socket.resetAndDestroy();
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(proxy, { port: (server.address() as AddressInfo).port });
}

function relay(from: Socket, to: Socket, judge: (chunk: Buffer) => Verdict): void {
  from.on('data', (chunk: Buffer) => {
    const verdict = judge(chunk);
    if (verdict === 'cut') {
      from.destroy();
      to.end();
    } else if (verdict === 'reset') {
      from.resetAndDestroy();
      to.resetAndDestroy();
    } else if (verdict === 'pass' && !to.destroyed && !to.write(chunk)) {
      from.pause();
      to.once('drain', () => from.resume());
    }
  });
  from.once('end', () => to.end());
  from.once('close', () => to.destroy());
}

/** How often each cut happened. */
export interface CutCounts {
  requestHalfSent: number;
  responseLost: number;
  connectionReset: number;
  commitNotSent: number;
  commitAnswerLost: number;
}

export const noCuts = (): CutCounts => ({
  requestHalfSent: 0,
  responseLost: 0,
  connectionReset: 0,
  commitNotSent: 0,
  commitAnswerLost: 0,
});

/** Between sender and receiver: about one exchange in `every` is cut, in one of three places. */
export function cutRequests(counts: CutCounts, every: number): ProxyRules {
  return {
    fromClient(chunk, link) {
      const die = Math.random() * every;
      if (die < 0.3) {
        counts.requestHalfSent++;
        link.forward(chunk.subarray(0, chunk.length >> 1));
        return 'cut';
      }
      if (die < 0.6) {
        counts.connectionReset++;
        link.forward(chunk);
        return 'reset';
      }
      link.memory.loseAnswer = die < 1;
      return 'pass';
    },
    fromServer(_chunk, link) {
      if (link.memory.loseAnswer !== true) return 'pass';
      counts.responseLost++;
      return 'reset';
    },
  };
}

const COMMIT = Buffer.from('commit\0');

/** Between receiver and database: about one COMMIT in `every` does not arrive, or arrives and its answer is lost. */
export function cutCommits(counts: CutCounts, every: number): ProxyRules {
  return {
    fromClient(chunk, link) {
      if (!chunk.includes(COMMIT)) return 'pass';
      const die = Math.random() * every;
      if (die < 0.5) {
        counts.commitNotSent++;
        return 'reset';
      }
      link.memory.loseAnswer = die < 1;
      return 'pass';
    },
    fromServer(_chunk, link) {
      if (link.memory.loseAnswer !== true) return 'pass';
      counts.commitAnswerLost++;
      return 'reset';
    },
  };
}
