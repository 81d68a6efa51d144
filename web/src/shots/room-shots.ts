import type { CallConnection } from "../call/connection-state.ts";
import type { RoomNotice } from "../protocol/generated.ts";
import type { PersonInRoom, RoomView } from "../ui/room/room-view.ts";
import { drawnTrack, type PortraitName } from "./drawn-tracks.ts";
import { working } from "./join-shots.ts";
import { daughter, doctor, participant, patient } from "./people.ts";
import type { RoomState } from "./states.ts";

const LIVE: CallConnection = { kind: "live", link: "up" };

function seen(view: PersonInRoom["view"], portrait: PortraitName): PersonInRoom {
  return { view, media: { sound: null, picture: new MediaStream([drawnTrack(portrait)]) } };
}

function unseen(view: PersonInRoom["view"]): PersonInRoom {
  return { view, media: { sound: null, picture: null } };
}

function room(change: Partial<RoomView> = {}): RoomView {
  return {
    title: "Консультация кардиолога",
    me: participant(patient),
    others: [seen(participant(doctor), "doctor")],
    connection: LIVE,
    links: new Map(),
    devices: working(),
    quality: "auto",
    withMedia: true,
    notice: null,
    speakingMuted: false,
    failed: false,
    ...change,
  };
}

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
  three: () => room({ others: [seen(participant(doctor), "doctor"), seen(participant(daughter), "daughter")] }),
  six: () =>
    room({
      others: Array.from({ length: 5 }, (_, index) => {
        const [person, portrait] = index % 2 ? ([daughter, "daughter"] as const) : ([doctor, "doctor"] as const);
        return seen(participant({ ...person, id: `par_${index}` }), portrait);
      }),
    }),
  "alone-nobody": () => room({ others: [] }),
  alone: () => room({ others: [unseen(participant(doctor, { connection: "absent" }))] }),
  connecting: () => room({ connection: { kind: "connecting", link: "up" }, others: [unseen(participant(doctor))] }),
  unstable: () => room({ connection: { kind: "unstable", link: "up" } }),
  reconnecting: () => room({ connection: { kind: "reconnecting", link: "down" } }),
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
      others: [unseen(participant(doctor))],
      devices: { ...working(), camera: { kind: "idle" }, microphone: { kind: "idle" } },
    }),
  "sound-refused": () => room({ soundRefused: true }),
  participants: () => asDoctor({ panel: true }),
  "participants-weak-link": () => asDoctor({ panel: true, links: weak(patient.id) }),
  settings: () => room({ dialog: "settings" }),
  "ask-leave": () => room({ dialog: "leave" }),
  "ask-leave-practitioner": () => asDoctor({ dialog: "leave" }),
  "ask-finish": () => asDoctor({ dialog: "finish" }),
  "ask-remove": () => asDoctor({ dialog: { remove: patient.id } }),
  "notice-payment_refunded": () => noticed("payment_refunded"),
  "notice-cancelled": () => noticed("cancelled"),
  failed: () => asDoctor({ failed: true }),
};
