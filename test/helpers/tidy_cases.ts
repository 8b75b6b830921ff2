/**
 * Made-up files for each rule of test/unit/tidy.test.ts: some that break it, some that look as if they did and do not. A rule that reports
 * nothing on the first would hold nothing.
 */

interface Cases {
  /** Each must be reported. */
  broken: Record<string, string>[];
  /** None may be reported. */
  fine: Record<string, string>[];
}

export const CASES: Readonly<Record<string, Cases>> = {
  'sdk/attributes.ts imports nothing': {
    broken: [
      { 'sdk/attributes.ts': "import type { A } from './key.ts';" },
      { 'sdk/attributes.ts': "import 'node:os';" },
    ],
    fine: [{ 'sdk/attributes.ts': "export const KIND = 'x'; // import 'node:os'" }],
  },
  'sdk imports itself, Node.js and OpenTelemetry': {
    broken: [
      { 'sdk/run.ts': "import { LIMITS } from '../receiver/limits.ts';" },
      { 'sdk/run.ts': "import type pg from 'pg';" },
      { 'sdk/run.ts': "export * from '../sql/x.ts';" },
      { 'sdk/run.ts': "const page = await import('../dashboard/main.ts');" },
      { 'sdk/run.ts': "const zod = require('zod');" },
    ],
    fine: [{ 'sdk/run.ts': "import { a } from './key.ts';\nimport { trace } from '@opentelemetry/api';" }],
  },
  'LangSmith is only ever asked for while the program runs': {
    broken: [{ 'sdk/langsmith.ts': "import { Client } from 'langsmith';" }],
    fine: [{ 'sdk/langsmith.ts': "const { getCurrentRunTree } = await import('langsmith/traceable');" }],
  },
  'decode imports itself and limits.ts, and does no I/O': {
    broken: [
      { 'receiver/decode/wire.ts': "import { write } from '../write/writer.ts';" },
      { 'receiver/decode/wire.ts': "import { loadConfig } from '../config.ts';" },
      { 'receiver/decode/wire.ts': "import { gunzipSync } from 'node:zlib';" },
      { 'receiver/decode/wire.ts': "import { readFile } from 'node:fs/promises';" },
      { 'receiver/decode/wire.ts': "import type { Pool } from 'pg';" },
      { 'receiver/decode/wire.ts': "import type { EventRow } from '../map/row.ts';" },
    ],
    fine: [
      { 'receiver/decode/wire.ts': "import { LIMITS } from '../limits.ts';\nimport { Buffer } from 'node:buffer';" },
    ],
  },
  'map imports itself, limits.ts, the shape of decode and the names of the SDK, and does no I/O': {
    broken: [
      { 'receiver/map/span.ts': "import { decodeTraces } from '../decode/decode.ts';" },
      { 'receiver/map/span.ts': "import { run } from '../../sdk/run.ts';" },
      { 'receiver/map/span.ts': "import {\n  type A,\n  b,\n} from '../server.ts';" },
      { 'receiver/map/span.ts': "import http from 'node:http';" },
      { 'receiver/map/span.ts': "import { setTimeout } from 'node:timers/promises';" },
      { 'receiver/map/span.ts': "import { loadSql } from '../store/sql.ts';" },
    ],
    fine: [
      {
        'receiver/map/span.ts':
          "import type { Span } from '../decode/shape.ts';\nimport { ATTR } from '../../sdk/attributes.ts';\nimport { createHmac } from 'node:crypto';",
      },
    ],
  },
  'write never sees requests: shapes come through map': {
    broken: [
      { 'receiver/write/writer.ts': "import type { SpanRecord } from '../decode/shape.ts';" },
      { 'receiver/write/writer.ts': "import { readRuns } from '../serve/read.ts';" },
    ],
    fine: [{ 'receiver/write/writer.ts': "import type { EventRow } from '../map/row.ts';\nimport pg from 'pg';" }],
  },
  'the receiver takes from the SDK only the names': {
    broken: [{ 'receiver/main.ts': "import { setup } from '../sdk/index.ts';" }],
    fine: [{ 'receiver/map/kind.ts': "import { ATTR } from '../../sdk/attributes.ts';" }],
  },
  'the dashboard imports itself, and of the receiver the shapes of answers': {
    broken: [
      { 'dashboard/main.tsx': "import type { Run } from '../receiver/serve/read.ts';" },
      { 'dashboard/main.tsx': "import { z } from 'zod';" },
      { 'dashboard/pages/runs.tsx': "import { readFileSync } from 'node:fs';" },
    ],
    fine: [
      {
        'dashboard/pages/runs.tsx':
          "import { useState } from 'preact/hooks';\nimport type { Run } from '../../receiver/serve/shape.ts';\nimport '../style/base.css';",
        'dashboard/build.ts': "import { build } from 'vite';",
      },
    ],
  },
  'the client imports itself, and of the receiver the shapes of answers': {
    broken: [
      { 'client/runs.ts': "import type { Scope } from '../receiver/serve/access.ts';" },
      { 'client/runs.ts': "import { z } from 'zod';" },
      { 'client/runs.ts': "import type pg from 'pg';" },
      { 'client/request.ts': "import { request } from 'node:http';" },
    ],
    fine: [
      {
        'client/runs.ts':
          "import type { Run } from '../receiver/serve/shape.ts';\nimport { readJson } from './pages.ts';",
      },
    ],
  },
  'the dashboard and the client take types from the shapes and nothing that runs': {
    broken: [
      { 'dashboard/main.tsx': "import { run } from '../receiver/serve/shape.ts';" },
      { 'client/runs.ts': "import { run } from '../receiver/serve/shape.ts';" },
    ],
    fine: [{ 'dashboard/main.tsx': "import type { Run } from '../receiver/serve/shape_qa.ts';" }],
  },
  'the product imports neither tests, benchmarks nor examples': {
    broken: [
      { 'receiver/main.ts': "import { x } from '../test/helpers/otlp.ts';" },
      { 'demo/main.ts': "import { x } from '../examples/nightly.ts';" },
      { 'sdk/run.ts': "import fc from 'fast-check';" },
    ],
    fine: [{ 'test/unit/a.test.ts': "import { x } from '../helpers/otlp.ts';" }],
  },
  'only tests and benchmarks import from test': {
    broken: [{ 'examples/nightly.ts': "import { x } from '../test/helpers/otlp.ts';" }],
    fine: [{ 'bench/sdk.ts': "import { x } from '../test/helpers/otlp.ts';" }],
  },
  'only write, store, derive, serve, embedded and cli touch the database': {
    broken: [
      { 'receiver/ingest.ts': "import type pg from 'pg';" },
      { 'receiver/main.ts': "import pg from 'pg';" },
      { 'receiver/auth.ts': "import { run } from 'graphile-worker';" },
      { 'demo/main.ts': "import pg from 'pg';" },
    ],
    fine: [{ 'receiver/main.ts': "import type pg from 'pg';" }, { 'receiver/write/copy.ts': "import pg from 'pg';" }],
  },
  'no file imports itself through others': {
    broken: [
      { 'sdk/a.ts': "import { b } from './b.ts';", 'sdk/b.ts': "import type { A } from './a.ts';" },
      {
        'sdk/a.ts': "import './b.ts';",
        'sdk/b.ts': "export { c } from './c.ts';",
        'sdk/c.ts': "const x = import('./b.ts');",
      },
    ],
    fine: [{ 'sdk/a.ts': "import './b.ts';\nimport './c.ts';", 'sdk/b.ts': "import './c.ts';", 'sdk/c.ts': '' }],
  },
  'relative imports name the file as it is': {
    broken: [{ 'sdk/a.ts': "import { b } from './b';" }],
    fine: [{ 'sdk/a.ts': "import { b } from './b.ts';" }],
  },
  'no file is called by a word that fits anything': {
    broken: [
      { 'receiver/utils.ts': '' },
      { 'receiver/helpers/time.ts': '' },
      { 'receiver/map/index.ts': '' },
      { 'receiver/common/time.ts': '' },
      { 'sdk/manager.ts': '' },
      { 'receiver/service.ts': '' },
    ],
    fine: [{ 'test/helpers/otlp.ts': '' }, { 'sdk/index.ts': '' }, { 'receiver/index.ts': '' }],
  },
  'the environment is read in one place': {
    broken: [
      { 'receiver/log.ts': 'const level = process.env.LOG_LEVEL;' },
      { 'sdk/run.ts': "const x = process['env'];" },
      { 'sdk/run.ts': "import { env } from 'node:process';" },
    ],
    fine: [{ 'receiver/config.ts': 'process.env.A' }, { 'sdk/run.ts': '/** token: process.env.TOKEN */' }],
  },
  'no any, and nothing the compiler is told to overlook': {
    broken: [
      { 'sdk/a.ts': 'let x: any;' },
      { 'sdk/a.ts': 'const y = x as any;' },
      { 'sdk/a.ts': 'new Map<string, any>()' },
      { 'sdk/a.ts': '// @ts-ignore\nlet x = 1;' },
    ],
    fine: [{ 'sdk/a.ts': "AbortSignal.any([a, b]); const any1 = 'x: any'; // at any time, any" }],
  },
  'no catch is empty': {
    broken: [
      { 'sdk/a.ts': 'try { a(); } catch {}' },
      { 'sdk/a.ts': 'try { a(); } catch (error) {\n  // never mind\n}' },
      { 'sdk/a.ts': 'a().catch(() => {});' },
    ],
    fine: [{ 'sdk/a.ts': 'try { a(); } catch (error) { note(error); }' }],
  },
  'nothing is printed past the log': {
    broken: [{ 'receiver/a.ts': "console.log('here');" }],
    fine: [{ 'receiver/a.ts': "say('console.log'); // console.log" }, { 'bench/a.ts': "console.log('here');" }],
  },
  'no test is left out or runs alone': {
    broken: [
      { 'test/unit/a.test.ts': "import { test } from 'vitest';\ntest.skip('a', () => {});" },
      { 'test/unit/a.test.ts': "import { describe } from 'vitest';\ndescribe.only('a', () => {});" },
      { 'test/unit/a.test.ts': "import { expect, it } from 'vitest';\nit.concurrent.skip('a', () => {});" },
      { 'test/unit/a.test.ts': "import { test } from 'vitest';\ntest.todo('a');" },
    ],
    fine: [
      {
        'test/unit/a.test.ts':
          "import { test } from 'vitest';\ntest('skip', () => item(1, (it) => it.skip('robots')));",
      },
    ],
  },
  'SQL stands in .sql files': {
    broken: [
      { 'receiver/write/a.ts': "client.query('select 1 from runs');" },
      { 'receiver/write/a.ts': 'client.query(`\n  insert into runs values ($1)`);' },
      { 'receiver/write/a.ts': 'client.query(`update ' + '$' + "{table} set a = 1`);client.query('delete from x');" },
      { 'receiver/write/a.ts': 'query("COPY public.events (a) FROM stdin")' },
      { 'receiver/write/a.ts': "query('with due as (select 1) select 2')" },
      { 'receiver/write/a.ts': "query('create table x ()')" },
      { 'receiver/write/a.ts': "query('set work_mem = 1')" },
    ],
    fine: [
      { 'receiver/write/a.ts': "client.query('begin'); fail('create another token'); fail('with all rights')" },
      { 'test/sql/a.test.ts': "client.query('select 1')" },
    ],
  },
  'every SQL file is loaded': {
    broken: [
      { 'sql/queries/serve/old.sql': 'select 1', 'receiver/serve/a.ts': "loadSql('queries/serve/new')" },
      { 'sql/metabase/old.sql': 'select 1', 'docs/sql.md': 'not `very_old.sql`' },
      { 'sql/grafana/a.sql': 'select 1' },
    ],
    fine: [
      { 'sql/queries/serve/new.sql': '', 'receiver/serve/a.ts': "loadSql('queries/serve/new')" },
      {
        'sql/queries/write/copy_into_a.sql': '',
        'receiver/write/a.ts': "copy('a'); loadSql(`queries/write/copy_into_$" + '{name}`)',
      },
      { 'sql/views/a.sql': '' },
      { 'sql/metabase/new.sql': '', 'docs/sql.md': '| `new.sql` | what is new |' },
    ],
  },
  'every SQL file that is asked for is there': {
    broken: [{ 'receiver/serve/a.ts': "loadSql('queries/serve/gone')" }],
    fine: [{ 'receiver/serve/a.ts': "loadSql('queries/serve/here')", 'sql/queries/serve/here.sql': '' }],
  },
  'every dependency is used and every use is a dependency': {
    broken: [
      { 'package.json': '{"dependencies":{"left-pad":"1"}}' },
      { 'package.json': '{}', 'sdk/a.ts': "import pad from 'left-pad';" },
      { 'package.json': '{"devDependencies":{"left-pad":"1"}}', 'sdk/a.ts': "import pad from 'left-pad/x';" },
    ],
    fine: [
      {
        'package.json': '{"dependencies":{"@a/b":"1"},"devDependencies":{"left-pad":"1","typescript":"1"}}',
        'sdk/a.ts': "import b from '@a/b/c';",
        'test/unit/a.test.ts': "import pad from 'left-pad';",
      },
    ],
  },
  'no file tells of a registry or of the machine it was written on': {
    broken: [
      { 'package-lock.json': `"resolved": "https://registry.${'npmjs'}.org/pg/-/pg-8.tgz"` },
      { 'docs/a.md': `cd ${'/wor'}k/main` },
      { 'sdk/a.ts': `const x = '${'/hom'}e/me/x';` },
      { Dockerfile: `WORKDIR ${'/roo'}t` },
    ],
    fine: [{ 'docs/a.md': 'https://example.com/work/x and a/root.js and receiver/work.ts' }],
  },
  'every link of a document leads somewhere': {
    broken: [
      { 'docs/a.md': '[b](b.md)' },
      { 'docs/a.md': '[b](b.md#what)', 'docs/b.md': '# Why' },
      { 'docs/a.md': '[x](#nowhere)\n# Here' },
    ],
    fine: [
      { 'docs/a.md': '[b](../b.md#what-is-it) [c](https://x.y/z) [d](#a-b)\n# A, b', 'b.md': '## What is it?' },
      { 'docs/a.md': '```\n[b](b.md)\n```' },
    ],
  },
  'a file of the product begins with what it is for': {
    broken: [{ 'sdk/a.ts': "import './b.ts';\n/** late */" }],
    fine: [{ 'receiver/cli/main.ts': '#!/usr/bin/env node\n/** The command line. */' }],
  },
};
