/** What holds across files of different kinds: SQL and the code that loads it, package.json and imports, documents and their links. */

import type { SourceTree } from './source_tree.ts';
import { isProduct } from './tidy_text.ts';

/** Applied as a whole, file by file, when a database is brought up to date. */
const APPLIED_FOLDERS = /^sql\/(migrations|functions|views)\//;
/** For people to paste, so that nobody finds what the page for them does not name. */
const QUESTION = /^sql\/metabase\/(\w+\.sql)$/;

/** A file is loaded when its path, or the folder in one piece and its name in another, stands in product code. */
export function unusedSql(tree: SourceTree): string[] {
  const literals = new Set(productLiterals(tree));
  const isLoaded = (file: string) => {
    const question = QUESTION.exec(file)?.[1];
    if (question !== undefined) return tree.get('docs/sql.md')?.text.includes(`\`${question}\``) === true;
    const path = file.replace(/^sql\//, '').replace(/\.sql$/, '');
    if (literals.has(path)) return true;
    for (let cut = path.lastIndexOf('/') + 1; cut < path.length; cut++) {
      if (literals.has(path.slice(0, cut)) && literals.has(path.slice(cut))) return true;
    }
    return false;
  };
  return [...tree.keys()].filter(
    (file) => /^sql\/.*\.sql$/.test(file) && !APPLIED_FOLDERS.test(file) && !isLoaded(file),
  );
}

export function missingSql(tree: SourceTree): string[] {
  return productLiterals(tree).filter(
    (text) => /^(queries|jobs|roles|adoption)(\/[a-z0-9_]*[a-z0-9])+$/.test(text) && !tree.has(`sql/${text}.sql`),
  );
}

function productLiterals(tree: SourceTree): string[] {
  return [...tree.values()]
    .filter(({ path }) => isProduct(path))
    .flatMap(({ strings }) => strings.map(({ value }) => value));
}

interface Manifest {
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
}

/** Programs and types that no import names. */
const TOOLS = /^(@biomejs\/biome|typescript|tsx|vitest|@types\/.+)$/;

/** Dependencies that nobody imports, imports that package.json does not name, and product imports of what only tests get. */
export function dependencyFaults(tree: SourceTree): string[] {
  const manifest: Manifest = JSON.parse(tree.get('package.json')?.text ?? '{}');
  const forProduct = new Set(
    [manifest.dependencies, manifest.optionalDependencies, manifest.peerDependencies].flatMap((names) =>
      Object.keys(names ?? {}),
    ),
  );
  const forAll = new Set([...forProduct, ...Object.keys(manifest.devDependencies ?? {})]);
  const used = new Map<string, string>();
  const faults: string[] = [];
  for (const file of tree.values()) {
    // A package may also be found by its name in a string, as the database's programs are.
    for (const { value } of file.strings) if (forAll.has(value)) used.set(value, file.path);
    for (const { from, path, isDynamic } of file.imports) {
      const name = packageOf(from);
      if (path !== null || from.startsWith('node:') || name === '') continue;
      used.set(name, file.path);
      // The dashboard's packages are built into its files, so that whoever installs the product needs none of them.
      const mayUse = isProduct(file.path) && !file.path.startsWith('dashboard/') ? forProduct : forAll;
      if (!mayUse.has(name) && !(name === 'langsmith' && isDynamic))
        faults.push(`${file.path} imports ${name}, which package.json does not give it`);
    }
  }
  const unused = [...forAll].filter((name) => !used.has(name) && !TOOLS.test(name));
  return [...faults, ...unused.map((name) => `nothing imports ${name}`)];
}

function packageOf(specifier: string): string {
  const parts = specifier.split('/');
  return parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/');
}

const REGISTRIES =
  /registry\.npmjs\.org|registry\.yarnpkg\.com|npm\.pkg\.github\.com|npmmirror\.com|pypi\.org|static\.crates\.io|proxy\.golang\.org|repo1?\.maven|deb\.debian\.org/i;
const MACHINE_PATH = /(?:^|[\s'"`(=:,[<])\/(?:work|root|home)(?:\/|(?![\w.*-]))/m;

/** Where packages come from and where somebody's folder stands is nobody else's business, and wrong on the next machine. */
export function machineTraces(tree: SourceTree): string[] {
  return [...tree.values()].flatMap(({ path, text }) =>
    [REGISTRIES, MACHINE_PATH].flatMap((pattern) => {
      const match = pattern.exec(text);
      return match === null ? [] : [`${path}: ${match[0].trim()}`];
    }),
  );
}

const LINK = /\]\((?!https?:|mailto:)([^)\s]*)\)/g;

/** Links of documents to files, and to headings in them. */
export function brokenLinks(tree: SourceTree, exists: (path: string) => boolean): string[] {
  return [...tree.values()]
    .filter(({ path }) => path.endsWith('.md') && !path.startsWith('test/fixtures/'))
    .flatMap(({ path, text }) =>
      [...withoutCode(text).matchAll(LINK)]
        .map((match) => match[1] ?? '')
        .filter((link) => !isGoodLink(path, link, tree, exists))
        .map((link) => `${path} links to ${link}`),
    );
}

function isGoodLink(from: string, link: string, tree: SourceTree, exists: (path: string) => boolean): boolean {
  const [file = '', anchor] = link.split('#');
  const target = file === '' ? from : new URL(file, `file:///${from}`).pathname.slice(1);
  if (!tree.has(target) && !exists(target)) return false;
  const text = tree.get(target)?.text;
  return anchor === undefined || text === undefined || headingsOf(text).has(anchor);
}

function headingsOf(text: string): Set<string> {
  const titles = [...withoutCode(text).matchAll(/^#+ +(.+)$/gm)].map((match) => match[1] ?? '');
  return new Set(
    titles.map((title) =>
      title
        .trim()
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replace(/\s/g, '-'),
    ),
  );
}

function withoutCode(text: string): string {
  return text.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, (code) => code.replace(/[[\]()]/g, ' '));
}

/** Whoever upgrades reads what is coming under one fixed heading. */
export function changelogFaults(text: string): string[] {
  const faults: string[] = [];
  const section = /^## \[Unreleased\]\s*$([\s\S]*?)(?=^## |(?![\s\S]))/m.exec(text)?.[1];
  if (section === undefined) faults.push('there is no section "## [Unreleased]"');
  else if (!/^- \S/m.test(section)) faults.push('the section Unreleased is empty');
  const odd = [...text.matchAll(/^### (.+)$/gm)]
    .map((match) => match[1] ?? '')
    .filter((title) => !['Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security'].includes(title));
  return [...faults, ...odd.map((title) => `"${title}" is no kind of change`)];
}
