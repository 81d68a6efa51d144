import { signal, type Signal as Value } from "@preact/signals";
import type { JoinResult, RoomSnapshot, VerdictView } from "../protocol/generated.ts";
import { RequestError } from "../signal/errors.ts";
import type { LinkState, Signal } from "../signal/signal.ts";
import { Comings } from "./comings.ts";
import { type CallConnection, type ConnectionEvent, nextConnection, START } from "./connection-state.ts";
import { DeviceTelling } from "./device-telling.ts";
import { type LinkQualities, linkQualities, UNKNOWN_LINKS } from "./link-quality.ts";
import type { Ending, ShutOut } from "./lobby-state.ts";
import type { LocalMedia } from "./local-media.ts";
import {
  type MakeConnection,
  MediaConnection,
  type MediaConnectionEvents,
  type RemoteMedia,
  type TransportState,
} from "./media-connection.ts";
import { MediaRepair, type WayCondition } from "./media-repair.ts";
import { MediaWatch, NO_TRAFFIC } from "./media-watch.ts";
import type { MediaWay } from "./media-way.ts";
import { Offers } from "./offers.ts";
import { OldPictures } from "./old-pictures.ts";
import { connectionInOwnFrame } from "./own-frame.ts";
import { ScreenLock, watchPage } from "./page-life.ts";
import type { Quality } from "./quality.ts";
import { afterRefusal } from "./rejoin.ts";
import { Relays } from "./relays.ts";
import { participantChanged, roomChanged, screenIsTaken } from "./room-state.ts";
import { ScreenShare } from "./screen-share.ts";
import { BACK_TONES, LOST_TONES, playTones } from "./sound.ts";
import { Stage } from "./stage.ts";
import { Viewing } from "./viewing.ts";

export interface EnterOptions {
  readonly takeOver: boolean;
  /** Text only: no media connection at all. */
  readonly withMedia: boolean;
}

/** `verdict` is there when the server refused to let us back in, and says why. */
export type Ended = (ending: Ending | ShutOut, verdict: VerdictView | null) => void;

/** How long a connection that knew no relays when it began may try without them. */
const WITHOUT_RELAYS_MILLISECONDS = 1500;
/** Time a server that can't take us just now is given before it is asked again. */
const AGAIN_MILLISECONDS = 500;
const PROBE_MILLISECONDS = 500;

/** One stay in the room: takes the seat, keeps media and signalling alive, gives everything back at the end. */
export class Call {
  readonly room: Value<RoomSnapshot | null> = signal(null);
  readonly me: Value<string> = signal("");
  readonly connection: Value<CallConnection> = signal(START);
  readonly remote: Value<ReadonlyMap<string, RemoteMedia>> = signal(new Map());
  readonly quality: Value<Quality>;
  /** How good everybody's link is, as the server judges it. */
  readonly links: Value<LinkQualities> = signal(UNKNOWN_LINKS);
  readonly viewing = new Viewing(
    () => this.media?.pictureSections() ?? [],
    (tiles) => this.signal.request("media.view", { tiles }),
  );
  readonly comings = new Comings();
  readonly stage = new Stage((large) => this.viewing.setLarge(large));
  readonly share = new ScreenShare({
    ask: () => this.signal.request("screen.share", {}),
    tellStopped: () => this.signal.request("screen.stop", {}),
    send: (track) => void this.media?.replace("screen", track),
  });

  private readonly signal: Signal;
  private readonly local: LocalMedia;
  private readonly ended: Ended;
  private readonly relays: Relays;
  private readonly watch = new MediaWatch(() => this.media?.traffic() ?? Promise.resolve(NO_TRAFFIC), {
    doubtful: () => this.probeLink(),
    silent: () => this.waySeemsDead(),
    alive: () => this.wayIsAlive(),
    unheard: () => this.unheard(),
  });
  private readonly repair = new MediaRepair({
    linked: () => this.signal.state === "connected",
    restart: () => this.restartIce(),
    replace: () => this.replaceMedia(),
    condition: (since) => this.wayCondition(since),
  });
  readonly offers = new Offers({
    send: (offer) => this.signal.request("media.offer", { offer }),
    current: () => (this.inside ? this.media : null),
    refused: (unknown) => this.repair.refused(unknown),
  });
  private readonly devices: DeviceTelling;
  private readonly awake = new ScreenLock();
  private readonly cleanups: (() => void)[] = [];
  private media: MediaConnection | null = null;
  private readonly old = new OldPictures(() => this.showRemote());
  private remoteNow: ReadonlyMap<string, RemoteMedia> = new Map();
  private hidden = false;
  private inside = false;
  private closed = false;
  private joining = false;
  private withoutRelays: ReturnType<typeof setTimeout> | undefined;
  private nextJoin: ReturnType<typeof setTimeout> | undefined;

  constructor(signalling: Signal, local: LocalMedia, quality: Value<Quality>, ended: Ended, relays = new Relays()) {
    this.signal = signalling;
    this.local = local;
    this.quality = quality;
    this.ended = ended;
    this.relays = relays;
    this.devices = new DeviceTelling(local, {
      hasMedia: () => this.media !== null,
      inside: () => this.inside,
      send: (media) => signalling.request("media.state", { media }),
    });
  }

  /**
   * Takes the seat: the offer travels with the request, and the answer comes with the room. Resolves also when the
   * stay has ended meanwhile; `ended` was told then.
   */
  async enter(options: EnterOptions): Promise<void> {
    this.listen();
    try {
      if (options.withMedia) this.media = this.newMedia();
      const offer = this.media ? await this.media.makeOffer() : null;
      const request = { media: this.devices.state(), offer, take_over: options.takeOver };
      await this.seated(await this.signal.request("room.join", request));
    } catch (error) {
      this.close();
      throw error;
    }
    if (!this.inside) return;
    void this.awake.hold();
    if (this.media) this.watch.start();
    else this.advance("transport_connected");
  }

  async leave(): Promise<void> {
    this.inside = false;
    const gone = this.signal.request("room.leave", {}, 2000).catch(() => {});
    this.close();
    await gone;
  }

  async finish(): Promise<void> {
    await this.signal.request("consultation.finish", {});
    this.end("finished");
  }

  async remove(participant: string): Promise<void> {
    await this.signal.request("participant.remove", { participant });
  }

  /** To be called from a press. */
  async shareScreen(): Promise<void> {
    await this.share.start(screenIsTaken(this.room.peek(), this.me.peek()));
  }

  /** Ends our own, or as practitioner anybody's. */
  async stopScreen(): Promise<void> {
    const own = this.share.state.peek().kind;
    if (own === "asking" || own === "sharing") this.share.stop();
    else await this.signal.request("screen.stop", {});
  }

  async setQuality(quality: Quality): Promise<void> {
    this.quality.value = quality;
    this.view();
    await this.local.setQuality(quality);
    // The camera's picture has its new size by now.
    await this.media?.limit(quality);
  }

  /** Whoever switches the camera on by hand sees the others, too. */
  async setCameraOn(on: boolean): Promise<void> {
    const switched = this.local.setCameraOn(on);
    if (on && this.quality.peek() === "audio_only") await this.setQuality("auto");
    await switched;
  }

  /** Which way our media takes, for whoever supports us; null while there is none. */
  way(): Promise<MediaWay | null> {
    return this.media?.way() ?? Promise.resolve(null);
  }

  /** The page shows the new picture: the connection that brought the old one is no longer needed. */
  pictureShown(): void {
    this.old.closeConnection();
  }

  close(): void {
    this.inside = false;
    this.closed = true;
    this.repair.whole();
    clearTimeout(this.nextJoin);
    clearTimeout(this.withoutRelays);
    this.devices.stop();
    this.watch.stop();
    this.share.release();
    this.stage.stop();
    this.comings.stop();
    this.viewing.stop();
    this.awake.release();
    for (const cleanup of this.cleanups.splice(0)) cleanup();
    this.media?.close();
    this.media = null;
    this.remoteNow = new Map();
    this.old.forget();
    this.signal.setSeated(false);
  }

  private listen(): void {
    const { signal: link } = this;
    this.cleanups.push(
      link.onLink((state) => this.linkChanged(state)),
      link.on("participant.changed", (event) => this.updateRoom((room) => participantChanged(room, event))),
      link.on("room.changed", (event) => {
        this.updateRoom((room) => roomChanged(room, event));
        if (event.finished) this.end("finished");
      }),
      link.on("media.slots", (event) => {
        this.media?.assign(event.slots);
        this.growSlots(event.missing_slots);
      }),
      link.on("media.wanted", (event) => void this.media?.obey(event)),
      link.on("room.speaker", (event) => this.stage.hear(event.participant)),
      link.on("media.lost", () => this.mediaLost()),
      link.on("media.quality", (event) => {
        this.links.value = linkQualities(event);
      }),
      link.on("seat.lost", (event) => this.end(event.reason)),
      this.local.onTrack((kind, track) => void this.media?.replace(kind, track)),
      this.local.microphone.subscribe(() => this.devices.tell()),
      this.local.camera.subscribe(() => this.devices.tell()),
      this.relays.servers.subscribe((servers) => this.useRelays(servers)),
      watchPage({
        visible: () => this.pageVisible(),
        reallyHidden: () => this.setHidden(true),
        online: () => this.online(),
        networkChanged: () => this.networkChanged(),
      }),
    );
  }

  private async seated(result: JoinResult): Promise<void> {
    if (this.closed) return;
    this.inside = true;
    this.me.value = result.me;
    this.comings.seated();
    this.setRoom(result.snapshot);
    this.signal.setSeated(true);
    if (result.snapshot.finished) return this.end("finished");
    this.viewing.forgotten();
    void this.share.renew(result.snapshot.screen, result.me);
    if (result.answer) await this.media?.apply(result.answer);
    if (result.answer) this.growSlots(result.answer.missing_slots);
  }

  private linkChanged(state: LinkState): void {
    if (!this.inside) return;
    if (state === "refused") {
      this.end("lost");
      return;
    }
    this.advance(state === "connected" ? "link_back" : "link_lost");
    clearTimeout(this.nextJoin);
    if (state === "connected") void this.rejoin();
  }

  /** Takes the seat again after a lost link; the media connection usually has lived on. */
  private async rejoin(): Promise<void> {
    if (this.joining) return;
    this.joining = true;
    try {
      const media = this.media;
      const result = await this.signal.request("room.join", {
        media: this.devices.state(),
        resume: media?.name ?? null,
        resume_number: media?.answeredNumber ?? 0,
      });
      await this.seated(result);
      if (!this.inside || !media) return;
      if (!result.media_resumed) this.mediaLost();
      else if (media.hasUnansweredOffer || media.transport !== "connected" || this.watch.alarmed)
        this.repair.offerAgain();
      else this.watch.warn();
    } catch (error) {
      this.rejoinFailed(error);
    } finally {
      this.joining = false;
    }
  }

  private rejoinFailed(error: unknown): void {
    const next = afterRefusal(error);
    if (next.kind === "wait" || !this.inside) return;
    if (next.kind === "again") this.nextJoin = setTimeout(() => void this.rejoin(), AGAIN_MILLISECONDS);
    else this.end(next.ending, next.verdict);
  }

  private newMedia(make?: MakeConnection): MediaConnection {
    const { local, share } = this;
    const tracks = { microphone: local.track("microphone"), camera: local.track("camera"), screen: share.track };
    const events: MediaConnectionEvents = {
      transport: (state) => {
        if (media === this.media) this.transportChanged(state);
      },
      remote: (people) => {
        if (media === this.media) this.showRemote(people);
      },
      offerNeeded: () => {
        if (media === this.media && this.inside) this.offers.negotiate(media);
      },
    };
    const media: MediaConnection = new MediaConnection(tracks, this.quality.peek(), events, make);
    media.useRelays(this.relays.servers.peek());
    return media;
  }

  private showRemote(people: ReadonlyMap<string, RemoteMedia> = this.remoteNow): void {
    if (people !== this.remoteNow) this.viewing.changed();
    this.remoteNow = people;
    this.remote.value = this.old.beside(people);
  }

  private mediaLost(): void {
    if (this.inside && this.media) this.repair.replace();
  }

  private replaceMedia(): void {
    if (!this.inside || !this.media) return;
    this.advance("transport_replaced");
    this.media.retire();
    this.old.keep(this.media, this.remoteNow);
    this.remoteNow = new Map();
    this.media = this.newMedia(connectionInOwnFrame);
    this.viewing.forgotten();
    this.watch.start();
    void this.relays.refresh(this.signal);
    this.offers.negotiate(this.media);
  }

  private restartIce(): Promise<void> {
    return this.media && this.inside ? this.offers.restartIce(this.media) : Promise.resolve();
  }

  /** Relays that came after the first gathering had begun are only gathered by a restart. */
  private useRelays(servers: readonly RTCIceServer[]): void {
    const media = this.media;
    if (!media?.useRelays(servers) || media.transport !== "connecting") return;
    clearTimeout(this.withoutRelays);
    this.withoutRelays = setTimeout(() => {
      if (this.media === media && media.transport === "connecting") this.repair.broken();
    }, WITHOUT_RELAYS_MILLISECONDS);
  }

  private growSlots(missing: number): void {
    if (this.media?.addSlots(missing)) this.offers.negotiate(this.media);
  }

  private transportChanged(state: TransportState): void {
    if (state === "connected") {
      // A restart may leave ICE as it was; what comes shows whether it helped.
      if (this.watch.alarmed && this.repair.state !== "replacing") return;
      this.repair.whole();
      this.advance("transport_connected");
    } else if (state === "failed") {
      this.advance("transport_failed");
      this.repair.broken();
    } else if (state === "disturbed") {
      this.advance("transport_disturbed");
      this.repair.disturbed();
      this.networkChanged();
    }
  }

  private online(): void {
    this.networkChanged();
    this.repair.online();
  }

  private networkChanged(): void {
    if (!this.inside) return;
    this.probeLink();
    this.watch.warn();
  }

  /** A connection that is being made has had nothing to hear yet: a restart would end checks that still run. */
  private waySeemsDead(): void {
    if (!this.inside || this.media?.transport === "connecting") return;
    this.advance("transport_disturbed");
    this.repair.broken();
  }

  private wayIsAlive(): void {
    if (this.inside && this.media?.transport === "connected") this.transportChanged("connected");
  }

  private unheard(): void {
    const linked = this.signal.state === "connected";
    if (this.inside && linked && this.media?.transport === "connected") this.repair.replace();
  }

  private async wayCondition(since: number): Promise<WayCondition> {
    const came = await this.watch.cameSince(since);
    if (!came) return "silent";
    return this.media?.transport === "connected" ? "whole" : "alive";
  }

  /** A link over a network that is gone stays silent for seconds; a question without an answer unmasks it. */
  private probeLink(): void {
    if (this.signal.state !== "connected") return;
    this.signal.request("admission.check", {}, PROBE_MILLISECONDS).catch((error: unknown) => {
      const silent = error instanceof RequestError && error.code === "timeout";
      if (silent && this.inside) this.signal.reconnect();
    });
  }

  private pageVisible(): void {
    this.setHidden(false);
    if (!this.inside) return;
    void this.awake.hold();
    void this.local.reviveAfterLock();
  }

  private setHidden(hidden: boolean): void {
    this.hidden = hidden;
    this.view();
  }

  private view(): void {
    this.viewing.setWanted(!this.hidden && this.quality.peek() !== "audio_only");
  }

  private updateRoom(change: (room: RoomSnapshot) => RoomSnapshot): void {
    const room = this.room.peek();
    if (!room) return;
    this.setRoom(change(room));
    this.share.hear(this.room.peek()?.screen ?? null, this.me.peek());
  }

  private setRoom(room: RoomSnapshot): void {
    this.room.value = room;
    this.stage.follow(room, this.me.peek());
    this.comings.follow(room, this.me.peek());
  }

  private advance(event: ConnectionEvent): void {
    const before = this.connection.peek();
    const after = nextConnection(before, event);
    if (after === before) return;
    this.connection.value = after;
    if (before.kind !== after.kind && after.kind === "reconnecting") playTones(LOST_TONES);
    if (before.kind === "reconnecting" && after.kind === "live") playTones(BACK_TONES);
  }

  private end(ending: Ending | ShutOut, verdict: VerdictView | null = null): void {
    if (!this.inside) return;
    this.advance("seat_lost");
    this.close();
    this.ended(ending, verdict);
  }
}
