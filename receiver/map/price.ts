/**
 * What a vendor call cost when its span does not say: own prices first (runledger.prices; a tenant's row, then everybody's), then the
 * built-in list of LLM prices by model, provider and date. Unknown stays unknown: never 0 and never guessed.
 *
 * Amounts are exact: integers at 18 decimals, rounded half even to 12 at the end.
 */

import { calcPrice } from '@pydantic/genai-prices';
import { plainDecimal } from './number.ts';
import type { Price, Snapshot } from './snapshot.ts';

export interface Usage {
  tenantId: number;
  /** Canonical vendor, as stored. */
  vendor: string;
  /** The provider and model as the span names them; null when it does not. */
  provider: string | null;
  model: string | null;
  atUs: number;
  calls: number;
  units: number | null;
  /** Input includes cached tokens, output includes reasoning. Null when not stated. */
  tokensInput: number | null;
  tokensOutput: number | null;
  tokensCacheRead: number;
  tokensCacheWrite: number;
}

export interface Cost {
  costUsd: string;
  priceId: string;
}

export type PriceUsage = (usage: Usage) => Cost | null;

const SCALE_DIGITS = 18;
const RESULT_DIGITS = 12;
/** Prices that depend on the time of day change on the half hour; those that depend on the date, at midnight. */
const STEADY_US = 300_000_000;
const MAX_MODEL_CHARS = 200;
const MAX_CACHED_LISTS = 5_000;

export function createPriceBook(snapshot: Snapshot): PriceUsage {
  const ownByVendor = new Map<string, Price[]>();
  for (const price of snapshot.prices) {
    const prices = ownByVendor.get(price.vendor);
    if (prices === undefined) ownByVendor.set(price.vendor, [price]);
    else prices.push(price);
  }
  const lists = new Map<string, TokenPrices | null>();

  return (usage) => {
    const own = ownByVendor.get(usage.vendor);
    const cost = own === undefined ? null : priceByOwn(own, usage);
    if (cost !== null) return cost;
    if (usage.model === null || usage.model.length > MAX_MODEL_CHARS) return null;
    if (usage.tokensInput === null && usage.tokensOutput === null) return null;
    return priceByList(usage, usage.model, lists);
  };
}

// Own prices -----------------------------------------------------------------------------------------------------------------

function priceByOwn(prices: readonly Price[], usage: Usage): Cost | null {
  const counts: Record<Price['unit'], number | null> = {
    call: usage.calls,
    unit: usage.units,
    token_input: usage.tokensInput,
    token_output: usage.tokensOutput,
  };
  let total = 0n;
  const ids: string[] = [];
  for (const unit of Object.keys(counts) as Price['unit'][]) {
    const price = bestOwn(prices, unit, usage);
    if (price === undefined) continue;
    const count = counts[unit];
    // Priced by something that the span does not state: not known.
    if (count === null) return null;
    total += BigInt(count) * scaled(price.amountUsd);
    ids.push(price.id);
  }
  return ids.length === 0 ? null : { costUsd: format(total), priceId: `own:${ids.join('+')}` };
}

/** A tenant's own row before everybody's, a model's before the vendor's, the newest that was valid then. */
function bestOwn(prices: readonly Price[], unit: Price['unit'], usage: Usage): Price | undefined {
  const weight = (price: Price) => (price.tenantId === null ? 0 : 2) + (price.model === null ? 0 : 1);
  let best: Price | undefined;
  for (const price of prices) {
    const fits =
      price.unit === unit &&
      price.fromUs <= usage.atUs &&
      (price.tenantId === null || price.tenantId === usage.tenantId) &&
      (price.model === null || price.model === usage.model);
    if (!fits) continue;
    const wins =
      best === undefined ||
      weight(price) > weight(best) ||
      (weight(price) === weight(best) && price.fromUs > best.fromUs);
    if (wins) best = price;
  }
  return best;
}

// The built-in list ----------------------------------------------------------------------------------------------------------

interface TokenPrices {
  id: string;
  /** As the list knows it. */
  provider: string;
  /** null: the list has no price for these tokens, so what uses any is not known. */
  input: bigint | null;
  output: bigint | null;
  /** Of one call, beside its tokens. */
  call: bigint;
  cacheRead: bigint;
  cacheWrite: bigint;
  /** From this many input tokens on other prices hold (long context); the list itself computes those. */
  flatBelow: number;
}

function priceByList(usage: Usage, model: string, lists: Map<string, TokenPrices | null>): Cost | null {
  const input = usage.tokensInput ?? 0;
  const output = usage.tokensOutput ?? 0;
  // Looking a model up costs 30 us, so what a few minutes have in common is looked up once.
  const key = `${usage.provider}\0${usage.vendor}\0${model}\0${Math.floor(usage.atUs / STEADY_US)}`;
  let prices = lists.get(key);
  if (prices === undefined) {
    if (lists.size >= MAX_CACHED_LISTS) lists.clear();
    prices = readList(providersOf(usage), model, usage.atUs);
    lists.set(key, prices);
  }
  if (prices === null) return null;
  if ((prices.input === null && input > 0) || (prices.output === null && output > 0)) return null;
  const cacheRead = Math.min(usage.tokensCacheRead, input);
  const cacheWrite = Math.min(usage.tokensCacheWrite, input - cacheRead);
  if (input >= prices.flatBelow) {
    const computed = askList(prices.provider, model, usage.atUs, { input, output, cacheRead, cacheWrite });
    return computed === null ? null : { costUsd: format(scaled(computed.total_price.toFixed(15))), priceId: prices.id };
  }
  const total =
    BigInt(usage.calls) * prices.call +
    BigInt(input - cacheRead - cacheWrite) * (prices.input ?? 0n) +
    BigInt(cacheRead) * prices.cacheRead +
    BigInt(cacheWrite) * prices.cacheWrite +
    BigInt(output) * (prices.output ?? 0n);
  return { costUsd: format(total), priceId: prices.id };
}

function askList(
  provider: string,
  model: string,
  atUs: number,
  tokens: { input: number; output: number; cacheRead: number; cacheWrite: number },
) {
  const usage = {
    input_tokens: tokens.input,
    output_tokens: tokens.output,
    ...(tokens.cacheRead > 0 && { cache_read_tokens: tokens.cacheRead }),
    ...(tokens.cacheWrite > 0 && { cache_write_tokens: tokens.cacheWrite }),
  };
  try {
    return calcPrice(usage, model, { timestamp: new Date(atUs / 1000), providerId: provider });
  } catch {
    // The list throws where a provider or a unit is unknown to it; unknown is an answer here.
    return null;
  }
}

/** The provider as the span names it, in the list's spelling (x-ai for x_ai), and the vendor that it stands for. */
function providersOf({ provider, vendor }: Usage): string[] {
  const named = provider ?? vendor;
  return [...new Set([named, named.replaceAll('_', '-'), vendor])].filter((name) => name !== '');
}

function readList(providers: readonly string[], model: string, atUs: number): TokenPrices | null {
  for (const provider of providers) {
    const found = askList(provider, model, atUs, { input: 1, output: 1, cacheRead: 0, cacheWrite: 0 });
    if (found !== null) return tokenPrices(found, provider);
  }
  return null;
}

function tokenPrices(found: NonNullable<ReturnType<typeof askList>>, provider: string): TokenPrices | null {
  let flatBelow = Number.POSITIVE_INFINITY;
  const base = (name: string): bigint | null => {
    const price = found.model_price[name];
    if (price === undefined) return null;
    if (typeof price === 'number') return perToken(price);
    for (const tier of price.tiers) flatBelow = Math.min(flatBelow, tier.start);
    return perToken(price.base);
  };
  const input = base('input_mtok');
  const output = base('output_mtok');
  const perCall = found.model_price.requests_kcount;
  if (input === null && output === null && perCall === undefined) return null;
  return {
    provider,
    id: `genai-prices:${found.provider.id}/${found.model.id}`,
    input,
    output,
    call: typeof perCall === 'number' ? scaled(plainDecimal(String(perCall))) / 1000n : 0n,
    cacheRead: base('cache_read_mtok') ?? input ?? 0n,
    cacheWrite: base('cache_write_mtok') ?? input ?? 0n,
    flatBelow,
  };
}

/** The list prices a million tokens. */
function perToken(usdPerMillion: number): bigint {
  return scaled(plainDecimal(String(usdPerMillion))) / 1_000_000n;
}

// Exact decimals -------------------------------------------------------------------------------------------------------------

function scaled(decimal: string): bigint {
  const [whole = '0', fraction = ''] = decimal.split('.');
  return BigInt(whole + fraction.slice(0, SCALE_DIGITS).padEnd(SCALE_DIGITS, '0'));
}

function format(amount: bigint): string {
  const step = 10n ** BigInt(SCALE_DIGITS - RESULT_DIGITS);
  let units = amount / step;
  const rest = amount % step;
  if (rest * 2n > step || (rest * 2n === step && units % 2n === 1n)) units += 1n;
  const digits = units.toString().padStart(RESULT_DIGITS + 1, '0');
  return plainDecimal(`${digits.slice(0, -RESULT_DIGITS)}.${digits.slice(-RESULT_DIGITS)}`);
}
