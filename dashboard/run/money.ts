/** Sums of decimal text, exact: a float would make totals that do not add up. */

/** @param amounts decimal text such as "0.0017"; anything else counts as 0 */
export function addMoney(amounts: readonly string[]): string {
  const parts = amounts.map((amount) => /^(-?)(\d+)(?:\.(\d+))?$/.exec(amount));
  const digits = Math.max(0, ...parts.map((part) => part?.[3]?.length ?? 0));
  const total = parts.reduce((sum, part) => sum + unitsOf(part, digits), 0n);
  const text = (total < 0n ? -total : total).toString().padStart(digits + 1, '0');
  const whole = text.slice(0, text.length - digits);
  const fraction = text.slice(text.length - digits);
  return `${total < 0n ? '-' : ''}${whole}${digits === 0 ? '' : `.${fraction}`}`;
}

function unitsOf(part: RegExpExecArray | null, digits: number): bigint {
  if (part === null) return 0n;
  const [, sign, whole = '0', fraction = ''] = part;
  const units = BigInt(whole + fraction.padEnd(digits, '0'));
  return sign === '-' ? -units : units;
}
