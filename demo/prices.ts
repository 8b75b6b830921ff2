/** What the demo's vendors charge, in billionths of a US dollar, so that its sums of money are whole numbers. */

export const NANO_USD = {
  /** Stated with each call by the pipeline, because they are priced by contract. */
  tavilyCredit: 8_000_000,
  lushaCredit: 90_000_000,
  zerobounceAddress: 8_000_000,
  apifyCompany: 10_000_000,
} as const;

/** List prices of tokens, in and out. The pipeline does not state them: the ledger has to find the same from model and tokens. */
const MODEL_NANO_USD = {
  'gpt-4.1-nano': [100, 400],
  'gpt-4o-mini': [150, 600],
  'gpt-4o': [2_500, 10_000],
} as const;
export type Model = keyof typeof MODEL_NANO_USD;

/** What answers call themselves: the snapshot that is behind the name. */
export const SNAPSHOTS: Record<Model, string> = {
  'gpt-4.1-nano': 'gpt-4.1-nano-2025-04-14',
  'gpt-4o-mini': 'gpt-4o-mini-2024-07-18',
  'gpt-4o': 'gpt-4o-2024-08-06',
};

export function isModel(name: unknown): name is Model {
  return typeof name === 'string' && Object.hasOwn(MODEL_NANO_USD, name);
}

export function tokensNanoUsd(model: Model, tokensInput: number, tokensOutput: number): number {
  const [input, output] = MODEL_NANO_USD[model];
  return tokensInput * input + tokensOutput * output;
}

export function toUsd(nanoUsd: number): number {
  return nanoUsd / 1e9;
}
