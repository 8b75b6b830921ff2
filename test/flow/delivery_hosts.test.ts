/** One post to hosts that answer badly, slowly, without end or not at all: it ends within its time, goes nowhere else, and tells only the kind of failure. */
import type { LookupAddress } from 'node:dns';
import { afterEach, describe, expect, it } from 'vitest';
import { guardedLookup } from '../../receiver/derive/delivery/address.ts';
import { type PostOutcome, type PostRequest, post } from '../../receiver/derive/delivery/post.ts';
import { type Answer, startRaw, startTarget, type TestTarget } from '../helpers/hostile_server.ts';

const open: TestTarget[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((target) => target.close()));
});

async function target(answer?: Answer): Promise<TestTarget> {
  const started = await startTarget(answer);
  open.push(started);
  return started;
}

async function raw(meet: Parameters<typeof startRaw>[0]): Promise<TestTarget> {
  const started = await startRaw(meet);
  open.push(started);
  return started;
}

const request = (url: string, more: Partial<PostRequest> = {}): PostRequest => ({
  url,
  body: '{"a":"ä"}',
  headers: { 'content-type': 'application/json' },
  allowPrivate: true,
  ...more,
});

const believesOk = (answer: string) => answer === 'ok';

/** Whatever came back, it holds nothing of the URL and nothing that the other side said. */
function expectSilent(outcome: PostOutcome): void {
  expect(JSON.stringify(outcome)).not.toMatch(/SECRET|127\.0\.0\.1|LEAK|hook|elsewhere/);
}

describe('a good host', () => {
  it('gets the body whole, once, on a connection of its own', async () => {
    const host = await target();
    expect(await post(request(host.url, { believes: believesOk }))).toEqual({ ok: true, status: 200 });
    expect(host.received).toHaveLength(1);
    expect(host.received[0]).toMatchObject({
      body: '{"a":"ä"}',
      path: '/hook/SECRET-PATH?key=SECRET-QUERY',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'runledger',
        'content-length': '10',
        connection: 'close',
      },
    });
  });
});

describe('an answer', () => {
  it.each([
    [400, true],
    [401, true],
    [403, true],
    [404, true],
    [410, true],
    [408, false],
    [429, false],
    [500, false],
    [503, false],
  ])('%i is told as its status; refused: %s', async (status, refused) => {
    const host = await target((response) => response.writeHead(status, { 'x-why': 'LEAK' }).end('LEAK of everything'));
    const outcome = await post(request(host.url));
    expect(outcome).toEqual({ ok: false, status, failure: `status ${status}`, refused, retryAfterMs: null });
  });

  it('429 with Retry-After tells for how long', async () => {
    const host = await target((response) => response.writeHead(429, { 'retry-after': '90' }).end());
    expect(await post(request(host.url))).toMatchObject({ status: 429, retryAfterMs: 90_000 });
  });

  it('that redirects is not followed, wherever it points', async () => {
    const other = await target();
    for (const status of [301, 302, 303, 307, 308]) {
      const host = await target((response) => response.writeHead(status, { location: `${other.url}/elsewhere` }).end());
      const outcome = await post(request(host.url));
      expect(outcome).toMatchObject({ ok: false, status, refused: true });
      expectSilent(outcome);
    }
    expect(other.received).toEqual([]);
  });

  it('of 200 with an error inside is a failure where words decide, and is never repeated', async () => {
    const host = await target((response) => response.end('LEAK: invalid_payload'));
    const outcome = await post(request(host.url, { believes: believesOk }));
    expect(outcome).toMatchObject({ ok: false, status: 200, refused: true });
    expectSilent(outcome);
    expect(await post(request(host.url))).toEqual({ ok: true, status: 200 });
  });

  it('without end is read to 4 KiB and no further', async () => {
    let written = 0;
    const host = await target((response) => {
      const more = () => {
        while (!response.destroyed && written < 2 ** 30) {
          written += 65_536;
          if (!response.write(Buffer.alloc(65_536, 'x'))) {
            response.once('drain', more);
            return;
          }
        }
      };
      more();
    });
    let seen = 0;
    const outcome = await post(
      request(host.url, {
        believes: (answer) => {
          seen = answer.length;
          return false;
        },
      }),
    );
    expect(outcome.ok).toBe(false);
    expect(seen).toBe(4_096);
    expect(written).toBeLessThan(64 * 2 ** 20);
    expect(await post(request(host.url))).toEqual({ ok: true, status: 200 });
  });

  it('with headers without end is cut off', async () => {
    const host = await raw((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      const more = () => {
        while (socket.writable && socket.write(`x-${'y'.repeat(1_000)}: LEAK\r\n`));
      };
      socket.on('drain', more);
      more();
    });
    const outcome = await post(request(host.url));
    expect(outcome).toMatchObject({ ok: false, failure: expect.stringMatching(/^the connection failed/) });
    expectSilent(outcome);
  });
});

describe('a host that takes its time', () => {
  it.each<[string, () => Promise<TestTarget>, Partial<PostRequest>]>([
    ['never answers', () => target(() => undefined), {}],
    ['never says a word', () => raw(() => undefined), {}],
    [
      'hangs in the middle of the body that matters',
      () => target((response) => void response.write('o')),
      { believes: believesOk },
    ],
    [
      'sends its headers byte by byte',
      () =>
        raw((socket) => {
          socket.write('HTTP/1.1 200 OK\r\nx: ');
          const timer = setInterval(() => socket.write('y'), 200);
          socket.on('close', () => clearInterval(timer));
        }),
      {},
    ],
    [
      'sends informational answers for ever',
      () =>
        raw((socket) => {
          const timer = setInterval(() => socket.write('HTTP/1.1 102 Processing\r\n\r\n'), 100);
          socket.on('close', () => clearInterval(timer));
        }),
      {},
    ],
  ])(
    'and %s is left after five seconds',
    async (_, start, more) => {
      const host = await start();
      const outcome = await post(request(host.url, more));
      expect(outcome).toMatchObject({ ok: false, refused: false });
      expectSilent(outcome);
    },
    30_000,
  );

  it('hanging in a body that does not matter has taken the message', async () => {
    const host = await target((response) => void response.write('x'));
    expect(await post(request(host.url))).toEqual({ ok: true, status: 200 });
  });
});

describe('a connection', () => {
  it('that is reset, closed, full of garbage, refused or not TLS fails by its kind', async () => {
    const hosts = {
      reset: (await raw((socket) => socket.on('data', () => socket.resetAndDestroy()))).port,
      closed: (await raw((socket) => socket.on('data', () => socket.end()))).port,
      garbage: (await raw((socket) => socket.end('LEAK LEAK LEAK\r\n\r\n'))).port,
      upgrade: (
        await raw((socket) =>
          socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: LEAK\r\nconnection: upgrade\r\n\r\n'),
        )
      ).port,
      halfway: (await raw((socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nLEAK'))).port,
    };
    for (const port of Object.values(hosts)) {
      const outcome = await post(request(`http://127.0.0.1:${port}/SECRET`, { believes: believesOk }));
      expect(outcome).toMatchObject({ ok: false, refused: false });
      expectSilent(outcome);
      // The same host asked for TLS answers garbage.
      const secure = await post(request(`https://127.0.0.1:${port}/SECRET`, { believes: believesOk }));
      expect(secure.ok).toBe(false);
      expectSilent(secure);
    }
    const gone = await startTarget();
    await gone.close();
    const outcome = await post(request(gone.url));
    expect(outcome).toMatchObject({ ok: false, failure: 'the connection failed (ECONNREFUSED)' });
  });
});

describe('a name that leads inside', () => {
  const leadsTo = (...addresses: string[]) => {
    const found: LookupAddress[] = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    return ((_name: string, _options: object, callback: (error: null, list: LookupAddress[]) => void) =>
      callback(null, found)) as never;
  };

  it('is never connected to', async () => {
    const host = await target();
    for (const addresses of [
      ['127.0.0.1'],
      ['8.8.8.8', '127.0.0.1'],
      ['::1'],
      ['::ffff:127.0.0.1'],
      ['169.254.169.254'],
    ]) {
      const lookup = guardedLookup(false, leadsTo(...addresses));
      const outcome = await post(
        request(`https://hook.example.org:${host.port}/SECRET`, { allowPrivate: false }),
        lookup,
      );
      expect(outcome).toMatchObject({ ok: false, refused: true, failure: expect.stringMatching(/private or special/) });
      expectSilent(outcome);
    }
    expect(host.received).toEqual([]);
  });

  it('is asked once, so that no second answer can lead elsewhere', async () => {
    const host = await target();
    let asked = 0;
    const lookup = guardedLookup(true, ((
      _n: string,
      _o: object,
      callback: (error: null, list: LookupAddress[]) => void,
    ) => {
      asked++;
      callback(null, [{ address: asked === 1 ? '127.0.0.1' : '169.254.169.254', family: 4 }]);
    }) as never);
    const outcome = await post(request(`http://rebinding.example.org:${host.port}/SECRET`), lookup);
    expect(outcome).toEqual({ ok: true, status: 200 });
    expect([asked, host.received.length]).toEqual([1, 1]);
  });

  it('or an address that leads inside is refused before anything is sent', async () => {
    const host = await target();
    for (const url of [host.url, host.url.replace('http:', 'https:'), `https://[::ffff:127.0.0.1]:${host.port}/`]) {
      const outcome = await post(request(url, { allowPrivate: false }));
      expect(outcome).toMatchObject({ ok: false, status: null, refused: true });
      expectSilent(outcome);
    }
    expect(host.received).toEqual([]);
  });
});
