import type { stage as russian } from "../ru/stage.ts";

/** The room's words about who is large and about shared screens, in English. */
export const stage: typeof russian = {
  stage: {
    enlarge: (who) => `Show large: ${who}`,
    pin: (who) => `Keep large: ${who}`,
    unpin: (who) => `Stop keeping large: ${who}`,
    pinned: (who) => `Kept large: ${who}`,
    speaking: "Speaking",
  },
  screen: {
    short: "Screen",
    share: "Screen: show yours to everybody",
    shareInstead: (who) => `Screen: show yours instead of the screen of: ${who}`,
    stopName: "Screen: stop showing",
    stop: "Stop showing",
    of: (who) => `Screen: ${who}`,
    mine: "You are showing your screen. Everybody in the room sees it.",
    theirs: (who) => `Showing their screen: ${who}`,
    ended: "The screen is no longer shown",
    coming: "The screen is about to appear…",
    unseen: "You can't see the screen: you came in without video.",
    larger: "Larger",
    smaller: "Smaller",
    shares: "Shows a screen",
    somebody: "Somebody else",
    troubles: {
      in_use: (who) => `${who} is sharing a screen right now. When that has ended, press “Screen” again.`,
      refused_by_system:
        "The computer does not allow the screen to be shown. Open its settings, “Privacy” → “Screen recording”, allow it for this browser and try again.",
      nothing_to_share: "The browser found nothing to show. Open the window you want to show and try again.",
      stopped: "The doctor stopped showing your screen. Nothing else in the call has changed.",
      taken_over: (who) => `${who} is sharing a screen now, so yours is no longer seen.`,
      failed: "The screen could not be shown. Please try again.",
    },
  },
};
