/** How a model of a vendor is named on a page. */

/** The key of a line: no vendor and no model holds a NUL. */
export function modelKey({ vendor, model }: { vendor: string; model: string | null }): string {
  return `${vendor}\0${model ?? ''}`;
}

/** openai gpt-4o; the vendor alone where calls name no model; the rest of many. */
export function modelName({ vendor, model }: { vendor: string; model: string | null }): string {
  if (vendor === '_other') return 'all others';
  if (model === null) return vendor;
  return `${vendor} ${model === '_other' ? 'other models' : model}`;
}
