/** How a picture comes: its first frame is awaited, or is overdue; it goes on, or no new frame has come for a while. */
export type Flow = "coming" | "overdue" | "going" | "still";

/** HTML, `HTMLMediaElement.readyState`. */
const HAVE_CURRENT_DATA = 2;
const LOOK_MILLISECONDS = 1000;
/** Browsers send several frames a second of anything that a camera sees. */
const PATIENCE_MILLISECONDS = 3000;

/** Tells how a video's picture comes, at once and whenever that changes, until the returned function is called. */
export function watchFlow(video: HTMLVideoElement, tell: (flow: Flow) => void): () => void {
  let arrived = video.readyState >= HAVE_CURRENT_DATA;
  let last = performance.now();
  let looked = last;
  let told: Flow | null = null;
  let request = 0;
  // Older browsers do not tell of frames: there a picture is never still.
  const framesAreTold = "requestVideoFrameCallback" in video;
  const judge = (late: boolean) => {
    const flow = arrived ? (late && framesAreTold ? "still" : "going") : late ? "overdue" : "coming";
    if (flow === told) return;
    told = flow;
    tell(flow);
  };
  const came = () => {
    arrived = true;
    last = performance.now();
    judge(false);
  };
  // One of a second's frames is enough: a call for each would have the page drawn anew for each.
  let asked = false;
  const ask = () => {
    if (!framesAreTold || asked) return;
    asked = true;
    request = video.requestVideoFrameCallback(() => {
      asked = false;
      came();
    });
  };
  const look = () => {
    const now = performance.now();
    // What nobody can see is neither sent nor drawn, and of a time in which the page stood still it knows nothing.
    const unseen = document.hidden || video.checkVisibility?.() === false || now - looked > 2 * LOOK_MILLISECONDS;
    if (unseen) last = now;
    looked = now;
    ask();
    judge(now - last > PATIENCE_MILLISECONDS);
  };
  judge(false);
  video.addEventListener("loadeddata", came);
  ask();
  const timer = setInterval(look, LOOK_MILLISECONDS);
  return () => {
    clearInterval(timer);
    video.removeEventListener("loadeddata", came);
    if (framesAreTold) video.cancelVideoFrameCallback(request);
  };
}
