/** What the commands of the pages need to run in a test: what stands for names and ids that a page cannot know, and for programs that cannot run. */

export interface DocsScene {
  otlpUrl: string;
  apiUrl: string;
  grpcUrl: string;
  /** Takes OTLP without a token and hands it on with one, as the Collector does. */
  collectorUrl: string;
  databaseUrl: string;
  /** A database with nothing in it. */
  emptyDatabaseUrl: string;
  adminToken: string;
  ingestToken: string;
  /** A tenant's, scope read. */
  tenantToken: string;
  /** Of the demo's tenant 7, with its key and its number. */
  failedRun: { key: string; id: string };
  openAlert: string;
  /** Takes messages as Slack does. */
  slackUrl: string;
}

type Replacement = readonly [string | RegExp, string];

/** On every page. */
export function commonReplacements(scene: DocsScene): Replacement[] {
  return [
    ['http://127.0.0.1:4318', scene.otlpUrl],
    ['http://127.0.0.1:8080', scene.apiUrl],
    [/meridian-\d{4}-\d\d-\d\d-[0-9a-f]{4}/g, scene.failedRun.key],
  ];
}

export const PAGE_REPLACEMENTS: Readonly<Record<string, (scene: DocsScene) => Replacement[]>> = {
  // All of it is what CI runs: here its syntax.
  'CONTRIBUTING.md': () => [['bash .ci/run', 'bash -n .ci/run']],
  'README.md': ({ failedRun }) => [['show RUN', `show ${failedRun.key}`]],
  'docs/alerts.md': ({ openAlert }) => [
    // A message to Slack itself would leave this machine.
    ['--url-file /run/secrets/slack-url', '--url-file slack-url --allow-private'],
    // Fifteen rules over made-up weeks: test/sql/alert_scenario.test.ts plays it in full.
    ['simulate --scenario', 'simulate --scenario --help'],
    ['ack 12', `ack ${openAlert}`],
    ['snooze 12', `snooze ${openAlert}`],
  ],
  'docs/delivery.md': () => [['--url-file /run/secrets/slack-url', '--url-file slack-url --allow-private']],
  'docs/instrument.md': ({ ingestToken }) => [['<token>', ingestToken]],
  'docs/demo.md': () => [['runledger demo', 'runledger demo --once --companies 12 --exit']],
  'docs/deploy.md': ({ databaseUrl, otlpUrl, collectorUrl }) => [
    ['postgres://ledger:...@db.example.com/ledger', databaseUrl],
    ['demo --endpoint http://127.0.0.1:4318', `demo --once --companies 12 --endpoint ${collectorUrl}`],
    ['http://127.0.0.1:14318', otlpUrl],
    ['npx runledger start', 'start-and-stop'],
    // There is no Jaeger here; the peers suite follows a span into a real one.
    [' --jaeger http://jaeger:16686', ''],
  ],
  'docs/operate.md': ({ databaseUrl, emptyDatabaseUrl }) => {
    const restored = new URL(databaseUrl);
    restored.pathname = `${restored.pathname}_restored`;
    return [
      ['--data-dir .runledger-restored', `--database-url ${emptyDatabaseUrl}`],
      [/postgres:\/\/admin@db\/ledger_restored/g, restored.href],
      ['createdb ledger_restored', `createdb ${restored.href}`],
    ];
  },
};

interface StandIn {
  why: string;
  /** Shell, with ROOT and the scene's addresses in its environment. */
  script: string;
}

/** Programs that are not run, each with the reason and with what is checked instead. */
export const STAND_INS: Readonly<Record<string, StandIn>> = {
  npm: {
    why: 'would install again what runs here; test/e2e installs the packed package, CI runs the scripts: the script and the package that are named must be there',
    script: `
      script() { node -e 'const { scripts } = JSON.parse(require("node:fs").readFileSync(process.env.ROOT + "package.json")); process.exit(process.argv[1] in scripts ? 0 : 1)' "$1" || { echo "npm: there is no script $1" >&2; exit 1; }; }
      case "$1" in
        start) script start; curl --silent --show-error --fail "$API_URL/readyz" >/dev/null ;;
        run) script "$2" ;;
        test) script test ;;
        ci) [ -f "$ROOT/package-lock.json" ] ;;
        pack) [ -f "$ROOT/package.json" ] ;;
        install) shift; for word in "$@"; do case "$word" in -*|runledger|../runledger/"$PACKED"|@opentelemetry/api@1.9) ;; *) echo "npm: $word is not ours" >&2; exit 1 ;; esac; done ;;
        *) echo "npm: $1 is not known here" >&2; exit 1 ;;
      esac`,
  },
  docker: {
    why: 'there are no containers here; test/unit/compose.test.ts reads the files: the service must be there, and what is run in it runs here',
    script: `
      [ "$1" = compose ] || { echo "docker: only compose" >&2; exit 1; }
      case "$2" in
        up|down|logs|ps) [ -f docker-compose.yml ] && [ -f .env ] ;;
        exec)
          grep --quiet "^  $3:" docker-compose.yml || { echo "docker: there is no service $3" >&2; exit 1; }
          [ "$4 $5" = 'node dist/receiver/cli/main.js' ] || { echo "docker: the image does not run $4 $5" >&2; exit 1; }
          shift 5
          for word in "$@"; do shift; set -- "$@" "\${word/http:\\/\\/collector:4318/$COLLECTOR_URL}"; done
          exec runledger "$@" ;;
        *) echo "docker: compose $2 is not known here" >&2; exit 1 ;;
      esac`,
  },
  'start-and-stop': {
    why: 'stands for `runledger start` where a page starts a receiver of its own: on free ports, until it is ready',
    script: `
      export RUNLEDGER_OTLP_HTTP_PORT=0 RUNLEDGER_OTLP_GRPC_PORT=0 RUNLEDGER_HTTP_PORT=0
      runledger start >start.log & receiver=$!
      for _ in $(seq 1200); do grep --quiet '"msg":"ready"' start.log && break; sleep 0.1; done
      kill -TERM $receiver; wait $receiver; grep --quiet '"msg":"ready"' start.log`,
  },
  'otelcol-contrib': {
    why: 'test/peers runs the real Collector with the file; the file must be there, with every variable that it reads without a default',
    script: `
      file=\${1#--config=}; [ -f "$file" ]
      for name in $(grep --only-matching --extended-regexp '^[^#]*\\$\\{env:[A-Z_]+\\}' "$file" | grep --only-matching --extended-regexp '\\{env:[A-Z_]+' | cut -d: -f2); do
        [ -n "\${!name:-}" ] || { echo "otelcol: $name is not set" >&2; exit 1; }
      done`,
  },
  createdb: {
    why: "PostgreSQL's client programs need not be installed, or may be older than the server: does the same with our own connection",
    script: `exec node "$ROOT/test/helpers/docs_sql_program.mjs" createdb "$1"`,
  },
  psql: {
    why: 'as createdb',
    script: `exec node "$ROOT/test/helpers/docs_sql_program.mjs" psql "\${@: -1}" "\${@: -2:1}"`,
  },
  pg_dump: {
    why: 'as createdb; the dump itself is not ours to test: the address must be one that a connection can be opened to',
    script: `exec node "$ROOT/test/helpers/docs_sql_program.mjs" pg_dump "\${@: -1}" "\${2#--file=}"`,
  },
  pg_restore: {
    why: 'as pg_dump: makes what the dump would bring',
    script: `[ -f "\${@: -1}" ]; name=\${2#--dbname=}; exec runledger migrate --database-url "$name"`,
  },
};
