import type { VerdictView } from "../protocol/generated.ts";
import { RequestError } from "../signal/errors.ts";
import { type Ending, isShutOut, type ShutOut } from "./lobby-state.ts";

/** What follows when the server did not let us take our seat again after a lost link. */
export type AfterRefusal =
  /** The link is down again; its return is the next chance. */
  | { readonly kind: "wait" }
  /** The server can't just now. */
  | { readonly kind: "again" }
  | { readonly kind: "ended"; readonly ending: Ending | ShutOut; readonly verdict: VerdictView | null };

export function afterRefusal(error: unknown): AfterRefusal {
  const { code, verdict } = error instanceof RequestError ? error : new RequestError("internal");
  if (code === "disconnected") return { kind: "wait" };
  if (code === "timeout" || code === "media_unavailable" || code === "internal") return { kind: "again" };
  if (verdict?.code === "finished" || verdict?.code === "removed" || isShutOut(verdict?.code))
    return { kind: "ended", ending: verdict.code, verdict };
  const elsewhere = code === "already_inside" || code === "taken_over";
  return { kind: "ended", ending: elsewhere ? "taken_over" : "lost", verdict };
}
