// Generated from the Python message declarations by `python -m signaling.generated_files`. Do not edit.

/** A moment as ISO 8601 in UTC. */
export type Timestamp = string;

/** Why a request was refused. Admission refusals use `rooms.admission.VerdictCode` values besides. */
export const ERROR_CODE_VALUES = [
  "bad_message",
  "unknown_message",
  "too_large",
  "too_many",
  "forbidden",
  "not_found",
  "conflict",
  "not_admitted",
  "session_required",
  "session_expired",
  "origin_refused",
  "not_in_room",
  "already_inside",
  "taken_over",
  "room_full",
  "screen_in_use",
  "bad_offer",
  "stale_offer",
  "media_unavailable",
  "draining",
  "slow_consumer",
  "signature_invalid",
  "signature_stale",
  "payload_invalid",
  "internal",
] as const;
export type ErrorCode = (typeof ERROR_CODE_VALUES)[number];

/** What a participant's microphone or camera is doing, as the others are told. */
export const DEVICE_STATE_VALUES = [
  "on",
  "off",
  "blocked",
  "missing",
] as const;
export type DeviceState = (typeof DEVICE_STATE_VALUES)[number];

/** How large a page shows a picture: hidden, a thumbnail, a part of the stage, the stage. */
export const TILE_SIZE_VALUES = [
  "none",
  "small",
  "medium",
  "large",
] as const;
export type TileSize = (typeof TILE_SIZE_VALUES)[number];

/** The closed list of admission verdicts, in the order in which they are tried; the first that matches wins. */
export const VERDICT_CODE_VALUES = [
  "link_invalid",
  "link_revoked",
  "not_invited",
  "removed",
  "entered_in_error",
  "cancelled",
  "finished",
  "payment_lapsed",
  "payment_refunded",
  "payment_pending",
  "payment_required",
  "identity_required",
  "consent_required",
  "too_early",
  "too_late",
  "waiting_for_practitioner",
  "admitted",
] as const;
export type VerdictCode = (typeof VERDICT_CODE_VALUES)[number];

/** A participant's part in the consultation. */
export const ROLE_VALUES = [
  "patient",
  "related_person",
  "practitioner",
  "consultant",
  "interpreter",
  "observer",
] as const;
export type Role = (typeof ROLE_VALUES)[number];

/** How sure we are who a participant is, weakest first. */
export const ASSURANCE_VALUES = [
  "link",
  "code",
  "oidc",
] as const;
export type Assurance = (typeof ASSURANCE_VALUES)[number];

/** A participant's link to the room, as the others are told. */
export const CONNECTION_STATE_VALUES = [
  "absent",
  "connecting",
  "live",
  "unstable",
  "reconnecting",
  "gone",
] as const;
export type ConnectionState = (typeof CONNECTION_STATE_VALUES)[number];

/** Something about the appointment that staff in a live room should know; nobody is thrown out for it. */
export const ROOM_NOTICE_VALUES = [
  "payment_refunded",
  "cancelled",
] as const;
export type RoomNotice = (typeof ROOM_NOTICE_VALUES)[number];

/** How good somebody's link is. */
export const LINK_LEVEL_VALUES = [
  "good",
  "fair",
  "poor",
  "lost",
] as const;
export type LinkLevel = (typeof LINK_LEVEL_VALUES)[number];

/** What is done about a weak link, so that sound stays. */
export const PICTURE_MEASURE_VALUES = [
  "none",
  "picture_reduced",
  "picture_off",
] as const;
export type PictureMeasure = (typeof PICTURE_MEASURE_VALUES)[number];

export const SEAT_LOST_REASON_VALUES = [
  "taken_over",
  "removed",
  "link_revoked",
  "not_invited",
] as const;
export type SeatLostReason = (typeof SEAT_LOST_REASON_VALUES)[number];

/** Asks for the present verdict; answered with `VerdictView`. */
export interface CheckAdmission {
  readonly id: string;
}

/** Accepts the consent text (and the disclaimer) of this version; answered with `VerdictView`. */
export interface AcceptConsent {
  readonly version: string;
  readonly id: string;
}

/**
 * The person came back from the clinic's payment page: for a short while the bank's answer is waited for. Only
 * the booking system says whether it was paid. Answered with `VerdictView`.
 */
export interface PaymentReturned {
  readonly id: string;
}

/**
 * Takes the participant's seat; answered with `JoinResult`.
 *
 * `offer` None: no media at all (text only), or, with `resume`, the RTCPeerConnection named there still lives.
 */
export interface JoinRoom {
  readonly media: MediaState;
  readonly offer?: SessionDescription | null;
  readonly resume?: string | null;
  readonly resume_number?: number;
  readonly take_over?: boolean;
  readonly id: string;
}

export interface MediaState {
  readonly microphone: DeviceState;
  readonly camera: DeviceState;
}

/**
 * An offer or an answer (RFC 8829). `number` rises by one with each offer of one RTCPeerConnection life;
 * `connection` names that life (client-made), so that answers are never mixed up.
 */
export interface SessionDescription {
  readonly connection: string;
  readonly number: number;
  readonly sdp: string;
}

/** Gives the seat up; answered with `Done`. */
export interface LeaveRoom {
  readonly id: string;
}

/**
 * Asks for the TURN servers that a connection may use where the network allows no other way; answered with
 * `IceServers`. Only for those who are admitted, or wait for the practitioner.
 */
export interface AskIceServers {
  readonly id: string;
}

/** A further offer: ICE restart, more slots, or a new RTCPeerConnection; answered with `MediaAnswer`. */
export interface OfferMedia {
  readonly offer: SessionDescription;
  readonly id: string;
}

/** Tells the others what microphone and camera are doing; answered with `Done`. */
export interface SetMediaState {
  readonly media: MediaState;
  readonly id: string;
}

/**
 * How large this page shows what it receives, all of it each time; answered with `Done`.
 *
 * Video sections that are not named count as large, so that nothing named means everything. A hidden page and
 * «audio only» name all as `none`. Sound always comes.
 */
export interface ViewMedia {
  readonly tiles: readonly Tile[];
  readonly id: string;
}

/** How one receive-only video section is shown just now. */
export interface Tile {
  readonly mid: string;
  readonly size: TileSize;
  readonly main?: boolean;
}

/**
 * Becomes the one who shares a screen in this room; answered with `Done`.
 *
 * Practitioners take over from whoever shares; others are refused with `screen_in_use` meanwhile.
 */
export interface ShareScreen {
  readonly id: string;
}

/**
 * Ends the sharing of a screen; answered with `Done`, also when nobody shares.
 *
 * Practitioners may end anybody's; others are refused with `screen_in_use` when it is not their own.
 */
export interface StopScreen {
  readonly id: string;
}

/** Ends the consultation for everybody; practitioners only. Answered with `Done`. */
export interface FinishConsultation {
  readonly id: string;
}

/** Sends a participant out, with no way back; practitioners only. Answered with `Done`. */
export interface RemoveParticipant {
  readonly participant: string;
  readonly id: string;
}

/** The answer to «may I come in?», complete enough to draw the join page from it. */
export interface VerdictView {
  readonly code: VerdictCode;
  readonly server_time: Timestamp;
  readonly wait_seconds: number | null;
  readonly opens_at: Timestamp | null;
  readonly closes_at: Timestamp | null;
  readonly me: PersonView | null;
  readonly clinic: ClinicView | null;
  readonly appointment: AppointmentView | null;
  readonly consent: ConsentView | null;
  readonly paid_after_lapse: boolean;
  readonly disclaimer: boolean;
  readonly delay_minutes: number | null;
  readonly inside_elsewhere: boolean;
}

/** One invited person as the others may see them. */
export interface PersonView {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly specialty: string;
  readonly relationship: string;
}

export interface ClinicView {
  readonly name: string;
  readonly phone: string;
  readonly time_zone: string;
}

/** What a participant may know of the appointment on the join page. */
export interface AppointmentView {
  readonly id: string;
  readonly clinic: ClinicView;
  readonly starts_at: Timestamp;
  readonly ends_at: Timestamp;
  readonly moved: boolean;
  readonly title: string;
  readonly subject_name: string;
  readonly people: readonly PersonView[];
  readonly payment_url: string;
  readonly cabinet_url: string;
  readonly manage_url: string;
  readonly record_url: string;
  readonly price: string;
}

/** The text to be accepted before the first entry. */
export interface ConsentView {
  readonly version: string;
  readonly text_ru: string;
  readonly text_en: string;
  readonly accepted: boolean;
}

export interface JoinResult {
  readonly snapshot: RoomSnapshot;
  readonly me: string;
  readonly answer: MediaAnswer | null;
  readonly media_resumed: boolean;
}

/** The whole live room. `apply(snapshot, events)` equals the next snapshot. */
export interface RoomSnapshot {
  readonly version: number;
  readonly room: string;
  readonly started_at: Timestamp | null;
  readonly participants: readonly ParticipantView[];
  readonly notice: RoomNotice | null;
  readonly finished: boolean;
  readonly screen: string | null;
}

/** One participant of the live room. */
export interface ParticipantView {
  readonly person: PersonView;
  readonly assurance: Assurance;
  readonly connection: ConnectionState;
  readonly media: MediaState;
}

export interface MediaAnswer {
  readonly description: SessionDescription;
  readonly slots: readonly SlotView[];
  readonly missing_slots: number;
}

/** Which participant's track a receive-only media section carries just now. */
export interface SlotView {
  readonly mid: string;
  readonly participant: string | null;
}

/** Nothing to tell but that it was done. */
export interface Done {
}

/** None when media has no other way than straight to us. The credentials end after `expires_seconds`. */
export interface IceServers {
  readonly servers: readonly IceServer[];
  readonly expires_seconds: number;
}

/** A TURN server under its addresses, as `RTCIceServer` of the W3C takes it. */
export interface IceServer {
  readonly urls: readonly string[];
  readonly username: string;
  readonly credential: string;
}

export interface AdmissionChanged {
  readonly verdict: VerdictView;
}

/** Somebody's state changed, joining and leaving included. */
export interface ParticipantChanged {
  readonly version: number;
  readonly participant: ParticipantView;
}

/** The room's own fields changed. */
export interface RoomChanged {
  readonly version: number;
  readonly started_at: Timestamp | null;
  readonly notice: RoomNotice | null;
  readonly finished: boolean;
  readonly screen: string | null;
}

/** Which participant is on which section, for this connection only. */
export interface SlotsChanged {
  readonly slots: readonly SlotView[];
  readonly missing_slots: number;
}

/**
 * Which of its pictures this page shall send now: somebody can see them. Told again whenever it changes.
 *
 * Until told of a `connection` its camera sends `h` alone and its screen nothing.
 */
export interface MediaWanted {
  readonly connection: string;
  readonly camera: readonly string[];
  readonly screen: boolean;
}

/** The media worker is gone: make a new RTCPeerConnection and send `media.offer`. */
export interface MediaLost {
}

/** How good everybody's link is and what is done about it: all who have media, told whenever one of them changes. */
export interface QualityChanged {
  readonly people: readonly LinkQuality[];
}

export interface LinkQuality {
  readonly participant: string;
  readonly level: LinkLevel;
  readonly measure: PictureMeasure;
}

/** This connection no longer holds the seat: taken over by another device, or shut out. */
export interface SeatLost {
  readonly reason: SeatLostReason;
}

/** Why a command was refused. `detail` is for people who support the system, never for patients. */
export interface ErrorView {
  readonly code: ErrorCode;
  readonly detail: string;
  readonly verdict: VerdictView | null;
}

export interface CommandMap {
  "admission.check": CheckAdmission;
  "consent.accept": AcceptConsent;
  "payment.returned": PaymentReturned;
  "room.join": JoinRoom;
  "room.leave": LeaveRoom;
  "media.servers": AskIceServers;
  "media.offer": OfferMedia;
  "media.state": SetMediaState;
  "media.view": ViewMedia;
  "screen.share": ShareScreen;
  "screen.stop": StopScreen;
  "consultation.finish": FinishConsultation;
  "participant.remove": RemoveParticipant;
}

export interface ResultMap {
  "admission.check": VerdictView;
  "consent.accept": VerdictView;
  "payment.returned": VerdictView;
  "room.join": JoinResult;
  "room.leave": Done;
  "media.servers": IceServers;
  "media.offer": MediaAnswer;
  "media.state": Done;
  "media.view": Done;
  "screen.share": Done;
  "screen.stop": Done;
  "consultation.finish": Done;
  "participant.remove": Done;
}

export interface EventMap {
  "admission.changed": AdmissionChanged;
  "participant.changed": ParticipantChanged;
  "room.changed": RoomChanged;
  "media.slots": SlotsChanged;
  "media.wanted": MediaWanted;
  "media.lost": MediaLost;
  "media.quality": QualityChanged;
  "seat.lost": SeatLost;
}

export type CommandName = keyof CommandMap;
export type EventName = keyof EventMap;

/** The answer to every command. */
export type Acknowledgement<Name extends CommandName> =
  | { readonly ok: true; readonly result: ResultMap[Name] }
  | { readonly ok: false; readonly error: ErrorView };
