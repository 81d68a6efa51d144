import { signal, type Signal as Value } from "@preact/signals";
import type { VerdictCode, VerdictView } from "../protocol/generated.ts";
import { RequestError } from "../signal/errors.ts";
import { forgetDevice, type OpenedLink, openLink } from "../signal/http.ts";
import { Signal } from "../signal/signal.ts";
import { SocketTransport } from "../signal/socket.ts";
import type { Transport } from "../signal/transport.ts";
import { Call } from "./call.ts";
import { type Ending, type Lobby, type LobbyEvent, nextLobby, type ShutOut, shouldEnter } from "./lobby-state.ts";
import { LocalMedia } from "./local-media.ts";
import { cameBackFromPaying, onSeenAgain, rememberPaying } from "./payment-return.ts";
import type { Quality } from "./quality.ts";
import { Relays } from "./relays.ts";

/** Verdicts under which the person is about to enter. */
const WORTH_PREPARING: ReadonlySet<VerdictCode> = new Set(["too_early", "waiting_for_practitioner", "admitted"]);

/** Verdicts under which the server says which relays there are. */
const ABOUT_TO_ENTER: ReadonlySet<VerdictCode> = new Set(["waiting_for_practitioner", "admitted"]);

/** Verdicts under which the page offers to pay. */
const PAYABLE: ReadonlySet<VerdictCode> = new Set(["payment_required", "payment_pending"]);

/** From the link to the room and back: opens the link, keeps the verdict fresh, enters when allowed. */
export class LobbyControl {
  readonly state: Value<Lobby> = signal({ kind: "opening" });
  readonly call: Value<Call | null> = signal(null);
  readonly local = new LocalMedia();
  readonly quality: Value<Quality> = signal("auto");
  /** Text only: the person goes in without microphone and camera. */
  readonly withMedia: Value<boolean> = signal(true);
  /** What the server's clock is ahead of ours, in milliseconds: countdowns run in the server's time. */
  readonly clockOffset: Value<number> = signal(0);

  private readonly relays = new Relays();
  private readonly token: string;
  private readonly transport: (participant: string) => Transport;
  private participant: string | null = null;
  private signalling: Signal | null = null;
  private takeOver = false;

  constructor(token: string, transport: (participant: string) => Transport = (one) => new SocketTransport(one)) {
    this.token = token;
    this.transport = transport;
  }

  /** Listens to the page until the returned function is called. */
  watch(): () => void {
    return onSeenAgain(() => this.tellReturnFromPaying());
  }

  /** `opening`: the answer may have been asked for already. */
  async open(opening: Promise<OpenedLink> = openLink(this.token)): Promise<void> {
    try {
      const { participant, verdict } = await opening;
      this.hear(verdict);
      this.advance({ kind: "opened", verdict });
      this.participant = participant;
      if (participant) this.connect(participant);
      this.tellReturnFromPaying();
    } catch {
      this.advance({ kind: "unreachable" });
    }
  }

  /** «Войти»: enters at once, or as soon as the verdict allows it. */
  enter(options: { takeOver?: boolean; withMedia?: boolean } = {}): void {
    this.takeOver = options.takeOver ?? false;
    if (options.withMedia !== undefined) this.withMedia.value = options.withMedia;
    this.advance({ kind: "want" });
  }

  /** Devices made ready before the time mean: let me in when it comes. */
  async prepare(): Promise<void> {
    await this.local.enableBoth();
    const state = this.state.peek();
    if (state.kind === "outside" && state.verdict.code === "too_early") this.advance({ kind: "want" });
  }

  /** Where the browser has the person's permission already, nothing needs to be asked or pressed. */
  async prepareIfAllowed(): Promise<void> {
    const state = this.state.peek();
    const outside = state.kind === "outside" && WORTH_PREPARING.has(state.verdict.code);
    if (outside && this.local.microphone.peek().kind === "idle" && (await this.local.alreadyAllowed())) {
      await this.prepare();
    }
  }

  async enterAudioOnly(): Promise<void> {
    this.quality.value = "audio_only";
    await this.local.setQuality("audio_only");
    if (!this.local.track("microphone")) await this.local.enable("microphone");
    this.enter({ withMedia: true });
  }

  async acceptConsent(version: string): Promise<void> {
    const verdict = await this.signalling?.request("consent.accept", { version });
    if (verdict) this.verdictChanged(verdict);
  }

  /** «Оплатить» was pressed: coming back will be told to the server. */
  paying(): void {
    const appointment = this.appointmentToPay();
    if (appointment) rememberPaying(appointment);
  }

  async leave(): Promise<void> {
    const gone = this.call.peek()?.leave();
    this.ended("left", null);
    await gone;
  }

  /** «Вернуться» / «Вернуться сюда». */
  async comeBack(): Promise<void> {
    this.takeOver = true;
    this.advance({ kind: "return" });
    // A link that was refused for good, such as one that was revoked meanwhile, is opened anew: that says why.
    if (this.signalling?.state === "refused") return this.open();
    if (this.withMedia.peek()) await this.local.enableBoth();
    this.enter({ takeOver: true });
  }

  async forget(): Promise<void> {
    if (this.participant) await forgetDevice(this.participant).catch(() => {});
    await this.call.peek()?.leave();
    this.call.value = null;
    this.local.release();
    this.signalling?.close();
    this.advance({ kind: "forgotten" });
  }

  private appointmentToPay(): string | null {
    const state = this.state.peek();
    const owed = state.kind === "outside" && PAYABLE.has(state.verdict.code);
    return (owed && state.verdict.appointment?.id) || null;
  }

  private tellReturnFromPaying(): void {
    const appointment = this.appointmentToPay();
    if (!appointment || !cameBackFromPaying(appointment)) return;
    this.signalling?.request("payment.returned", {}).then(
      (verdict) => this.verdictChanged(verdict),
      () => {},
    );
  }

  private connect(participant: string): void {
    this.signalling?.close();
    const link = new Signal(this.transport(participant));
    this.signalling = link;
    link.on("admission.changed", ({ verdict }) => this.verdictChanged(verdict));
    link.open();
  }

  private verdictChanged(verdict: VerdictView): void {
    this.hear(verdict);
    if (this.signalling && ABOUT_TO_ENTER.has(verdict.code)) void this.relays.refresh(this.signalling);
    this.advance({ kind: "verdict", verdict });
    void this.prepareIfAllowed();
  }

  private hear(verdict: VerdictView): void {
    this.clockOffset.value = Date.parse(verdict.server_time) - Date.now();
  }

  private advance(event: LobbyEvent): void {
    const before = this.state.peek();
    this.state.value = nextLobby(before, event);
    if (shouldEnter(before, event, this.state.peek())) void this.join();
  }

  private async join(): Promise<void> {
    if (!this.signalling || this.call.peek()) return;
    this.advance({ kind: "entering" });
    const ended = (ending: Ending | ShutOut, verdict: VerdictView | null) => this.ended(ending, verdict);
    const call = new Call(this.signalling, this.local, this.quality, ended, this.relays);
    this.call.value = call;
    try {
      await call.enter({ takeOver: this.takeOver, withMedia: this.withMedia.peek() });
      if (this.call.peek() === call) this.advance({ kind: "entered" });
    } catch (error) {
      if (this.call.peek() === call) this.call.value = null;
      const known = error instanceof RequestError ? error : new RequestError("internal");
      this.advance({ kind: "refused", code: known.code, verdict: known.verdict });
    }
  }

  private ended(ending: Ending | ShutOut, verdict: VerdictView | null): void {
    this.local.release();
    this.call.value = null;
    if (verdict) this.verdictChanged(verdict);
    this.advance({ kind: "ended", ending });
  }
}
