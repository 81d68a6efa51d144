import type { Coming } from "../../call/comings.ts";
import type { CallConnection } from "../../call/connection-state.ts";
import type { LinkQualities } from "../../call/link-quality.ts";
import type { RemoteMedia } from "../../call/media-connection.ts";
import type { MediaWay } from "../../call/media-way.ts";
import type { Quality } from "../../call/quality.ts";
import type { ShareState } from "../../call/screen-share-state.ts";
import type { StageState } from "../../call/stage-state.ts";
import type { ParticipantView, RoomNotice } from "../../protocol/generated.ts";
import type { DeviceActions, DevicesView } from "../devices-view.ts";
import type { Flow } from "../parts/picture-flow.ts";
import type { Draw } from "./use-shown.ts";

export interface PersonInRoom {
  readonly view: ParticipantView;
  readonly media: RemoteMedia;
}

export type RoomDialog = "settings" | "leave" | "finish" | { readonly remove: string };

/** Everything the room draws; it needs no server. */
export interface RoomView {
  readonly title: string;
  readonly me: ParticipantView;
  readonly others: readonly PersonInRoom[];
  /** Who has just come or gone. */
  readonly coming: Coming | null;
  readonly stage: StageState;
  /** Who shows a screen. */
  readonly sharer: ParticipantView | null;
  /** The own screen. */
  readonly share: ShareState;
  readonly canShare: boolean;
  readonly connection: CallConnection;
  /** There is no place for the own sound and picture. */
  readonly roomFull: boolean;
  readonly links: LinkQualities;
  readonly devices: DevicesView;
  readonly quality: Quality;
  readonly withMedia: boolean;
  readonly notice: RoomNotice | null;
  readonly speakingMuted: boolean;
  readonly failed: boolean;
  /** What is open when the room is first drawn (pictures of the screen). */
  readonly dialog?: RoomDialog;
  readonly panel?: boolean;
  readonly soundRefused?: boolean;
  /** How the others' pictures come; those not in it go on. */
  readonly flows?: ReadonlyMap<string, Flow>;
}

export interface RoomActions extends DeviceActions {
  readonly toggleMicrophone: () => void;
  readonly toggleCamera: () => void;
  readonly setQuality: (quality: Quality) => void;
  readonly pictureShown: () => void;
  readonly way: () => Promise<MediaWay | null>;
  readonly leave: () => void;
  readonly finish: () => void;
  readonly forget: () => void;
  readonly remove: (participant: string) => void;
  readonly shareScreen: () => void;
  /** Ends whoever's shared screen. */
  readonly stopScreen: () => void;
  readonly shareUnderstood: () => void;
  /** Which picture stays large; null: none. */
  readonly pin: (name: string | null) => void;
  readonly draw: Draw;
}

/** Those who are in the room now, a lost connection included: their seat is kept. */
export function present(view: RoomView): readonly PersonInRoom[] {
  return view.others.filter((person) => person.view.connection !== "absent");
}

export function leads(view: RoomView): boolean {
  return view.me.person.role === "practitioner";
}

/** Why the others' pictures are not shown: a weak link is spared, or this person came without sound and video. */
export function pictureless(view: RoomView): "audioOnly" | "textOnly" | null {
  if (!view.withMedia) return "textOnly";
  return view.quality === "audio_only" ? "audioOnly" : null;
}
