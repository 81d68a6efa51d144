import type { verdicts as russian } from "../ru/verdicts.ts";

/** What the join page says before, instead of and after the room, in English. */
export const verdicts: typeof russian = {
  verdicts: {
    link_invalid: {
      title: "This link does not open",
      text: "Part of it may be missing. Open it again straight from the clinic's message. If that fails, call the clinic: the number is in the same message.",
    },
    link_revoked: {
      title: "This link no longer works",
      text: "The clinic has sent you a new one. Look for their latest message, or call and they will send it again.",
    },
    not_invited: {
      title: "You are not on the list for this visit",
      text: "This may be somebody else's link. Call the clinic and they will help.",
    },
    removed: {
      title: "The doctor has ended your part",
      text: "You cannot come back to this visit. If this is a mistake, call the clinic.",
    },
    entered_in_error: {
      title: "This booking was made by mistake",
      text: "There will be no visit for it. If you expected one, call the clinic.",
    },
    cancelled: {
      title: "This visit was cancelled",
      text: "There is nothing to join at this time. You can choose another time online or by phone.",
    },
    finished: {
      title: "The visit is over",
      text: "The doctor's notes will appear in your account once they are written.",
    },
    payment_lapsed: {
      title: "The time to pay has run out",
      text: "The booking was not paid in time, so the place was given up. Book again; it takes a minute.",
    },
    payment_refunded: {
      title: "Your money was returned",
      text: "This booking no longer counts. If you still need the visit, book again or call us.",
    },
    payment_pending: {
      title: "Checking your payment",
      text: "Banks usually answer within a minute. Just wait; this page opens by itself. If the payment fails, you can pay again in two minutes.",
    },
    payment_required: {
      title: "One step left: pay for the visit",
      text: "Your place is kept. Once you have paid, this page opens by itself; no need to look for the link again.",
    },
    identity_required: {
      title: "Please confirm it is you",
      text: "The clinic asks you to sign in to your account, so that nobody else can join your visit.",
    },
    consent_required: {
      title: "Please read and agree",
      text: "This is needed once, before the visit.",
    },
    too_early: {
      title: "You are early",
      text: "All is well. You can check your camera and microphone now. This page will let you in when it is time.",
    },
    too_late: {
      title: "The time for this visit has passed",
      text: "It is no longer possible to enter. Call the clinic and they will help you book again.",
    },
    waiting_for_practitioner: {
      title: "The doctor will be with you shortly",
      text: "Press “Enter” to let the doctor know you are here. The call starts by itself.",
    },
    admitted: {
      title: "You can come in",
      text: "Check that you can be seen and heard, then press “Enter”.",
    },
  },
  staffVerdicts: {
    admitted: { title: "The room is ready", text: "Check your camera and microphone and enter." },
    finished: { title: "The visit is over", text: "You or a colleague finished it." },
    cancelled: { title: "This visit was cancelled", text: "The clinic or the patient cancelled the booking." },
  },
  guestFinished: { title: "The visit is over", text: "It is not possible to return to it." },
  notReadyYet: {
    admitted: "First turn on your camera and microphone; then the “Enter” button appears.",
    waiting_for_practitioner:
      "First turn on your camera and microphone, then press “Enter” to let the doctor know you are here.",
  },
  waitingNow: {
    title: "The doctor knows you are here",
    text: "Keep this page open: the call starts by itself as soon as the doctor comes in.",
  },
  deviceTrouble: {
    both: {
      title: "Let us fix the camera and microphone",
      text: "Below is what to press. If it does not work, you can come in without them.",
    },
    camera: {
      title: "Let us fix the camera",
      text: "The microphone works. If the camera does not, come in as you are: you will be heard.",
    },
    microphone: {
      title: "Let us fix the microphone",
      text: "Without it the doctor cannot hear you. Below is what to press.",
    },
  },
  allowFirst: "One step left: allow the camera and microphone.",
  tooEarlyReady: "You are ready. This page will let you in when it is time.",
  tooEarlyByDays:
    "You can close this page and open the same link again on the day of your visit. You can check your camera and microphone now.",
  paidAfterLapse: "Your money came after the deadline. It is not lost: the clinic will get in touch.",
  over: {
    left: { title: "You have left", text: "Camera and microphone are off. You can return while there is time." },
    finished: {
      title: "The visit is over",
      text: "Camera and microphone are off. The doctor's notes will appear in your account once they are written.",
    },
    taken_over: {
      title: "The call goes on elsewhere",
      text: "You entered on another phone or computer, so the call was closed here.",
    },
    removed: {
      title: "The doctor has ended your part",
      text: "Camera and microphone are off. If this is a mistake, call the clinic.",
    },
    lost: {
      title: "The connection was lost",
      text: "We could not bring it back at once. Check your internet and return; the doctor will see you are here again.",
    },
  },
  staffOver: {
    left: {
      title: "You have left",
      text: "Camera and microphone are off. The visit is not finished: while there is time, you can return.",
    },
    finished: {
      title: "The visit is over",
      text: "For everybody. Camera and microphone are off. What remains is to write the notes.",
    },
  },
  guestOver: { title: "The visit is over", text: "Camera and microphone are off." },
  unreachable: {
    title: "No connection to the clinic",
    text: "Your internet seems to be down. Check Wi-Fi or mobile data and try again. Your booking is safe.",
  },
  forgotten: {
    title: "This device is forgotten",
    text: "Nothing about you is kept here any more. To come back, open the link from the clinic's message.",
  },
  refused: {
    title: "Entering did not work",
    disconnected: "The connection to the clinic was lost. Check your internet and press “Enter” again.",
    room_full: "The room is full. Ask the doctor to make room, or call the clinic.",
    media_unavailable: "Video is not available right now. Wait half a minute and try again.",
    draining: "The clinic is updating its video service. Wait some minutes and press Enter again.",
    session: "The page has to be opened again: reload it or press your link once more.",
    other: "Something went wrong on our side. Please try again. If it still fails, call the clinic.",
  },
};
