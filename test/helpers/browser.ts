/** A real Chromium for tests of the dashboard: where it is found, and what to do when there is none. */

import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const KNOWN_PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** @throws Error that says what to install; a test without a browser fails, because one that is left out holds nothing */
export function findBrowser(): string {
  const given = process.env.CHROMIUM_PATH;
  const places = given === undefined || given === '' ? KNOWN_PLACES : [given];
  const found = places.find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new Error(
    `No browser for the tests of the dashboard: there is none at ${places.join(', ')}. ` +
      'Install one (Debian: apt-get install chromium), or name one in CHROMIUM_PATH',
  );
}

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: findBrowser(),
    // Containers run as root and give little shared memory; the page is ours, so that the browser's own sandbox guards nothing here.
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking'],
  });
}
