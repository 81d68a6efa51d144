/**
 * How long nothing may go out while things come in: longer than the longest pause of reports alone (RTCP for sound,
 * 7.5 s). A silent microphone sends every 400 ms (Opus DTX).
 */
const PATIENCE_MILLISECONDS = 8000;
/** Each time that it happens again soon, a repair has not helped: the next one waits longer. */
const GROWTH = 3;
const MOST_PATIENCE_MILLISECONDS = 120_000;
const FORGOTTEN_MILLISECONDS = 600_000;
/** What came so long ago does not say that the way works. */
const FRESH_MILLISECONDS = 1000;
/** Between two looks: the page itself stood still, and knows nothing of that time. */
const BLIND_MILLISECONDS = 1000;

/**
 * Notices that nothing of ours leaves although things come in. So it is in Firefox when its consent to send has lapsed
 * (RFC 7675: nothing ran for 30 s, as on a sleeping machine): a restart of ICE is answered, everything comes in, the
 * browser calls it connected, and nobody hears us.
 */
export class Departures {
  private last = -1;
  private wentAt = 0;
  private lookedAt = 0;
  private toldAt = Number.NEGATIVE_INFINITY;
  private patience = PATIENCE_MILLISECONDS;

  rest(now: number): void {
    this.wentAt = now;
  }

  /** To be asked several times a second. `went`: bytes so far, null when nothing has to go out. True: for too long. */
  stand(went: number | null, cameAt: number, now: number): boolean {
    const moved = went === null || went > this.last;
    const blind = now - this.lookedAt > BLIND_MILLISECONDS;
    this.last = went ?? -1;
    this.lookedAt = now;
    if (moved || blind || now - cameAt > FRESH_MILLISECONDS) this.rest(now);
    if (now - this.toldAt > FORGOTTEN_MILLISECONDS) this.patience = PATIENCE_MILLISECONDS;
    if (now - this.wentAt <= this.patience) return false;
    this.patience = Math.min(GROWTH * this.patience, MOST_PATIENCE_MILLISECONDS);
    this.toldAt = now;
    this.rest(now);
    return true;
  }
}
