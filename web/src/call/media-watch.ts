/** How long nothing may arrive before we act; the server's feedback comes many times a second while we send. */
const SILENCE_MILLISECONDS = 1500;
const LOOK_EVERY_MILLISECONDS = 500;
/** Time a repair is given before the next one is tried. */
const REPAIR_MILLISECONDS = 3000;

/**
 * Notices a dead way to the server sooner than ICE does (a changed network often leaves ICE waiting for seconds).
 * Stands still while the page is hidden: hidden pages' timers are throttled and would cry wolf.
 */
export class MediaWatch {
  private readonly arrivals: () => Promise<number>;
  private readonly silent: () => void;
  private timer: ReturnType<typeof setInterval> | undefined;
  private last = -1;
  private changedAt = 0;

  constructor(arrivals: () => Promise<number>, silent: () => void) {
    this.arrivals = arrivals;
    this.silent = silent;
  }

  start(): void {
    this.stop();
    this.rest();
    this.timer = setInterval(() => void this.look(), LOOK_EVERY_MILLISECONDS);
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private rest(milliseconds = 0): void {
    this.changedAt = performance.now() + milliseconds;
  }

  private async look(): Promise<void> {
    if (document.visibilityState !== "visible") return this.rest();
    const arrivals = await this.arrivals().catch(() => -1);
    if (this.timer === undefined) return;
    if (arrivals !== this.last) {
      this.last = arrivals;
      this.rest();
    } else if (performance.now() - this.changedAt > SILENCE_MILLISECONDS) {
      this.rest(REPAIR_MILLISECONDS - SILENCE_MILLISECONDS);
      this.silent();
    }
  }
}
