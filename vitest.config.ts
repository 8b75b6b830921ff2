import { defineConfig } from 'vitest/config';

// End-to-end tests build the package and start the product as its user would, which takes minutes: RUNLEDGER_E2E=1 asks for them.
const isEndToEnd = process.env.RUNLEDGER_E2E === '1';
// Tests with the real Collector and Jaeger need them built: npm run test:peers.
const isWithPeers = process.env.RUNLEDGER_PEERS === '1';
// Tests of the dashboard need a browser, and fail without one: npm run test:browser.
const isInBrowser = process.env.RUNLEDGER_BROWSER === '1';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [
      ...(isEndToEnd ? [] : ['test/e2e/**']),
      ...(isWithPeers ? [] : ['test/peers/**']),
      ...(isInBrowser ? [] : ['test/browser/**']),
    ],
    globalSetup: ['test/helpers/database_setup.ts'],
    // A process per file: what one file does to signals, globals or memory cannot reach another.
    pool: 'forks',
    // Two, because the database works on the same cores.
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 180_000,
    teardownTimeout: 60_000,
    // A second, the default, is an assumption about how busy the machine is.
    expect: { poll: { timeout: 60_000 } },
  },
});
