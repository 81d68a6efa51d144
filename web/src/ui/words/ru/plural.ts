/** The form of a noun that Russian wants beside a number. */
export function plural(count: number, one: string, few: string, many: string): string {
  const rule = new Intl.PluralRules("ru").select(count);
  return rule === "one" ? one : rule === "few" ? few : many;
}
