/** How long nothing may arrive before we act, at the least. */
const SILENCE_MILLISECONDS = 800;
const LOOK_EVERY_MILLISECONDS = 200;
/** Time a repair is given before the next one is tried. */
const REPAIR_MILLISECONDS = 3000;
/** Of how many latest pauses the longest counts as usual. */
const USUAL_PAUSES = 4;

/**
 * Notices a dead way to the server sooner than ICE does (a changed network often leaves ICE waiting for seconds), and
 * that it is alive again. What silence means is learnt: a call brings packets all the time, a page that neither
 * sends nor receives only an answer to a check every few seconds.
 * Stands still while the page is hidden: hidden pages' timers are throttled and would cry wolf.
 */
export class MediaWatch {
  private readonly arrivals: () => Promise<number>;
  private readonly silent: () => void;
  private readonly alive: () => void;
  private timer: ReturnType<typeof setInterval> | undefined;
  private last = -1;
  private cameAt = 0;
  private quietUntil = 0;
  private pauses: number[] = [];

  constructor(arrivals: () => Promise<number>, silent: () => void, alive: () => void) {
    this.arrivals = arrivals;
    this.silent = silent;
    this.alive = alive;
  }

  start(): void {
    this.stop();
    this.rest();
    this.timer = setInterval(() => void this.look(), LOOK_EVERY_MILLISECONDS);
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    this.pauses = [];
  }

  private rest(): void {
    this.cameAt = performance.now();
    this.quietUntil = 0;
  }

  private async look(): Promise<void> {
    if (document.visibilityState !== "visible") return this.rest();
    const arrivals = await this.arrivals().catch(() => -1);
    if (this.timer === undefined) return;
    // A restart of ICE, or a new connection, begins to count anew: less than before is no arrival.
    const grown = arrivals > this.last;
    this.last = arrivals;
    const now = performance.now();
    if (grown) this.somethingCame(now);
    else if (now - this.cameAt > this.patience() && now > this.quietUntil) {
      this.quietUntil = now + REPAIR_MILLISECONDS;
      this.silent();
    }
  }

  private somethingCame(now: number): void {
    this.pauses = [...this.pauses, now - this.cameAt].slice(-USUAL_PAUSES);
    const alarmed = this.quietUntil > 0;
    this.rest();
    if (alarmed) this.alive();
  }

  private patience(): number {
    return Math.max(SILENCE_MILLISECONDS, 2 * Math.max(0, ...this.pauses));
  }
}
