/** Keeps the screen on during a call; the system drops the lock whenever the page is hidden. */
export class ScreenLock {
  private lock: WakeLockSentinel | null = null;

  async hold(): Promise<void> {
    if (this.lock && !this.lock.released) return;
    this.lock = (await navigator.wakeLock?.request("screen").catch(() => null)) ?? null;
  }

  release(): void {
    void this.lock?.release().catch(() => {});
    this.lock = null;
  }
}

export interface PageEvents {
  readonly visible: () => void;
  /** Hidden for some seconds and no picture-in-picture window shows the call. */
  readonly reallyHidden: () => void;
  readonly online: () => void;
  /** A sign that the network may have changed; it also comes when only an estimate of its speed did. */
  readonly networkChanged: () => void;
}

const HIDDEN_MILLISECONDS = 5000;

/** Listens to what happens to the page; the returned function stops listening. */
export function watchPage(events: PageEvents): () => void {
  let hiding: ReturnType<typeof setTimeout> | undefined;
  const visibility = () => {
    clearTimeout(hiding);
    if (document.visibilityState === "visible") return events.visible();
    hiding = setTimeout(() => {
      if (document.visibilityState === "hidden" && !document.pictureInPictureElement) events.reallyHidden();
    }, HIDDEN_MILLISECONDS);
  };
  const online = () => events.online();
  const network = () => events.networkChanged();
  const connection = (navigator as { connection?: EventTarget }).connection;
  document.addEventListener("visibilitychange", visibility);
  window.addEventListener("online", online);
  connection?.addEventListener?.("change", network);
  return () => {
    clearTimeout(hiding);
    document.removeEventListener("visibilitychange", visibility);
    window.removeEventListener("online", online);
    connection?.removeEventListener?.("change", network);
  };
}
