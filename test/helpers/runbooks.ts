/** Reads docs/runbooks as a program does that shows them: by their headings, tables and SQL blocks. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const SECTIONS = [
  'Symptom',
  'What the numbers mean',
  'Checks',
  'Mitigation',
  'How to confirm recovery',
  'Whom to tell',
] as const;

export interface Runbook {
  code: string;
  title: string;
  /** Headings of the second level with the text below them, in order. */
  sections: [name: string, text: string][];
  /** As they stand, in order. */
  sqlBlocks: string[];
}

const FOLDER = fileURLToPath(new URL('../../docs/runbooks/', import.meta.url));

/** All runbooks, by code. */
export function readRunbooks(): Runbook[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.md') && file !== 'README.md')
    .sort()
    .map((file) => parseRunbook(file.slice(0, -'.md'.length), readFileSync(FOLDER + file, 'utf8')));
}

export function readRunbookList(): string {
  return readFileSync(`${FOLDER}README.md`, 'utf8');
}

export function parseRunbook(code: string, text: string): Runbook {
  const [head = '', ...parts] = text.split(/^## /m);
  return {
    code,
    title: /^# (.+)$/m.exec(head)?.[1] ?? '',
    sections: parts.map((part) => {
      const end = part.indexOf('\n');
      return [part.slice(0, end).trim(), part.slice(end).trim()];
    }),
    sqlBlocks: sqlBlocksOf(text),
  };
}

export function sqlBlocksOf(markdown: string): string[] {
  return [...markdown.matchAll(/^```sql\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? '');
}

/** The first column of the tables of a section, where it is code: the keys that the section explains. */
export function explainedKeys(section: string): string[] {
  return [...section.matchAll(/^\| *((?:`[^`]+`(?:, *)?)+) *\|/gm)].flatMap((row) =>
    [...(row[1] ?? '').matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? ''),
  );
}

/** The keys of every `jsonb_build_object(...)` in a rule's SQL: what its findings are explained by. */
export function numberKeys(sql: string): string[] {
  const keys = [...sql.matchAll(/jsonb_build_object\(/g)].flatMap((call) =>
    argumentsFrom(sql, (call.index ?? 0) + call[0].length).flatMap((argument, place) =>
      place % 2 === 0 ? [argument] : [],
    ),
  );
  return [...new Set(keys.map((key) => key.replace(/^'|'$/g, '')))].sort();
}

/** The arguments of a call whose text begins at `start`, split at its own commas. */
function argumentsFrom(sql: string, start: number): string[] {
  const found: string[] = [];
  let depth = 0;
  let from = start;
  for (let at = start; at < sql.length; at++) {
    const char = sql[at];
    if (char === "'") at = sql.indexOf("'", at + 1);
    else if (char === '(' || char === '[') depth++;
    else if ((char === ')' || char === ']') && depth > 0) depth--;
    else if (char === ')' || (char === ',' && depth === 0)) {
      found.push(sql.slice(from, at).trim());
      from = at + 1;
      if (char === ')') return found;
    }
  }
  throw new Error('a call that does not end');
}
