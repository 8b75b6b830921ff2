/** Where commands write: results to stdout, progress and remarks to stderr, colours and widths as the terminal allows. */

import { createStyle, type Style } from './style.ts';

export interface Terminal {
  style: Style;
  /** Characters of a line of stdout; Infinity where it is no terminal, so that nothing is cut in files and pipes. */
  width: number;
  isTerminal: boolean;
  /** One block of text and a line break. */
  print(text: string): void;
  /** One JSON document; the whole result of a command that was asked for --json. */
  printJson(value: unknown): void;
  /** A line on stderr for the person at the terminal; nothing where stderr is no terminal. */
  remark(text: string): void;
  /** One line that replaces itself; nothing where stderr is no terminal. */
  progress(text: string): void;
  endProgress(): void;
}

const NARROWEST = 40;

export function createTerminal(stdout: NodeJS.WriteStream = process.stdout, stderr = process.stderr): Terminal {
  const isTerminal = stdout.isTTY === true;
  const style = createStyle(isTerminal && stdout.hasColors());
  const remarkStyle = createStyle(stderr.isTTY === true && stderr.hasColors());
  let hasProgress = false;
  const clearProgress = () => {
    if (hasProgress) stderr.write('\r\x1b[K');
    hasProgress = false;
  };
  return {
    style,
    isTerminal,
    width: isTerminal ? Math.max(NARROWEST, stdout.columns ?? 80) : Number.POSITIVE_INFINITY,
    print: (text) => {
      clearProgress();
      stdout.write(`${text}\n`);
    },
    printJson: (value) => {
      clearProgress();
      stdout.write(`${JSON.stringify(value, null, isTerminal ? 2 : 0)}\n`);
    },
    remark: (text) => {
      if (stderr.isTTY !== true) return;
      clearProgress();
      stderr.write(`${remarkStyle.dim(text)}\n`);
    },
    progress: (text) => {
      if (stderr.isTTY !== true) return;
      stderr.write(`\r\x1b[K${remarkStyle.dim(text.slice(0, Math.max(NARROWEST, stderr.columns ?? 80) - 1))}`);
      hasProgress = true;
    },
    endProgress: clearProgress,
  };
}
