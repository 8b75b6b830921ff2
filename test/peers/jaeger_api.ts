/** What Jaeger says of a trace over the API that its own pages use. */

interface Tag {
  key: string;
  value: unknown;
}

export interface JaegerSpan {
  traceID: string;
  spanID: string;
  operationName: string;
  tags: Tag[];
  logs: { fields: Tag[] }[];
  references: { refType: string; traceID: string; spanID: string }[];
}

export interface JaegerTrace {
  spans: JaegerSpan[];
  /** Everything that the answer holds, to be searched for what must not be there. */
  text: string;
}

/** @returns null when it has no such trace */
export async function readTrace(jaegerUrl: string, traceId: string): Promise<JaegerTrace | null> {
  const response = await fetch(`${jaegerUrl}/api/traces/${traceId}`);
  const text = await response.text();
  if (response.status === 404) return null;
  if (!response.ok) throw new Error(`Jaeger answers ${response.status}: ${text.slice(0, 200)}`);
  const { data } = JSON.parse(text) as { data: { spans: JaegerSpan[] }[] | null };
  const spans = (data ?? []).flatMap((trace) => trace.spans);
  return spans.length === 0 ? null : { spans, text };
}

/** The values of `runledger.kind` in a trace, with how often each is there; spans without it count as 'none'. */
export function kindsOf({ spans }: JaegerTrace): Record<string, number> {
  const kinds: Record<string, number> = {};
  for (const { tags } of spans) {
    const kind = String(tags.find(({ key }) => key === 'runledger.kind')?.value ?? 'none');
    kinds[kind] = (kinds[kind] ?? 0) + 1;
  }
  return kinds;
}
