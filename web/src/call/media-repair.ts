/**
 * whole: nothing to do · disturbed: may pass by itself · restarting: ICE was restarted · replacing: a new connection is
 * being made · waiting: nothing can be done before the network, or the signalling link, is back.
 */
export type RepairState = "whole" | "disturbed" | "restarting" | "replacing" | "waiting";

/** whole: all is well · alive: something comes, and ICE is not content yet · silent: nothing comes. */
export type WayCondition = "whole" | "alive" | "silent";

export interface RepairActs {
  /** Whether the server can be asked for anything. */
  readonly linked: () => boolean;
  /** Restarts ICE; resolves when the answer was applied, rejects when none came. */
  readonly restart: () => Promise<void>;
  /** Makes everything anew. */
  readonly replace: () => void;
  /** How the way is, by what has come since this moment (`performance.now`). */
  readonly condition: (since: number) => Promise<WayCondition>;
}

/** How long a disturbed connection may recover by itself before ICE is restarted. */
const DISTURBED_MILLISECONDS = 1000;
/** How long restarts, or a new connection, may take before everything is made anew. */
const PATIENCE_MILLISECONDS = 6000;
/** A server that refuses a connection is asked again after this, then ever more rarely. */
const REFUSED_MILLISECONDS = 500;
const REFUSED_GROWTH = 1.5;
const REFUSED_MOST_MILLISECONDS = 15_000;
/** What the first check over a new pair takes besides the round trips; these are learnt from the answer to the offer. */
const CHECK_MILLISECONDS = 150;

/**
 * Mends the way to the media server: first by a restart of ICE, which costs nothing; when its answer is there and
 * nothing comes all the same, by a new connection, which finds networks that the old one does not know of.
 */
export class MediaRepair {
  private readonly acts: RepairActs;
  private now: RepairState = "whole";
  private step: ReturnType<typeof setTimeout> | undefined;
  /** One for all restarts in a row, else each would put off the last resort. */
  private lastResort: ReturnType<typeof setTimeout> | undefined;
  /** In a row. */
  private refusals = 0;

  constructor(acts: RepairActs) {
    this.acts = acts;
  }

  get state(): RepairState {
    return this.now;
  }

  /** The way is there again, or nobody needs it any more. */
  whole(): void {
    this.refusals = 0;
    this.enter("whole");
    this.stopLastResort();
  }

  /** ICE says that it is disconnected. */
  disturbed(): void {
    if (this.now !== "whole") return;
    this.enter("disturbed");
    this.step = setTimeout(() => this.restart(), DISTURBED_MILLISECONDS);
  }

  /** Nothing comes any more, or ICE has given up. */
  broken(): void {
    if (this.now !== "replacing") this.restart();
  }

  /** The signalling link is back, and the server may have missed an offer. */
  offerAgain(): void {
    // Whoever sends the offers deals with refusals.
    if (this.now === "replacing") this.acts.restart().catch(() => {});
    else this.restart();
  }

  /** The browser knows of a network again. */
  online(): void {
    if (this.now === "waiting") this.replace();
  }

  replace(): void {
    this.stopLastResort();
    const linked = this.acts.linked();
    this.enter(linked ? "replacing" : "waiting");
    if (!linked) return;
    this.lastResort = setTimeout(() => this.replace(), PATIENCE_MILLISECONDS);
    this.acts.replace();
  }

  /**
   * The server did not take our connection: everything is made anew a little later, at once if it is the first time and
   * the server only knew nothing of us.
   */
  refused(unknown: boolean): void {
    const pause = REFUSED_MILLISECONDS * REFUSED_GROWTH ** this.refusals;
    const atOnce = unknown && this.refusals === 0;
    this.refusals += 1;
    this.stopLastResort();
    this.enter("replacing");
    this.step = setTimeout(() => this.replace(), atOnce ? 0 : Math.min(pause, REFUSED_MOST_MILLISECONDS));
  }

  private restart(): void {
    const linked = this.acts.linked();
    this.enter(linked ? "restarting" : "waiting");
    if (!linked) return;
    const asked = performance.now();
    this.lastResort ??= setTimeout(() => void this.giveUp(asked), PATIENCE_MILLISECONDS);
    this.acts.restart().then(
      () => this.answered(asked),
      () => {},
    );
  }

  private answered(asked: number): void {
    if (this.now !== "restarting") return;
    const answered = performance.now();
    clearTimeout(this.step);
    this.step = setTimeout(() => void this.judge(answered), CHECK_MILLISECONDS + 2 * (answered - asked));
  }

  private async judge(answered: number): Promise<void> {
    const condition = await this.acts.condition(answered);
    if (this.now !== "restarting") return;
    if (condition === "whole") this.whole();
    else if (condition === "silent" && navigator.onLine === false) this.enter("waiting");
    else if (condition === "silent") this.replace();
  }

  private async giveUp(asked: number): Promise<void> {
    const condition = await this.acts.condition(asked);
    if (this.lastResort === undefined) return;
    if (condition === "whole") this.whole();
    else this.replace();
  }

  private enter(state: RepairState): void {
    clearTimeout(this.step);
    this.now = state;
  }

  private stopLastResort(): void {
    clearTimeout(this.lastResort);
    this.lastResort = undefined;
  }
}
