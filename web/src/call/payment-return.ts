/** What the clinic may put at the end of its return address: a fragment, so that nothing gets into logs. */
const RETURNED_FRAGMENT = "#paid";

/** Remembered for this tab alone: the payment page may take this page's place and then lead back. */
const WENT_TO_PAY = "konsilium.went-to-pay";

/** The person pressed «Оплатить» for this appointment. */
export function rememberPaying(appointment: string): void {
  try {
    sessionStorage.setItem(WENT_TO_PAY, appointment);
  } catch {
    // A browser that stores nothing: coming back is then told by the return address only.
  }
}

/** Whether the person came back from paying for this appointment; says yes once. */
export function cameBackFromPaying(appointment: string): boolean {
  const byAddress = location.hash === RETURNED_FRAGMENT;
  if (byAddress) history.replaceState(history.state, "", location.pathname + location.search);
  return forgetPaying(appointment) || byAddress;
}

function forgetPaying(appointment: string): boolean {
  try {
    const went = sessionStorage.getItem(WENT_TO_PAY) === appointment;
    if (went) sessionStorage.removeItem(WENT_TO_PAY);
    return went;
  } catch {
    return false;
  }
}

/** Calls back whenever the page is seen again; the returned function stops that. */
export function onSeenAgain(seen: () => void): () => void {
  const visibility = () => {
    if (document.visibilityState === "visible") seen();
  };
  const shown = (event: PageTransitionEvent) => {
    if (event.persisted) seen();
  };
  document.addEventListener("visibilitychange", visibility);
  window.addEventListener("pageshow", shown);
  return () => {
    document.removeEventListener("visibilitychange", visibility);
    window.removeEventListener("pageshow", shown);
  };
}
