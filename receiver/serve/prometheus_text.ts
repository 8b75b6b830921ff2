/** Writes gauges in Prometheus' text format 0.0.4, for figures that are read from the ledger instead of being counted in this process. */

export const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export interface Family {
  name: string;
  help: string;
  /** A sample whose value is null is left out: not known. */
  samples: readonly { labels: Readonly<Record<string, string>>; value: number | null }[];
}

export function prometheusText(families: readonly Family[]): string {
  return families.map(familyText).join('');
}

function familyText({ name, help, samples }: Family): string {
  const lines = samples.flatMap(({ labels, value }) =>
    value === null ? [] : [`${name}${labelText(labels)} ${value}\n`],
  );
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${lines.join('')}`;
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

/** A line break in a value would begin a sample of the value's own making. */
function escapeLabel(value: string): string {
  return value.replace(/[\\"\n]/g, (char) => (char === '\n' ? '\\n' : `\\${char}`));
}
