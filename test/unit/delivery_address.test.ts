/** Where a message may go: every way of writing an address that is not a public host's, and names that lie about where they lead. */
import type { LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkUrl, guardedLookup, isAllowedAddress } from '../../receiver/derive/delivery/address.ts';

const PUBLIC = [
  '1.1.1.1',
  '8.8.8.8',
  '172.15.255.255',
  '172.32.0.1',
  '100.63.255.255',
  '100.128.0.0',
  '192.0.1.1',
  '223.255.255.255',
];
const PUBLIC_V6 = [
  '2606:4700:4700::1111',
  '2a00:1450:4001:82a::200e',
  '::ffff:8.8.8.8',
  '::ffff:808:808',
  '64:ff9b::808:808',
];
const PRIVATE = [
  ...[
    '10.0.0.1',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '127.0.0.1',
    '127.255.255.254',
    '100.64.0.1',
    '100.127.255.255',
  ],
  ...['192.0.0.8', '192.0.2.1', '198.18.0.1', '198.19.255.255', '198.51.100.7', '203.0.113.9', '192.88.99.1'],
  ...[
    '::1',
    'fc00::1',
    'fd12:3456::1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '0:0:0:0:0:ffff:10.0.0.1',
    '64:ff9b::a00:1',
    '::10.0.0.1',
  ],
  ...['2001:db8::1', '2001:10::1', '3fff::1', '100::1', '4000::1', '::ffff:0:127.0.0.1', '64:ff9b::7f00:1'],
];
const NEVER = [
  ...[
    '0.0.0.0',
    '0.1.2.3',
    '169.254.169.254',
    '169.254.0.1',
    '100.100.100.200',
    '168.63.129.16',
    '224.0.0.1',
    '255.255.255.255',
    '240.0.0.1',
  ],
  ...[
    '::',
    'fe80::1',
    'fe80::1%eth0',
    'febf::1',
    'fec0::1',
    'ff02::1',
    'fd00:ec2::254',
    '::ffff:169.254.169.254',
    '::ffff:a9fe:a9fe',
  ],
  ...[
    '64:ff9b::a9fe:a9fe',
    '64:ff9b:1::a9fe:a9fe',
    '2002:a9fe:a9fe::1',
    '2001:0:a9fe:a9fe::1',
    '::a9fe:a9fe',
    'metadata',
    '',
    '1.2.3',
    '1.1.1.1 ',
  ],
];

describe('an IP address', () => {
  it.each([...PUBLIC, ...PUBLIC_V6])('%s is a public host', (address) => {
    expect(isAllowedAddress(address, false)).toBe(true);
  });
  it.each(PRIVATE)('%s is refused unless private addresses are allowed', (address) => {
    expect([isAllowedAddress(address, false), isAllowedAddress(address, true)]).toEqual([false, true]);
  });
  it.each(NEVER)('"%s" is never allowed', (address) => {
    expect([isAllowedAddress(address, false), isAllowedAddress(address, true)]).toEqual([false, false]);
  });

  it('is judged alike as IPv4, mapped into IPv6, and behind NAT64', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.boolean(), (v4, allowPrivate) => {
        const hex = v4.split('.').map((part) => Number(part).toString(16).padStart(2, '0'));
        const tail = `${hex[0]}${hex[1]}:${hex[2]}${hex[3]}`;
        const expected = isAllowedAddress(v4, allowPrivate);
        for (const form of [`::ffff:${v4}`, `::FFFF:${tail}`, `0:0:0:0:0:ffff:${tail}`, `64:ff9b::${tail}`])
          expect([form, isAllowedAddress(form, allowPrivate)]).toEqual([form, expected]);
      }),
    );
  });
});

describe('the URL of a channel', () => {
  it.each([
    ['https://hooks.example.org/services/T0/B0/secret', false],
    ['https://8.8.8.8/x', false],
    ['https://[2606:4700:4700::1111]:8443/x', false],
    ['http://127.0.0.1:9093', true],
    ['http://[::1]:9093/', true],
    ['http://alertmanager:9093', true],
  ])('%s is fine', (text, allowPrivate) => {
    expect(checkUrl(text, allowPrivate)).toEqual({ url: new URL(text) });
  });

  it.each([
    ['http://hooks.example.org/x', false, /https/],
    ['ftp://hooks.example.org/x', true, /https/],
    ['file:///etc/passwd', true, /https/],
    ['https://user:s3cr3t@hooks.example.org/x', true, /user name/],
    ['https://user@hooks.example.org/x', false, /user name/],
    ['https://127.0.0.1/x', false, /private/],
    // Other spellings of 127.0.0.1 and of the metadata address.
    ['https://2130706433/x', false, /private/],
    ['https://0x7f.1/x', false, /private/],
    ['https://0177.0.0.1/x', false, /private/],
    ['https://127.1/x', false, /private/],
    ['https://[::ffff:7f00:1]/x', false, /private/],
    ['https://169.254.169.254/latest/meta-data', true, /never/],
    ['https://2852039166/', true, /never/],
    ['https://[fe80::1]/', true, /never/],
    ['not a url', false, /not a URL/],
    [`https://hooks.example.org/${'x'.repeat(2048)}`, false, /not a URL/],
  ])('%s is refused', (text, allowPrivate, problem) => {
    const checked = checkUrl(text, allowPrivate);
    expect(checked).toEqual({ problem: expect.stringMatching(problem) });
    // What is wrong is said without what is secret.
    expect(JSON.stringify(checked)).not.toMatch(/s3cr3t|latest|hooks/);
  });
});

describe('a name', () => {
  const answer = (addresses: LookupAddress[], allowPrivate: boolean, all: boolean) => {
    const resolver = ((_name: string, _options: object, callback: (error: null, found: LookupAddress[]) => void) =>
      callback(null, addresses)) as never;
    return new Promise<unknown>((resolve) => {
      const done: Parameters<LookupFunction>[2] = (error, found) => resolve(error === null ? found : error.message);
      guardedLookup(allowPrivate, resolver)('hooks.example.org', { all }, done);
    });
  };
  const good = { address: '8.8.8.8', family: 4 };
  const bad = { address: '10.0.0.7', family: 4 };

  it('leads to the addresses that were checked and to no others', async () => {
    expect(await answer([good], false, true)).toEqual([good]);
    expect(await answer([good], false, false)).toBe('8.8.8.8');
    expect(await answer([bad], true, true)).toEqual([bad]);
  });

  it('with one private address among public ones is refused, without telling which', async () => {
    for (const all of [true, false]) {
      expect(await answer([good, bad], false, all)).toMatch(/not allowed/);
      expect(await answer([good, bad], false, all)).not.toMatch(/10\.0/);
    }
    expect(await answer([{ address: '169.254.169.254', family: 4 }], true, true)).toMatch(/not allowed/);
    expect(await answer([], true, true)).toMatch(/not allowed/);
  });
});
