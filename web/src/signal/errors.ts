import type { ErrorCode, ErrorView, VerdictView } from "../protocol/generated.ts";

/** The server's refusal, or `disconnected` / `timeout` when no answer came. */
export type RefusalCode = ErrorCode | "disconnected" | "timeout";

export class RequestError extends Error {
  readonly code: RefusalCode;
  readonly verdict: VerdictView | null;

  constructor(code: RefusalCode, detail = "", verdict: VerdictView | null = null) {
    super(detail ? `${code}: ${detail}` : code);
    this.name = "RequestError";
    this.code = code;
    this.verdict = verdict;
  }

  static from(view: ErrorView): RequestError {
    return new RequestError(view.code, view.detail, view.verdict ?? null);
  }
}
