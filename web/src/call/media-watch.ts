import { Departures } from "./departures.ts";

/** How long nothing may arrive before we act, at the least. */
const SILENCE_MILLISECONDS = 800;
const LOOK_EVERY_MILLISECONDS = 200;
/** After a sign of a changed network: how long silence must last at the least, and for how long this holds. */
const WARNED_SILENCE_MILLISECONDS = 300;
const WARNED_MILLISECONDS = 3000;
/** Time a repair is given before the next one is tried. */
const REPAIR_MILLISECONDS = 3000;
/** The part of that time after which there is doubt. */
const DOUBT = 0.6;
/** Of how many latest pauses the longest counts as usual. */
const USUAL_PAUSES = 4;

export interface Traffic {
  /** Grows with everything that comes in. */
  readonly came: number;
  /** Bytes that went out so far; null when nothing has to. */
  readonly went: number | null;
}

export const NO_TRAFFIC: Traffic = { came: -1, went: null };

export interface WatchEvents {
  /** Silence has lasted so long that the link may be asked whether it still works. */
  readonly doubtful: () => void;
  readonly silent: () => void;
  readonly alive: () => void;
  /** Things come in, and nothing of ours goes out. */
  readonly unheard: () => void;
}

/**
 * Notices a dead way to the server sooner than ICE does (a changed network often leaves ICE waiting for seconds), and
 * that it is alive again. What silence means is learnt: a call brings packets all the time, a page that neither
 * sends nor receives only an answer to a check every few seconds.
 * Stands still while the page is hidden: hidden pages' timers are throttled and would cry wolf.
 */
export class MediaWatch {
  private readonly traffic: () => Promise<Traffic>;
  private readonly tell: WatchEvents;
  private readonly departures = new Departures();
  private timer: ReturnType<typeof setInterval> | undefined;
  private last = -1;
  private cameAt = 0;
  private doubted = false;
  private quietUntil = 0;
  private warnedUntil = 0;
  private pauses: number[] = [];

  constructor(traffic: () => Promise<Traffic>, tell: WatchEvents) {
    this.traffic = traffic;
    this.tell = tell;
  }

  /** Whether silence was told of and nothing has come since. */
  get alarmed(): boolean {
    return this.quietUntil > 0;
  }

  start(): void {
    this.stop();
    this.restAll();
    this.timer = setInterval(() => void this.look(), LOOK_EVERY_MILLISECONDS);
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    this.pauses = [];
    this.last = -1;
    this.warnedUntil = 0;
  }

  /** There is a sign that the network has changed: for some seconds a shorter silence is enough. */
  warn(): void {
    if (this.timer === undefined) return;
    this.warnedUntil = performance.now() + WARNED_MILLISECONDS;
    void this.look();
  }

  /** Whether anything has come since this moment (`performance.now`). A hidden page can't know, and says yes. */
  async cameSince(moment: number): Promise<boolean> {
    await this.count();
    return this.cameAt > moment;
  }

  private rest(): void {
    this.cameAt = performance.now();
    this.doubted = false;
    this.quietUntil = 0;
  }

  private restAll(): void {
    this.rest();
    this.departures.rest(this.cameAt);
  }

  private async look(): Promise<void> {
    await this.count();
    if (this.timer === undefined) return;
    const now = performance.now();
    const patience = this.patience(now);
    if (now - this.cameAt > DOUBT * patience && !this.doubted) {
      this.doubted = true;
      this.tell.doubtful();
    }
    if (now - this.cameAt > patience && now > this.quietUntil) {
      this.quietUntil = now + REPAIR_MILLISECONDS;
      this.tell.silent();
    }
  }

  private async count(): Promise<void> {
    if (document.visibilityState !== "visible") return this.restAll();
    const { came, went } = await this.traffic().catch(() => NO_TRAFFIC);
    if (this.timer === undefined) return;
    // A restart of ICE, or a new connection, begins to count anew: less than before is no arrival.
    const grown = came > this.last;
    this.last = came;
    if (grown) this.somethingCame(performance.now());
    if (this.departures.stand(went, this.cameAt, performance.now())) this.tell.unheard();
  }

  private somethingCame(now: number): void {
    this.pauses = [...this.pauses, now - this.cameAt].slice(-USUAL_PAUSES);
    const { alarmed } = this;
    this.rest();
    if (alarmed) this.tell.alive();
  }

  private patience(now: number): number {
    const least = now < this.warnedUntil ? WARNED_SILENCE_MILLISECONDS : SILENCE_MILLISECONDS;
    return Math.max(least, 2 * Math.max(0, ...this.pauses));
  }
}
