import { describe, expect, it } from "vitest";
import { dialled, sayCountdown, sayMoment, unbroken, zonesDiffer } from "../src/ui/format.ts";
import { firstLanguage } from "../src/ui/language.ts";
import { en } from "../src/ui/words/en.ts";
import { ru } from "../src/ui/words/ru.ts";

/** Every text with the path that leads to it; functions are given something plain. */
function texts(value: unknown, path = ""): [string, string][] {
  if (typeof value === "string") return [[path, value]];
  if (typeof value === "function") return [[path, String((value as (...given: unknown[]) => string)(2, 2))]];
  return Object.entries(value as object).flatMap(([key, inner]) => texts(inner, `${path}.${key}`));
}

describe("words", () => {
  it("exist in both languages, all of them", () => {
    expect(texts(en).map(([path]) => path)).toEqual(texts(ru).map(([path]) => path));
    for (const [path, text] of [...texts(ru), ...texts(en)]) expect(text.trim(), path).not.toBe("");
  });

  it("are Russian in Russian and English in English", () => {
    const foreign = texts(en).filter(([path, text]) => path !== ".language" && /[а-яё]/i.test(text));
    expect(foreign).toEqual([]);
    const names = /Wi-Fi|https|Zoom|Skype|WhatsApp|Chrome|Firefox|Safari/g;
    const unspoken = texts(ru).filter(([, text]) => /[a-z]{3,}/i.test(text.replace(names, "")));
    expect(unspoken).toEqual([]);
  });

  it("never speak of the machinery", () => {
    const machinery = [...texts(ru), ...texts(en)].filter(([, text]) => /\b(SDP|ICE|SFU|WebRTC|socket)\b/i.test(text));
    expect(machinery).toEqual([]);
  });

  it("count in Russian", () => {
    expect([1, 2, 5, 21].map(ru.days)).toEqual(["1 день", "2 дня", "5 дней", "21 день"]);
  });

  it("come in the remembered language, then the browser's, then Russian", () => {
    expect(firstLanguage("en", ["ru-RU"])).toBe("en");
    expect(firstLanguage(null, ["de-DE", "en-US"])).toBe("en");
    expect(firstLanguage("xx", ["de"])).toBe("ru");
  });
});

describe("times", () => {
  const noon = "2026-03-17T09:00:00Z";
  const now = Date.parse("2026-03-17T08:45:00Z");

  it("are said in the asked zone", () => {
    expect(sayMoment(noon, "Europe/Moscow", now, "ru", ru)).toEqual({ day: "Сегодня, 17 марта", time: "12:00" });
    expect(sayMoment(noon, "Asia/Vladivostok", now, "en", en)).toEqual({ day: "Today, 17 March", time: "19:00" });
  });

  it("know tomorrow by the calendar, not by 24 hours", () => {
    const late = Date.parse("2026-03-17T20:30:00Z");
    expect(sayMoment("2026-03-17T21:30:00Z", "Europe/Moscow", late, "ru", ru).day).toBe("Завтра, 18 марта");
    expect(sayMoment("2026-03-20T09:00:00Z", "Europe/Moscow", now, "ru", ru).day).toBe("Пятница, 20 марта");
  });

  it("show two zones only when their clocks differ", () => {
    expect(zonesDiffer(noon, "Europe/Moscow", "Europe/Minsk")).toBe(false);
    expect(zonesDiffer(noon, "Europe/Moscow", "Asia/Yekaterinburg")).toBe(true);
  });

  it("count down", () => {
    expect(sayCountdown(299_001)).toEqual({ days: 0, clock: "5:00" });
    expect(sayCountdown(3_661_000)).toEqual({ days: 0, clock: "1:01:01" });
    expect(sayCountdown(90_000_000)).toEqual({ days: 1, clock: "1:00:00" });
    expect(sayCountdown(-5)).toEqual({ days: 0, clock: "0:00" });
  });

  it("dial what the clinic wrote", () => {
    expect(dialled("+7 (495) 123-45-67")).toBe("tel:+74951234567");
    expect(unbroken("8 800 555-35-35")).not.toMatch(/[ -]/);
  });
});
