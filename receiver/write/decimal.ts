/**
 * Exact sums of decimal text. The result keeps the largest number of decimals among what was added, as PostgreSQL's numeric does, so that a
 * sum reads the same however its parts were grouped.
 */
export class DecimalSum {
  #units = 0n;
  #scale = 0;

  add(text: string): void {
    const point = text.indexOf('.');
    const scale = point < 0 ? 0 : text.length - point - 1;
    let units = BigInt(point < 0 ? text : text.slice(0, point) + text.slice(point + 1));
    if (scale > this.#scale) {
      this.#units *= 10n ** BigInt(scale - this.#scale);
      this.#scale = scale;
    } else if (scale < this.#scale) {
      units *= 10n ** BigInt(this.#scale - scale);
    }
    this.#units += units;
  }

  toString(): string {
    if (this.#scale === 0) return this.#units.toString();
    const negative = this.#units < 0n;
    const digits = (negative ? -this.#units : this.#units).toString().padStart(this.#scale + 1, '0');
    return `${negative ? '-' : ''}${digits.slice(0, -this.#scale)}.${digits.slice(-this.#scale)}`;
  }
}
