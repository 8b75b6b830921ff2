/** Whether what a page shows is what a command prints, as far as that can be the same twice: words and layout yes, numbers and times no. */

const SHAPES: readonly [RegExp, string][] = [
  // What doctor says of jobs before the first full minute after their start, and after it.
  [/\bstarted a moment ago\b/, 'the clock ticks and no job waits with an error'],
  [/\b[0-9a-f]{16,32}\b/g, '#'],
  [/─+/g, '─'],
  [/[·━]{2,}/g, '━'],
  // A cell without a value and one with a value are the same column.
  [/–/g, '#'],
  [/\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?/g, '#'],
  [/\$?\d[\d,.:]*(e-?\d+)?( ?%)?/g, '#'],
  [/# (ms|s|min|m|h|d)\b/g, '#'],
  [/[0-9a-f]*#[0-9a-f#]*(?=[/\s]|$)/g, '#'],
  [/≥ /g, ''],
  [/\s+/g, ' '],
  [/#( #)+/g, '#'],
];

export function shapeOfLine(line: string): string {
  return SHAPES.reduce((text, [from, to]) => text.replace(from, to), line).trim();
}

/** Share of the lines with numbers that must be found; those without, which are titles and heads of tables, must all be. */
const FOUND_SHARE = 0.6;

/** What a page shows and the command does not print; [] when it fits. Lines that consist of "..." stand for any others. */
export function textFaults(shown: string, printed: string): string[] {
  const real = new Set(printed.split('\n').map(shapeOfLine));
  const lines = shown
    .split('\n')
    .map((line) => ({ line, shape: shapeOfLine(line) }))
    .filter(({ shape }) => shape !== '' && shape !== '...' && shape !== '…');
  const missing = lines.filter(({ shape }) => !real.has(shape));
  const words = missing.filter(({ shape }) => !shape.includes('#'));
  const numbers = lines.filter(({ shape }) => shape.includes('#')).length;
  const numbersMissing = missing.length - words.length;
  const isShort = numbers > 0 && (numbers - numbersMissing) / numbers < FOUND_SHARE;
  return (isShort ? missing : words).map(({ line }) => line);
}

/** Members that a page shows and the answer has not, or has as something else; the answer may have more, and null stands for any value. */
export function jsonFaults(shown: unknown, real: unknown, path = ''): string[] {
  if (shown === null || real === null) return [];
  const [a, b] = [kindOf(shown), kindOf(real)];
  if (a !== b) return [`${path || 'the answer'} is shown as ${a} and is ${b}`];
  if (Array.isArray(shown) && Array.isArray(real)) {
    if (shown.length > 0 && real.length === 0) return [`${path} is shown with entries and has none`];
    return shown.flatMap((entry, index) =>
      jsonFaults(entry, real[Math.min(index, real.length - 1)], `${path}[${index}]`),
    );
  }
  if (a !== 'object') return [];
  const has = real as Record<string, unknown>;
  return Object.entries(shown as Record<string, unknown>).flatMap(([name, value]) => {
    const at = path === '' ? name : `${path}.${name}`;
    return Object.hasOwn(has, name) ? jsonFaults(value, has[name], at) : [`${at} is shown and is not there`];
  });
}

function kindOf(value: unknown): string {
  return Array.isArray(value) ? 'list' : typeof value;
}
