/** What the demo's vendors charge, in billionths of a US dollar, so that its sums of money are whole numbers. */

export const NANO_USD = {
  /** Stated with each call by the pipeline, because they are priced by contract. */
  tavilyCredit: 8_000_000,
  lushaCredit: 90_000_000,
  zerobounceAddress: 8_000_000,
  apifyCompany: 10_000_000,
  /** List price of gpt-4o-mini. The pipeline does not state it: the ledger has to find the same from model and tokens. */
  openaiTokenInput: 150,
  openaiTokenOutput: 600,
} as const;

export function toUsd(nanoUsd: number): number {
  return nanoUsd / 1e9;
}
