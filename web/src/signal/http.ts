import type { VerdictView } from "../protocol/generated.ts";

/** What opening a link gave; `participant` is absent when the link opens nothing. */
export interface OpenedLink {
  readonly participant: string | null;
  readonly verdict: VerdictView;
}

/** The server could not be asked (`unreachable`) or refused with a code (RFC 9457 `code` member). */
export class HttpError extends Error {
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.name = "HttpError";
    this.code = code;
  }
}

/** Exchanges the link's token for this device's cookie and the first verdict. */
export function openLink(token: string): Promise<OpenedLink> {
  return call<OpenedLink>("POST", "/api/v1/sessions", { token });
}

/** «Забыть это устройство»: the cookie is made worthless and removed. */
export async function forgetDevice(participant: string): Promise<void> {
  await call<unknown>("DELETE", `/api/v1/sessions/${encodeURIComponent(participant)}`);
}

export async function call<Result>(method: string, path: string, body?: unknown): Promise<Result> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      credentials: "same-origin",
      ...(body === undefined ? {} : { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }),
    });
  } catch {
    throw new HttpError("unreachable");
  }
  const text = await response.text();
  if (!response.ok) throw new HttpError(problemCode(text));
  return (text ? JSON.parse(text) : {}) as Result;
}

function problemCode(text: string): string {
  try {
    const problem: unknown = JSON.parse(text);
    if (typeof problem === "object" && problem !== null && "code" in problem) return String(problem.code);
  } catch {
    // A proxy's own error page is no JSON.
  }
  return "unreachable";
}
