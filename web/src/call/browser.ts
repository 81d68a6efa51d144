/** What this browser lets us do. Judged by ability; the name is looked at only to word the advice. */
export type BrowserFitness = "fit" | "in_app" | "insecure" | "unsupported";

interface BrowserFacts {
  readonly userAgent: string;
  readonly secure: boolean;
  readonly capture: boolean;
  readonly peerConnection: boolean;
}

/** Browsers inside other apps; many of them give no camera, and none tells why. */
const IN_APP = /FBAN|FBAV|FB_IAB|Instagram|Line\/|MicroMessenger|VKAndroidApp|vkShare|OKApp|Telegram|WhatsApp|; wv\)/i;

export function browserFitness(facts: BrowserFacts): BrowserFitness {
  if (facts.peerConnection && facts.capture) return "fit";
  if (IN_APP.test(facts.userAgent)) return "in_app";
  if (!facts.secure) return "insecure";
  return "unsupported";
}

export function thisBrowser(): BrowserFitness {
  return browserFitness({
    userAgent: navigator.userAgent,
    secure: window.isSecureContext,
    capture: typeof navigator.mediaDevices?.getUserMedia === "function",
    peerConnection: typeof RTCPeerConnection === "function" && "addTransceiver" in RTCPeerConnection.prototype,
  });
}

/**
 * Firefox forgets all encodings but the first when an answer does not let a section send; Chromium keeps them. Nothing
 * but the name tells it beforehand.
 */
export function forgetsEncodings(userAgent: string): boolean {
  return userAgent.includes("Firefox/");
}

/** True when a refusal inside another app's browser is better answered by opening a real one. */
export function looksInApp(userAgent: string): boolean {
  return IN_APP.test(userAgent);
}
