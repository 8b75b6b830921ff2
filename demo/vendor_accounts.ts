/** The vendors' side of the demo: one account per tenant and night, with its credit and with what the vendor itself has booked. */

import type { DemoTenant } from './companies.ts';
import type { Night, Weather } from './nights.ts';

/** What a vendor would put on its invoice, and how often it said no. */
export interface VendorBooks {
  requests: number;
  /** Answers with 429. */
  rateLimited: number;
  /** Answers that say that the credit is used up. */
  outOfCredit: number;
  tokensInput: number;
  tokensOutput: number;
  /** What those tokens come to. */
  tokensNanoUsd: number;
  /** Searches, lookups, addresses or companies that are charged. */
  credits: number;
}

export interface VendorAccount {
  id: string;
  tenant: DemoTenant;
  companies: number;
  /** How many nights before the last one: by this, not by the date, chance is drawn, so that every demo goes the same way. */
  nightsAgo: number;
  weather: Weather;
  books: Map<string, VendorBooks>;
  /** How often each thing was asked for, so that a second try may go another way than the first. */
  asked: Map<string, number>;
}

export function openAccount(id: string, tenant: DemoTenant, companies: number, night: Night): VendorAccount {
  const { nightsAgo } = night;
  return { id, tenant, companies, nightsAgo, weather: night.weather(tenant), books: new Map(), asked: new Map() };
}

export function booksOf(account: VendorAccount, vendor: string): VendorBooks {
  let books = account.books.get(vendor);
  if (books === undefined) {
    books = {
      requests: 0,
      rateLimited: 0,
      outOfCredit: 0,
      tokensInput: 0,
      tokensOutput: 0,
      tokensNanoUsd: 0,
      credits: 0,
    };
    account.books.set(vendor, books);
  }
  return books;
}

/** @returns a seed for this time that `what` is asked for */
export function nextSeed(account: VendorAccount, what: string): string {
  const times = account.asked.get(what) ?? 0;
  account.asked.set(what, times + 1);
  return `${account.tenant.name} ${account.nightsAgo} ${what} ${times}`;
}
