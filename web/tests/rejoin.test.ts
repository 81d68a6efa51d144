import { describe, expect, it } from "vitest";
import { afterRefusal } from "../src/call/rejoin.ts";
import type { VerdictView } from "../src/protocol/generated.ts";
import { type RefusalCode, RequestError } from "../src/signal/errors.ts";

function refusal(code: RefusalCode, verdict: string | null = null): RequestError {
  return new RequestError(code, "", verdict === null ? null : ({ code: verdict } as VerdictView));
}

describe("after the server did not let us take our seat again", () => {
  it("waits for the next link when this one is gone", () => {
    expect(afterRefusal(refusal("disconnected"))).toEqual({ kind: "wait" });
  });

  it.each([refusal("timeout"), refusal("media_unavailable"), refusal("internal"), new TypeError("a defect")])(
    "asks again what may go better: %s",
    (error) => {
      expect(afterRefusal(error)).toEqual({ kind: "again" });
    },
  );

  it.each(["finished", "removed", "link_revoked", "not_invited"])("ends by the verdict: %s", (code) => {
    const error = refusal("not_admitted", code);
    expect(afterRefusal(error)).toEqual({ kind: "ended", ending: code, verdict: error.verdict });
  });

  it.each(["already_inside", "taken_over"] as const)("ends for who went on elsewhere: %s", (code) => {
    expect(afterRefusal(refusal(code))).toEqual({ kind: "ended", ending: "taken_over", verdict: null });
  });

  it("is lost with any other answer, and keeps the verdict", () => {
    const error = refusal("not_admitted", "too_early");
    expect(afterRefusal(error)).toEqual({ kind: "ended", ending: "lost", verdict: error.verdict });
  });
});
