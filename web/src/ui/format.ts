import type { Language } from "./language.ts";
import type { Words } from "./words/ru.ts";

const LOCALE: Record<Language, string> = { ru: "ru-RU", en: "en-GB" };

/** One moment as people in one time zone say it. */
export interface SaidMoment {
  readonly day: string;
  readonly time: string;
}

export function ownZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** `now` in milliseconds decides between «Сегодня», «Завтра» and the date. */
export function sayMoment(at: string, zone: string, now: number, language: Language, words: Words): SaidMoment {
  const moment = new Date(at);
  const time = format(moment, zone, language, { hour: "2-digit", minute: "2-digit" });
  const date = format(moment, zone, language, { day: "numeric", month: "long" });
  const weekday = format(moment, zone, language, { weekday: "long" });
  const away = dayNumber(moment, zone) - dayNumber(new Date(now), zone);
  const near = away === 0 ? words.today : away === 1 ? words.tomorrow : capital(weekday);
  return { day: `${near}, ${date}`, time };
}

/** Whether clocks in both zones show something different at that moment. */
export function zonesDiffer(at: string, one: string, other: string): boolean {
  const moment = new Date(at);
  return wallClock(moment, one) !== wallClock(moment, other);
}

/** `H:MM:SS`, or `M:SS` under an hour; never negative. Days are said apart. */
export function sayCountdown(milliseconds: number): { days: number; clock: string } {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  const days = Math.floor(seconds / 86_400);
  const hours = Math.floor((seconds % 86_400) / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const rest = String(seconds % 60).padStart(2, "0");
  const clock = hours > 0 ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
  return { days, clock };
}

/** `+74951234567` from whatever the clinic wrote, for a `tel:` link. */
export function dialled(phone: string): string {
  return `tel:${phone.replace(/[^\d+]/g, "")}`;
}

/** The number as written, but never broken over two lines. */
export function unbroken(phone: string): string {
  return phone.replaceAll(" ", "\u00a0").replaceAll("-", "\u2011");
}

/** For a sentence that goes on after a colon. */
export function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function wallClock(moment: Date, zone: string): string {
  return format(moment, zone, "en", { dateStyle: "short", timeStyle: "short" });
}

function dayNumber(moment: Date, zone: string): number {
  const [day, month, year] = format(moment, zone, "en", { day: "2-digit", month: "2-digit", year: "numeric" }).split(
    "/",
  );
  return Date.UTC(Number(year), Number(month) - 1, Number(day)) / 86_400_000;
}

function format(moment: Date, zone: string, language: Language, options: Intl.DateTimeFormatOptions): string {
  try {
    return new Intl.DateTimeFormat(LOCALE[language], { ...options, timeZone: zone }).format(moment);
  } catch {
    // A zone that this browser does not know: the person's own is better than nothing.
    return new Intl.DateTimeFormat(LOCALE[language], options).format(moment);
  }
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
