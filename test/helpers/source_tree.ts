/**
 * Source files as the tidy test reads them: which text is code, which is a comment, which is a string, and what is imported. A small
 * scanner and no compiler, because all it must know is where comments and strings begin and end.
 */

export interface Import {
  /** As written, such as '../limits.ts' or 'node:fs'. */
  from: string;
  /** The path in the repository for a relative import, else null. */
  path: string | null;
  /** Gone after compilation. */
  isType: boolean;
  /** Loaded by import() or require() while the program runs. */
  isDynamic: boolean;
}

export interface SourceFile {
  path: string;
  text: string;
  /** The text with comments and the insides of strings blanked out, every offset and line as it was. */
  code: string;
  /** Templates are here in pieces: what stands before, between and after their ${}. */
  strings: { value: string; offset: number }[];
  comments: string[];
  imports: Import[];
}

export type SourceTree = ReadonlyMap<string, SourceFile>;

export function sourceTree(texts: Readonly<Record<string, string>>): SourceTree {
  return new Map(Object.entries(texts).map(([path, text]) => [path, readSource(path, text)]));
}

export function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}

function readSource(path: string, text: string): SourceFile {
  if (!/\.([cm]?[jt]s|tsx)$/.test(path)) return { path, text, code: text, strings: [], comments: [], imports: [] };
  const scanned = scan(text);
  return { path, text, ...scanned, imports: findImports(path, scanned) };
}

type Scanned = Pick<SourceFile, 'code' | 'strings' | 'comments'>;

const blank = (text: string) => text.replace(/[^\n]/g, ' ');

const TOKEN = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|[`{}]|\/(?![/*])/g;
/** After these a slash begins a regular expression; after anything else it divides. */
const BEFORE_REGEX = /(?:^|[=(,:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|in|of|await|yield|throw|void))\s*$/;
const REGEX = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/y;
const TEMPLATE_PIECE = /((?:\\[\s\S]|\$(?!\{)|[^`\\$])*)(`|\$\{)/y;

function scan(text: string): Scanned {
  const strings: SourceFile['strings'] = [];
  const comments: string[] = [];
  let code = '';
  let at = 0;
  /** For each open brace: whether its end goes on with a template. */
  const braces: boolean[] = [];
  const copyTo = (offset: number) => {
    code += text.slice(at, offset);
    at = offset;
  };
  const takeTemplatePiece = () => {
    TEMPLATE_PIECE.lastIndex = at;
    const match = TEMPLATE_PIECE.exec(text);
    if (match === null) throw new Error('a template without an end');
    const [whole, piece = '', end = ''] = match;
    strings.push({ value: piece, offset: at });
    code += blank(piece) + end;
    at += whole.length;
    if (end === '${') braces.push(true);
  };
  for (;;) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (match === null) break;
    const token = match[0];
    copyTo(match.index);
    if (token.startsWith('//') || token.startsWith('/*')) {
      comments.push(token);
      code += blank(token);
      at += token.length;
    } else if (token === '`') {
      copyTo(at + 1);
      takeTemplatePiece();
    } else if (token === '{') {
      braces.push(false);
      copyTo(at + 1);
    } else if (token === '}') {
      copyTo(at + 1);
      if (braces.pop() === true) takeTemplatePiece();
    } else if (token === '/') {
      REGEX.lastIndex = at;
      // The slash of </tag> and of <tag /> begins nothing.
      const isTag = text[at - 1] === '<' || text[at + 1] === '>';
      const regex = !isTag && BEFORE_REGEX.test(code.slice(-200)) ? REGEX.exec(text)?.[0] : undefined;
      code += regex === undefined ? '/' : blank(regex);
      at += regex?.length ?? 1;
    } else {
      strings.push({ value: token.slice(1, -1), offset: at + 1 });
      code += token[0] + blank(token.slice(1, -1)) + token[0];
      at += token.length;
    }
  }
  copyTo(text.length);
  return { code, strings, comments };
}

const IMPORTS: [RegExp, Pick<Import, 'isDynamic'>][] = [
  [/(?:^|[;}\n])\s*(?:import|export)\b(?<clause>[^;'"`()]*?)\bfrom\s*['"]/g, { isDynamic: false }],
  [/(?:^|[;}\n])\s*import\s*['"]/g, { isDynamic: false }],
  [/\b(?:import|require)\(\s*['"`]/g, { isDynamic: true }],
];

function findImports(path: string, { code, strings }: Scanned): Import[] {
  const byOffset = new Map(strings.map(({ value, offset }) => [offset, value]));
  return IMPORTS.flatMap(([pattern, { isDynamic }]) =>
    [...code.matchAll(pattern)].flatMap((match): Import[] => {
      const from = byOffset.get(match.index + match[0].length);
      if (from === undefined) return [];
      const before = code.slice(0, match.index);
      const isType = /^\s*type\b/.test(match.groups?.clause ?? '') || (isDynamic && /\btypeof\s*$/.test(before));
      return [{ from, path: from.startsWith('.') ? resolvePath(path, from) : null, isType, isDynamic }];
    }),
  );
}

/** '../limits.ts' seen from 'receiver/map/map.ts' is 'receiver/limits.ts'. */
export function resolvePath(file: string, relative: string): string {
  const parts = file.split('/').slice(0, -1);
  for (const part of relative.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.') parts.push(part);
  }
  return parts.join('/');
}
