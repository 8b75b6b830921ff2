/** Markdown as our runbooks use it, made into elements and never into HTML text, so that whatever stands in it stays text. */

import type { ComponentChildren } from 'preact';

export function Markdown({ text }: { text: string }) {
  return <div class="markdown">{blocksOf(text.split('\n'))}</div>;
}

/** A block begins at `at`; gives what it is and where the next begins. */
type Reader = (lines: string[], at: number) => [ComponentChildren, number] | null;

const READERS: Reader[] = [readFence, readHeading, readTable, readList, readIndented, readParagraph];

function blocksOf(lines: string[]): ComponentChildren[] {
  const blocks: ComponentChildren[] = [];
  let at = 0;
  while (at < lines.length) {
    if ((lines[at] ?? '').trim() === '') {
      at++;
      continue;
    }
    for (const reader of READERS) {
      const found = reader(lines, at);
      if (found === null) continue;
      blocks.push(found[0]);
      at = Math.max(found[1], at + 1);
      break;
    }
  }
  return blocks;
}

function takeWhile(lines: string[], at: number, keep: (line: string) => boolean): number {
  let end = at;
  while (end < lines.length && keep(lines[end] ?? '')) end++;
  return end;
}

function readFence(lines: string[], at: number): ReturnType<Reader> {
  const indent = /^(\s*)```/.exec(lines[at] ?? '')?.[1];
  if (indent === undefined) return null;
  const end = takeWhile(lines, at + 1, (line) => !line.trim().startsWith('```'));
  const body = lines.slice(at + 1, end).map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line));
  return [<pre key={at}>{body.join('\n')}</pre>, end + 1];
}

function readIndented(lines: string[], at: number): ReturnType<Reader> {
  if (!(lines[at] ?? '').startsWith('    ')) return null;
  const end = takeWhile(lines, at, (line) => line.startsWith('    '));
  const body = lines.slice(at, end).map((line) => line.slice(4));
  return [<pre key={at}>{body.join('\n')}</pre>, end];
}

function readHeading(lines: string[], at: number): ReturnType<Reader> {
  const match = /^(#{1,6})\s+(.*)$/.exec(lines[at] ?? '');
  if (match === null) return null;
  const words = inline(match[2] ?? '');
  // Beneath the page's own headings, whatever the file thinks of itself.
  return [(match[1] ?? '').length === 1 ? <h2 key={at}>{words}</h2> : <h3 key={at}>{words}</h3>, at + 1];
}

const LIST = /^(\s*)([-*]|\d+[.)])\s+(.*)$/;

function readList(lines: string[], at: number): ReturnType<Reader> {
  const first = LIST.exec(lines[at] ?? '');
  if (first === null) return null;
  const isOrdered = /\d/.test(first[2] ?? '');
  const items: ComponentChildren[] = [];
  let next = at;
  while (next < lines.length) {
    const match = LIST.exec(lines[next] ?? '');
    if (match === null || (match[1] ?? '').length > 1) break;
    // Lines that are set in belong to their item, and so do empty ones between them.
    const end = takeWhile(lines, next + 1, (line) => line.trim() === '' || /^\s{2,}\S/.test(line));
    const inner = [match[3] ?? '', ...lines.slice(next + 1, end).map((line) => line.replace(/^ {2,3}/, ''))];
    items.push(<li key={next}>{blocksOf(inner)}</li>);
    next = end;
  }
  const start = isOrdered ? Number.parseInt(first[2] ?? '1', 10) : undefined;
  return [
    isOrdered ? (
      <ol key={at} start={start}>
        {items}
      </ol>
    ) : (
      <ul key={at}>{items}</ul>
    ),
    Math.max(next, at + 1),
  ];
}

function readTable(lines: string[], at: number): ReturnType<Reader> {
  if (!/^\s*\|/.test(lines[at] ?? '') || !/^\s*\|[\s|:-]+$/.test(lines[at + 1] ?? '')) return null;
  const end = takeWhile(lines, at, (line) => /^\s*\|/.test(line));
  const [head = [], , ...rows] = lines.slice(at, end).map(cellsOf);
  return [
    <div key={at} class="scroll">
      <table>
        <thead>
          <tr>
            {head.map((cell) => (
              <th key={cell} scope="col">
                {inline(cell)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.join('|')}>
              {row.map((cell, index) => (
                <td key={`${head[index]}`}>{inline(cell)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>,
    end,
  ];
}

function cellsOf(line: string): string[] {
  return line
    .trim()
    .replace(/^\||\|$/g, '')
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll('\\|', '|'));
}

function readParagraph(lines: string[], at: number): ReturnType<Reader> {
  const end = takeWhile(
    lines,
    at,
    (line) => line.trim() !== '' && !/^(```|#{1,6}\s|\s*\|)/.test(line) && !LIST.test(line),
  );
  return [<p key={at}>{inline(lines.slice(at, Math.max(end, at + 1)).join(' '))}</p>, end];
}

const INLINE = /`([^`]+)`|\*\*([^*]+)\*\*|\[([^\]]+)\]\(([^)\s]+)\)/g;

/** Code, bold and links to the web; other links keep their words alone, because their files are not here. */
function inline(text: string): ComponentChildren[] {
  const parts: ComponentChildren[] = [];
  let at = 0;
  for (const match of text.matchAll(INLINE)) {
    parts.push(text.slice(at, match.index));
    const [whole, code, bold, words, target] = match;
    if (code !== undefined) parts.push(<code key={match.index}>{code}</code>);
    else if (bold !== undefined) parts.push(<strong key={match.index}>{bold}</strong>);
    else if (target !== undefined && /^https?:\/\//.test(target)) {
      parts.push(
        <a key={match.index} href={target} target="_blank" rel="noreferrer noopener">
          {words}
        </a>,
      );
    } else parts.push(words);
    at = match.index + whole.length;
  }
  parts.push(text.slice(at));
  return parts;
}
