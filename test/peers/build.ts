/**
 * Builds the programs that Runledger stands beside in the field, from the Go module proxy, each once: the Collector with exactly the components
 * that otel-collector.yaml uses, by the Collector's own builder; Jaeger; telemetrygen. They are kept outside of the repository, in
 * RUNLEDGER_PEERS_DIR or the user's cache folder, under a name that changes with whatever they are built from. `npm run test:peers` runs
 * this first; the tests only look for the result.
 */

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

export interface Peers {
  /** Paths of the programs. */
  collector: string;
  jaeger: string;
  telemetrygen: string;
  /** Python with OpenTelemetry's SDK. */
  python: string;
  /** As they are told to people. */
  versions: { collector: string; jaeger: string; telemetrygen: string; python: string };
}

/** The same that docker-compose.yml runs, so that what is tested is what is deployed. */
const COLLECTOR = versionOf('COLLECTOR_VERSION');
/** The Collector numbers its stable modules apart. */
const STABLE_OF: Record<string, string> = { '0.159.0': '1.65.0' };
/** The last release that carries a version Go modules can name; the program in it calls itself 2.13.0. */
const JAEGER_MODULE = 'github.com/jaegertracing/jaeger@v1.76.0';
const JAEGER = '2.13.0';
/** The Collector's of the same number is not on the proxy. */
const TELEMETRYGEN = '0.161.0';
/** OpenTelemetry for Python. */
const PYTHON = '1.45.2';
const CONTRIB = 'github.com/open-telemetry/opentelemetry-collector-contrib';
const CORE = 'go.opentelemetry.io/collector';

const COMPONENTS: Record<string, readonly string[]> = {
  extensions: [`${CONTRIB}/extension/storage/filestorage`, `${CONTRIB}/extension/healthcheckextension`],
  receivers: [`${CORE}/receiver/otlpreceiver`],
  processors: [
    `${CORE}/processor/memorylimiterprocessor`,
    `${CONTRIB}/processor/filterprocessor`,
    `${CONTRIB}/processor/redactionprocessor`,
    `${CONTRIB}/processor/transformprocessor`,
  ],
  exporters: [`${CORE}/exporter/otlphttpexporter`, `${CORE}/exporter/otlpexporter`],
};
const PROVIDERS = ['env', 'file', 'yaml'].map((name) => `${CORE}/confmap/provider/${name}provider`);

function versionOf(name: string): string {
  const text = readFileSync(join(REPOSITORY, '.env.example'), 'utf8');
  const version = new RegExp(`^${name}=(\\S+)$`, 'm').exec(text)?.[1];
  if (version === undefined) throw new Error(`.env.example does not say ${name}`);
  return version;
}

function builderConfig(): string {
  const stable = STABLE_OF[COLLECTOR];
  if (stable === undefined) {
    throw new Error(`Say in test/peers/build.ts which version the stable modules of the Collector ${COLLECTOR} have`);
  }
  const lines = ['dist:', '  name: otelcol', '  output_path: ./source', `  version: ${COLLECTOR}`];
  const list = (kind: string, modules: readonly string[], version: string) =>
    lines.push(`${kind}:`, ...modules.map((module) => `  - gomod: ${module} v${version}`));
  for (const [kind, modules] of Object.entries(COMPONENTS)) list(kind, modules, COLLECTOR);
  list('providers', PROVIDERS, stable);
  return `${lines.join('\n')}\n`;
}

interface Recipe {
  name: string;
  /** Whatever it is made from; another text makes another build. */
  from: string;
  /** Leaves the program, or the folder of it, at `output`. `folder` is empty and goes away afterwards. */
  build(folder: string, output: string): Promise<void>;
}

const RECIPES: Record<keyof Peers['versions'], Recipe> = {
  collector: {
    name: `collector-${COLLECTOR}`,
    from: builderConfig(),
    async build(folder, output) {
      await goInstall(`${CORE}/cmd/builder@v${COLLECTOR}`, folder);
      writeFileSync(join(folder, 'builder.yaml'), builderConfig());
      await shell(join(folder, 'builder'), ['--config=builder.yaml', '--skip-compilation'], folder);
      await goBuild('.', join(folder, 'source'), output);
    },
  },
  jaeger: {
    name: `jaeger-${JAEGER}`,
    from: JAEGER_MODULE,
    // Not `go install`: the module replaces others, which only its own build may do.
    async build(folder, output) {
      const found = JSON.parse(await shell('go', ['mod', 'download', '-json', JAEGER_MODULE], folder)) as {
        Dir: string;
      };
      const source = join(folder, 'source');
      cpSync(found.Dir, source, { recursive: true });
      await shell('chmod', ['-R', 'u+w', source], folder);
      await goBuild('./cmd/jaeger', source, output);
    },
  },
  telemetrygen: {
    name: `telemetrygen-${TELEMETRYGEN}`,
    from: TELEMETRYGEN,
    async build(folder, output) {
      await goInstall(`${CONTRIB}/cmd/telemetrygen@v${TELEMETRYGEN}`, folder);
      renameSync(join(folder, 'telemetrygen'), output);
    },
  },
  python: {
    name: `python-opentelemetry-${PYTHON}`,
    from: PYTHON,
    async build(folder, output) {
      await shell('python3', ['-m', 'venv', output], folder);
      const packages = [`opentelemetry-sdk==${PYTHON}`, `opentelemetry-exporter-otlp==${PYTHON}`];
      await shell(join(output, 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', ...packages], folder);
    },
  },
};

/** Where the programs are, or would be. */
export function findPeers(): Peers {
  const { collector, jaeger, telemetrygen, python } = RECIPES;
  return {
    collector: placeOf(collector),
    jaeger: placeOf(jaeger),
    telemetrygen: placeOf(telemetrygen),
    python: join(placeOf(python), 'bin', 'python'),
    versions: { collector: COLLECTOR, jaeger: JAEGER, telemetrygen: TELEMETRYGEN, python: PYTHON },
  };
}

/** @throws Error that says what is missing */
export async function buildPeers(say: (line: string) => void): Promise<Peers> {
  for (const recipe of Object.values(RECIPES)) {
    const place = placeOf(recipe);
    if (existsSync(place)) {
      say(`${recipe.name} is there`);
      continue;
    }
    say(`building ${recipe.name} with ${await goVersion()}, which takes minutes the first time`);
    const started = performance.now();
    mkdirSync(cacheFolder(), { recursive: true });
    const folder = mkdtempSync(join(cacheFolder(), 'build-'));
    try {
      const output = join(folder, 'program');
      await recipe.build(folder, output);
      renameSync(output, place);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    say(`${recipe.name} built in ${Math.round((performance.now() - started) / 1000)} s`);
  }
  return findPeers();
}

function cacheFolder(): string {
  const { RUNLEDGER_PEERS_DIR: own, XDG_CACHE_HOME: cache } = process.env;
  return own || join(cache || join(homedir(), '.cache'), 'runledger-peers');
}

function placeOf({ name, from }: Recipe): string {
  return join(cacheFolder(), `${name}-${createHash('sha256').update(from).digest('hex').slice(0, 8)}`);
}

async function goVersion(): Promise<string> {
  try {
    return (await run('go', ['version'])).stdout.trim();
  } catch {
    throw new Error(
      'The tests with real peers build the OpenTelemetry Collector and Jaeger, and need Go 1.26 or newer on the PATH (https://go.dev/dl), and python3',
    );
  }
}

const GO_FLAGS = ['-p', '2', '-trimpath', '-ldflags', '-s -w'];

function goInstall(what: string, folder: string): Promise<string> {
  return shell('go', ['install', ...GO_FLAGS, what], folder, { GOBIN: folder });
}

function goBuild(what: string, source: string, output: string): Promise<string> {
  return shell('go', ['build', ...GO_FLAGS, '-o', output, what], source);
}

/** With the lowest claim on the processor that does not starve: a build must not disturb what is being measured. */
async function shell(
  program: string,
  args: string[],
  cwd: string,
  environment: Record<string, string> = {},
): Promise<string> {
  const env = { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false', ...environment };
  const { stdout } = await run('nice', ['-n', '10', program, ...args], { cwd, env, maxBuffer: 64 * 1024 * 1024 });
  return stdout;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await buildPeers((line) => process.stderr.write(`${line}\n`));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
