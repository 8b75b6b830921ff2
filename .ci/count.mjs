// Prints 'N passed, N failed' from vitest's JSON reports and exits 1 unless every step passed and every suite ran tests.
// Usage: node .ci/count.mjs <folder with reports> <number of failed steps>

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const SUITES = ['tests', 'package', 'browser', 'peers', 'node24'];
const [, , folder, failedStepsText] = process.argv;
let passed = 0;
let failed = 0;
let skipped = 0;
for (const suite of SUITES) {
  const path = join(folder, `${suite}.json`);
  if (!existsSync(path)) {
    console.log(`${suite}: no report`);
    failed++;
    continue;
  }
  const report = JSON.parse(readFileSync(path, 'utf8'));
  // A file that cannot be loaded has no tests, and is a failure all the same.
  const broken = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  ).length;
  console.log(
    `${suite}: ${report.numPassedTests} passed, ${report.numFailedTests} failed, ${broken} files broken, ` +
      `${report.numPendingTests + report.numTodoTests} skipped`,
  );
  passed += report.numPassedTests;
  failed += report.numFailedTests + broken + (report.numPassedTests === 0 ? 1 : 0);
  skipped += report.numPendingTests + report.numTodoTests;
}
if (skipped > 0) console.log(`${skipped} tests were skipped: a skipped test holds nothing`);
failed += skipped;
if (failed === 0) failed = Number(failedStepsText);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && Number(failedStepsText) === 0 && passed > 0 ? 0 : 1;
