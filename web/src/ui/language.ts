import { computed, signal } from "@preact/signals";
import { en } from "./words/en.ts";
import { ru, type Words } from "./words/ru.ts";

export type Language = "ru" | "en";

export const LANGUAGES: readonly Language[] = ["ru", "en"];
const CATALOGUE: Record<Language, Words> = { ru, en };
const REMEMBERED = "konsilium.language";

/** What the person chose before, else the first language of the browser that we speak, else Russian. */
export function firstLanguage(remembered: string | null, preferred: readonly string[]): Language {
  const known = [remembered ?? "", ...preferred].map((tag) => tag.slice(0, 2).toLowerCase());
  return LANGUAGES.find((language) => language === known.find((tag) => LANGUAGES.includes(tag as Language))) ?? "ru";
}

export const language = signal<Language>("ru");
export const words = computed<Words>(() => CATALOGUE[language.value]);

export function startLanguage(): void {
  let remembered: string | null = null;
  try {
    remembered = localStorage.getItem(REMEMBERED);
  } catch {
    // Storage may be closed to us; the browser's own language will do.
  }
  setLanguage(firstLanguage(remembered, navigator.languages ?? []), false);
}

export function setLanguage(chosen: Language, remember = true): void {
  language.value = chosen;
  document.documentElement.lang = chosen;
  document.title = CATALOGUE[chosen].product;
  if (!remember) return;
  try {
    localStorage.setItem(REMEMBERED, chosen);
  } catch {
    // Then it holds for this page only.
  }
}
