import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { cameBackFromPaying, rememberPaying } from "../src/call/payment-return.ts";

describe("coming back from paying", () => {
  const stored = new Map<string, string>();
  const replaced: string[] = [];

  function openAt(hash: string): void {
    vi.stubGlobal("location", { hash, pathname: "/j/token", search: "" });
  }

  beforeEach(() => {
    stored.clear();
    replaced.length = 0;
    openAt("");
    vi.stubGlobal("sessionStorage", {
      getItem: (key: string) => stored.get(key) ?? null,
      setItem: (key: string, value: string) => stored.set(key, value),
      removeItem: (key: string) => stored.delete(key),
    });
    vi.stubGlobal("history", {
      state: null,
      replaceState: (_state: unknown, _title: string, url: string) => {
        replaced.push(url);
        openAt("");
      },
    });
  });

  afterEach(() => vi.unstubAllGlobals());

  it("is known once after the payment link was followed", () => {
    expect(cameBackFromPaying("apt_1")).toBe(false);
    rememberPaying("apt_1");
    expect(cameBackFromPaying("apt_2")).toBe(false);
    expect(cameBackFromPaying("apt_1")).toBe(true);
    expect(cameBackFromPaying("apt_1")).toBe(false);
  });

  it("is known by the clinic's return address, which is cleaned up", () => {
    openAt("#paid");
    rememberPaying("apt_1");
    expect(cameBackFromPaying("apt_1")).toBe(true);
    expect(replaced).toEqual(["/j/token"]);
    expect(cameBackFromPaying("apt_1")).toBe(false);
  });

  it("works where nothing can be stored", () => {
    vi.stubGlobal("sessionStorage", undefined);
    rememberPaying("apt_1");
    expect(cameBackFromPaying("apt_1")).toBe(false);
    openAt("#paid");
    expect(cameBackFromPaying("apt_1")).toBe(true);
  });
});
