/** How long nothing may go out while things come in. A silent microphone sends every 400 ms (Opus DTX). */
const PATIENCE_MILLISECONDS = 4000;
/** What came so long ago does not say that the way works. */
const FRESH_MILLISECONDS = 1000;

/**
 * Notices that nothing of ours leaves although things come in. So it is in Firefox when its consent to send has lapsed
 * (RFC 7675: nothing ran for 30 s, as on a sleeping machine): a restart of ICE is answered, everything comes in, the
 * browser calls it connected, and nobody hears us.
 */
export class Departures {
  private last = -1;
  private wentAt = 0;

  rest(now: number): void {
    this.wentAt = now;
  }

  /** `went`: bytes so far, null when nothing has to go out. True, now and then: nothing has for too long. */
  stand(went: number | null, cameAt: number, now: number): boolean {
    const moved = went === null || went > this.last;
    this.last = went ?? -1;
    if (moved || now - cameAt > FRESH_MILLISECONDS) this.wentAt = now;
    if (now - this.wentAt <= PATIENCE_MILLISECONDS) return false;
    this.rest(now);
    return true;
  }
}
