/**
 * Which addresses a message may go to. The check is part of resolving the name, so that the address that was checked is the one that is
 * connected to: a name that answers differently a moment later gains nothing.
 */

import { lookup as resolve } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/** Of the global IPv4 space, what is not somebody's public host. IANA special-purpose registries; multicast; reserved. */
const PRIVATE_V4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  // Azure's host agent, which has a public address and answers with secrets.
  '168.63.129.16/32',
];
/** Refused even where private addresses are allowed: no receiver of messages lives there, but machines hand out credentials there. */
const NEVER_V4 = [
  '0.0.0.0/8',
  '169.254.0.0/16',
  '100.100.100.200/32',
  '168.63.129.16/32',
  '224.0.0.0/4',
  '240.0.0.0/4',
];
/** Global unicast is 2000::/3; these parts of it are tunnels, documentation and other special purposes. */
const SPECIAL_V6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'];
const GLOBAL_V6 = ['2000::/3'];
/** Link-local, multicast, metadata hosts, and tunnels that end at an IPv4 address of the sender's choice. */
const NEVER_V6 = [
  '::/128',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
  'fd00:ec2::254/128',
  'fd20:ce::254/128',
  '64:ff9b:1::/48',
  '2001::/32',
  '2002::/16',
];
/** IPv6 forms that carry an IPv4 address in their last 32 bits: mapped, translated, and the well-known NAT64 prefix. */
const CARRIES_V4 = ['::ffff:0:0/96', '::ffff:0:0:0/96', '64:ff9b::/96', '::/96'];

const privateV4 = listOf(PRIVATE_V4, 'ipv4');
const neverV4 = listOf(NEVER_V4, 'ipv4');
const specialV6 = listOf(SPECIAL_V6, 'ipv6');
const globalV6 = listOf(GLOBAL_V6, 'ipv6');
const neverV6 = listOf(NEVER_V6, 'ipv6');

/** Thrown and passed to callbacks without the address: which names resolve to what inside is nobody's business outside. */
export class RefusedAddressError extends Error {
  override readonly name = 'RefusedAddressError';
  readonly code = 'ADDRESS_REFUSED';
}

/**
 * Whether a message may be sent to this IP address.
 * @param text an IPv4 or IPv6 address without brackets; anything else is not allowed
 * @param allowPrivate lets private, loopback and shared addresses through, never link-local and metadata addresses
 */
export function isAllowedAddress(text: string, allowPrivate: boolean): boolean {
  const family = isIP(text);
  if (family === 4) return isAllowedV4(text, allowPrivate);
  const groups = family === 6 ? groupsOf(text) : null;
  if (groups === null) return false;
  const plain = groups.map((group) => group.toString(16)).join(':');
  // A BlockList takes a mapped address for the IPv4 one, so these forms are told apart by their groups.
  const carried = carriedV4(groups);
  if (carried !== null) return isAllowedV4(carried, allowPrivate);
  if (plain === '0:0:0:0:0:0:0:1') return allowPrivate;
  if (neverV6.check(plain, 'ipv6')) return false;
  return allowPrivate || (globalV6.check(plain, 'ipv6') && !specialV6.check(plain, 'ipv6'));
}

/** A lookup for a socket that fails unless every address of the name is allowed. */
export function guardedLookup(allowPrivate: boolean, resolver: typeof resolve = resolve): LookupFunction {
  return (hostname, options, callback) => {
    resolver(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) {
        callback(error, '', 0);
        return;
      }
      const [first] = addresses;
      // One private address among public ones is enough: the socket may take any of them.
      if (first === undefined || !addresses.every(({ address }) => isAllowedAddress(address, allowPrivate)))
        return callback(new RefusedAddressError('The name resolves to an address that is not allowed'), '', 0);
      if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}

/**
 * Reads a channel's URL.
 * @returns the URL, or what is wrong with it in words that do not repeat it
 */
export function checkUrl(text: string, allowPrivate: boolean): { url: URL } | { problem: string } {
  if (text.length > 2048 || !URL.canParse(text)) return { problem: 'is not a URL such as https://host/path' };
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return { problem: 'must begin with https://' };
  if (url.protocol === 'http:' && !allowPrivate)
    return {
      problem:
        'must begin with https://; plain http is for private addresses alone, and only where they are allowed (--allow-private)',
    };
  if (url.username !== '' || url.password !== '') return { problem: 'must not hold a user name or a password' };
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0 && !isAllowedAddress(host, allowPrivate))
    return {
      problem: allowPrivate
        ? 'points to a link-local, metadata or multicast address, which is never allowed'
        : 'points to a private or special address; allow private addresses for this channel (--allow-private) if that is meant',
    };
  return { url };
}

function listOf(subnets: readonly string[], family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList();
  for (const subnet of subnets) {
    const [address = '', prefix = ''] = subnet.split('/');
    list.addSubnet(address, Number(prefix), family);
  }
  return list;
}

function isAllowedV4(text: string, allowPrivate: boolean): boolean {
  if (neverV4.check(text, 'ipv4')) return false;
  return allowPrivate || !privateV4.check(text, 'ipv4');
}

/** The eight groups of an IPv6 address in any spelling; null with a zone, which only link-local addresses have. */
function groupsOf(text: string): number[] | null {
  const bracketed = `http://[${text}]/`;
  if (!URL.canParse(bracketed)) return null;
  const [head = '', tail] = new URL(bracketed).hostname.slice(1, -1).split('::');
  const read = (part: string) => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)));
  const left = read(head);
  if (tail === undefined) return left;
  const right = read(tail);
  return [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right];
}

/** The IPv4 address inside; null where there is none. Unspecified and loopback are addresses of their own, not IPv4 ones. */
function carriedV4(groups: number[]): string | null {
  const prefix = groups.slice(0, 6).map((group) => group.toString(16));
  const [high = 0, low = 0] = groups.slice(6);
  if (!CARRIES_V4.some((form) => samePrefix(form, prefix))) return null;
  if (prefix.every((group) => group === '0') && high === 0 && low <= 1) return null;
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

function samePrefix(form: string, prefix: readonly string[]): boolean {
  const expected = groupsOf(form.slice(0, form.indexOf('/'))) ?? [];
  return prefix.every((group, index) => group === (expected[index] ?? 0).toString(16));
}
