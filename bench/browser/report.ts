/** What every bench prints: tables for people, then one line of JSON, last on standard output. */

export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/** The smallest value that at least `percent` of the values do not exceed; NaN of none. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((first, second) => first - second);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN;
}

export function round(value: number, digits = 0): number {
  return Number(value.toFixed(digits));
}

export function table(title: string, rows: Record<string, Record<string, number | string>>): void {
  console.log(`\n${title}`);
  console.table(rows);
}

export function result(fields: Record<string, number>): void {
  console.log(JSON.stringify(fields));
}
