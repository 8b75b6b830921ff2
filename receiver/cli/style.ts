/** Colours for a terminal, and nothing elsewhere: NO_COLOR, a pipe or a dumb terminal give plain text. */

import { styleText } from 'node:util';

type StyleName = Extract<Parameters<typeof styleText>[0], string>;

export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  good(text: string): string;
  bad(text: string): string;
  warn(text: string): string;
  accent(text: string): string;
}

export function createStyle(colours: boolean): Style {
  // The decision is made here, once: styleText's own look at the stream differs between Node versions.
  const paint = (name: StyleName) => (text: string) =>
    colours && text !== '' ? styleText(name, text, { validateStream: false }) : text;
  return {
    bold: paint('bold'),
    dim: paint('dim'),
    good: paint('green'),
    bad: paint('red'),
    warn: paint('yellow'),
    accent: paint('cyan'),
  };
}

/** A status always keeps its word; the colour only helps those who see it. */
export function paintStatus(style: Style, status: string, text = status): string {
  if (status === 'succeeded' || status === 'ok') return style.good(text);
  if (status === 'failed' || status === 'error') return style.bad(text);
  if (status === 'cancelled' || status === 'abandoned' || status === 'retry') return style.warn(text);
  if (status === 'running') return style.accent(text);
  return text;
}
