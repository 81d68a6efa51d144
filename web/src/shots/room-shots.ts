import type { CallConnection } from "../call/connection-state.ts";
import { NOTHING_REMOTE } from "../call/media-connection.ts";
import { NOT_SHARING, SHARE_TROUBLES, type ShareState, type ShareTrouble } from "../call/screen-share-state.ts";
import { EMPTY_STAGE, nextStage, type StageState } from "../call/stage-state.ts";
import { pictureName } from "../call/viewing.ts";
import type { ParticipantView, RoomNotice } from "../protocol/generated.ts";
import type { PersonInRoom, RoomView } from "../ui/room/room-view.ts";
import { drawnScreen, drawnTrack, type PortraitName } from "./drawn-tracks.ts";
import { working } from "./join-shots.ts";
import { colleague, daughter, doctor, interpreter, participant, patient } from "./people.ts";
import type { RoomState } from "./states.ts";

const LIVE: CallConnection = { kind: "live", link: "up" };

function seen(view: PersonInRoom["view"], portrait: PortraitName): PersonInRoom {
  return { view, media: { ...NOTHING_REMOTE, picture: new MediaStream([drawnTrack(portrait)]) } };
}

function unseen(view: PersonInRoom["view"]): PersonInRoom {
  return { view, media: NOTHING_REMOTE };
}

/** The stage on which these people are, as the call would have set it. */
function stageOf(others: readonly PersonInRoom[], sharer: ParticipantView | null): StageState {
  const names = others.filter((one) => one.view.connection !== "absent").map((one) => one.view.person.id);
  const screen = sharer && names.includes(sharer.person.id) ? pictureName(sharer.person.id, true) : null;
  return nextStage(EMPTY_STAGE, { kind: "present", names, screen }, 0);
}

function room(change: Partial<RoomView> = {}): RoomView {
  const { others = [seen(participant(doctor), "doctor")], sharer = null } = change;
  return {
    title: "Консультация кардиолога",
    me: participant(patient),
    others,
    coming: null,
    stage: stageOf(others, sharer),
    sharer,
    share: NOT_SHARING,
    // Phones can't.
    canShare: innerWidth > 600,
    connection: LIVE,
    roomFull: false,
    links: new Map(),
    devices: working(),
    quality: "auto",
    withMedia: true,
    notice: null,
    speakingMuted: false,
    failed: false,
    flows: new Map(),
    ...change,
  };
}

/** So many others, the doctor first. */
function crowd(count: number): PersonInRoom[] {
  const people = [doctor, daughter, colleague, interpreter, daughter, colleague, interpreter];
  const portraits = ["doctor", "daughter", "patient"] as const;
  return people.slice(0, count).map((person, index) => {
    const id = index === 0 ? person.id : `par_${index}`;
    return seen(participant({ ...person, id }), portraits[index % portraits.length] ?? "doctor");
  });
}

function longNamed(): PersonInRoom {
  return seen(participant({ ...interpreter, name: "Анна-Мария Вознесенская-Крестовоздвиженская" }), "daughter");
}

function mixed(): PersonInRoom[] {
  const [first, ...rest] = crowd(5) as [PersonInRoom, PersonInRoom, PersonInRoom, PersonInRoom, PersonInRoom];
  return [
    first,
    unseen({ ...rest[0].view, media: { microphone: "on", camera: "off" } }),
    { ...rest[1], view: { ...rest[1].view, media: { microphone: "off", camera: "on" } } },
    { ...rest[2], view: { ...rest[2].view, connection: "reconnecting" } },
    unseen({ ...rest[3].view, media: { microphone: "off", camera: "off" }, connection: "connecting" }),
  ];
}

function withStage(view: RoomView, change: Partial<StageState>): RoomView {
  return { ...view, stage: { ...view.stage, ...change } };
}

/** The first of the others shows a screen. */
function showing(others: readonly PersonInRoom[], change: Partial<RoomView> = {}): RoomView {
  const [first, ...rest] = others as [PersonInRoom, ...PersonInRoom[]];
  const screen = new MediaStream([drawnScreen()]);
  const sharing = { ...first, media: { ...first.media, screen } };
  return room({ others: [sharing, ...rest], sharer: first.view, ...change });
}

function pinnedAside(): RoomView {
  const view = showing(crowd(3));
  return { ...view, stage: nextStage(view.stage, { kind: "pin", name: "par_1" }, 0) };
}

const sharing = (share: ShareState) => room({ share, sharer: share.kind === "sharing" ? participant(patient) : null });

function troubled(trouble: ShareTrouble): RoomView {
  const share: ShareState = { kind: "idle", trouble };
  const somebodyShares = trouble === "in_use" || trouble === "taken_over";
  return somebodyShares ? showing(crowd(2), { share }) : sharing(share);
}

const shareTroubles = Object.fromEntries(
  SHARE_TROUBLES.map((trouble) => [`share-${trouble}`, () => troubled(trouble)]),
) as Record<`share-${ShareTrouble}`, () => RoomView>;

function asDoctor(change: Partial<RoomView> = {}): RoomView {
  const others = [seen(participant(patient), "patient"), unseen(participant(daughter, { connection: "absent" }))];
  return room({ me: participant(doctor), others, devices: working("doctor"), ...change });
}

const muted = (): RoomView["devices"] => {
  const devices = working();
  return { ...devices, microphone: { kind: "off", track: null } };
};

const weak = (participant: string): RoomView["links"] =>
  new Map([[participant, { participant, level: "poor", measure: "picture_reduced" }]]);

const noticed = (notice: RoomNotice) => asDoctor({ notice });

/** One picture for each declared state; the compiler refuses a state without one. */
export const roomShots: Record<RoomState, () => RoomView> = {
  two: () => room(),
  practitioner: () => asDoctor(),
  three: () => withStage(room({ others: crowd(2) }), { speaker: "par_1" }),
  six: () => room({ others: crowd(5) }),
  eight: () => withStage(room({ others: crowd(7) }), { speaker: "par_3" }),
  "group-mixed": () => room({ others: mixed() }),
  "group-pinned": () => withStage(room({ others: crowd(3) }), { pinned: doctor.id }),
  "group-text-only": () =>
    room({
      withMedia: false,
      canShare: false,
      others: crowd(3).map((one) => unseen(one.view)),
      devices: { ...working(), camera: { kind: "idle" }, microphone: { kind: "idle" } },
    }),
  "picture-coming": () => room({ flows: new Map([[doctor.id, "coming"]]) }),
  "picture-overdue": () => room({ flows: new Map([[doctor.id, "overdue"]]) }),
  "picture-paused": () => room({ flows: new Map([[doctor.id, "still"]]) }),
  "group-paused": () =>
    room({
      others: crowd(3),
      flows: new Map([
        ["par_1", "still"],
        ["par_2", "overdue"],
      ]),
      links: new Map([[patient.id, { participant: patient.id, level: "poor", measure: "picture_off" }]]),
    }),
  "group-own-off": () => room({ others: crowd(3), devices: { ...muted(), camera: { kind: "off", track: null } } }),
  screen: () => showing(crowd(1)),
  "screen-zoomed": () => showing(crowd(2)),
  "screen-group": () => showing(crowd(7)),
  "screen-four-weak-link": () =>
    showing(crowd(3), { links: weak(patient.id), share: { kind: "idle", trouble: "in_use" } }),
  "screen-practitioner": () =>
    showing([seen(participant(patient), "patient")], { me: participant(doctor), devices: working("doctor") }),
  "screen-person-pinned": pinnedAside,
  "screen-coming": () => room({ sharer: participant(doctor) }),
  "screen-unseen": () => showing(crowd(1), { quality: "audio_only" }),
  sharing: () => sharing({ kind: "sharing", track: drawnScreen(), seen: true }),
  ...shareTroubles,
  "somebody-came": () => room({ others: crowd(2), coming: { kind: "came", name: daughter.name } }),
  "somebody-gone": () => room({ others: crowd(2), coming: { kind: "gone", name: colleague.name } }),
  "alone-nobody": () => room({ others: [] }),
  alone: () => room({ others: [unseen(participant(doctor, { connection: "absent" }))] }),
  connecting: () => room({ connection: { kind: "connecting", link: "up" }, others: [unseen(participant(doctor))] }),
  unstable: () => room({ connection: { kind: "unstable", link: "up" } }),
  reconnecting: () => room({ connection: { kind: "reconnecting", link: "down" } }),
  "room-full": () => room({ connection: { kind: "reconnecting", link: "up" }, roomFull: true }),
  "own-link-weak": () => room({ links: weak(patient.id) }),
  "link-down": () => room({ connection: { kind: "live", link: "down" } }),
  "peer-connecting": () => room({ others: [unseen(participant(doctor, { connection: "connecting" }))] }),
  "peer-unstable": () => room({ others: [seen(participant(doctor, { connection: "unstable" }), "doctor")] }),
  "peer-reconnecting": () => room({ others: [seen(participant(doctor, { connection: "reconnecting" }), "doctor")] }),
  "peer-gone": () => room({ others: [seen(participant(doctor, { connection: "gone" }), "doctor")] }),
  "peer-camera-off": () =>
    room({ others: [unseen(participant(doctor, { media: { microphone: "off", camera: "off" } }))] }),
  "peer-camera-blocked": () =>
    room({ others: [unseen(participant(doctor, { media: { microphone: "on", camera: "blocked" } }))] }),
  "peer-camera-missing": () =>
    room({ others: [unseen(participant(doctor, { media: { microphone: "on", camera: "missing" } }))] }),
  "own-muted": () => room({ devices: muted() }),
  "speaking-muted": () => room({ devices: muted(), speakingMuted: true }),
  "own-camera-off": () => room({ devices: { ...working(), camera: { kind: "off", track: null } } }),
  "own-camera-gone": () => room({ devices: { ...working(), camera: { kind: "trouble", trouble: "missing" } } }),
  "own-microphone-gone": () => room({ devices: { ...working(), microphone: { kind: "trouble", trouble: "missing" } } }),
  "audio-only": () => room({ quality: "audio_only", devices: { ...working(), camera: { kind: "off", track: null } } }),
  "text-only": () =>
    room({
      withMedia: false,
      canShare: false,
      others: [unseen(participant(doctor))],
      devices: { ...working(), camera: { kind: "idle" }, microphone: { kind: "idle" } },
    }),
  "sound-refused": () => room({ soundRefused: true }),
  participants: () => asDoctor({ panel: true }),
  "participants-weak-link": () => asDoctor({ panel: true, links: weak(patient.id) }),
  "participants-group": () =>
    withStage(room({ panel: true, others: crowd(3), links: weak(patient.id) }), { speaker: doctor.id }),
  "participants-practitioner": () =>
    asDoctor({ panel: true, others: [seen(participant(patient), "patient"), longNamed(), ...crowd(3).slice(1)] }),
  settings: () => room({ dialog: "settings" }),
  "ask-leave": () => room({ dialog: "leave" }),
  "ask-leave-practitioner": () => asDoctor({ dialog: "leave" }),
  "ask-finish": () => asDoctor({ dialog: "finish" }),
  "ask-remove": () => asDoctor({ dialog: { remove: patient.id } }),
  "notice-payment_refunded": () => noticed("payment_refunded"),
  "notice-cancelled": () => noticed("cancelled"),
  failed: () => asDoctor({ failed: true }),
};
