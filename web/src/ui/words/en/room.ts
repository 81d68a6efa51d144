import type { room as russian } from "../ru/room.ts";
import { stage } from "./stage.ts";

/** The room, its connection and its settings, in English. */
export const room: typeof russian = {
  room: {
    ...stage,
    title: "Visit",
    tools: "Tools",
    controls: "Controls",
    participants: "People",
    people: (count) => `${count} ${count === 1 ? "person" : "people"} in the room`,
    here: "In the room",
    absent: "Not here yet",
    muteMicrophone: "Microphone: turn off",
    unmuteMicrophone: "Microphone: turn on",
    stopCamera: "Camera: turn off",
    startCamera: "Camera: turn on",
    microphoneShort: "Microphone",
    cameraShort: "Camera",
    settings: "Settings",
    leave: "Leave",
    finish: "Finish",
    microphoneIsOff: "Microphone is off",
    microphoneIsOn: "Microphone is on",
    cameraIsOff: "Camera is off",
    cameraIsOn: "Camera is on",
    speakingMuted: "You are speaking, but your microphone is off.",
    alone: (name) => `Waiting for ${name}. The call starts by itself.`,
    aloneNobody: "Only you are here so far.",
    theirCameraOff: "Camera is off, sound only",
    theirCameraBlocked: "No camera, sound only",
    theirBothOff: "Camera and microphone are off",
    theirMicrophoneOff: "Microphone is off",
    microphoneTrouble:
      "You cannot be heard: no microphone. Check that it is plugged in, or choose another in the settings.",
    soundBlocked: "You cannot hear anybody yet: the browser waits for your press.",
    textOnly: "You entered without sound and video.",
    audioOnly: "You chose sound only. You can bring the picture back in the settings.",
    removeAsk: (name) => `Remove ${name}?`,
    removeText: "They will not be able to come back to this visit.",
    remove: "Remove",
    leaveAsk: "Leave the visit?",
    leaveText: "Camera and microphone will switch off. While there is time, you can return by the same link.",
    leaveTextPatient:
      "Camera and microphone will switch off. While there is time, you can return by the same link. The doctor's notes will appear in your account.",
    leaveTextStaff: "The patient stays in the room and waits. To end it for everybody, press “Finish”.",
    stay: "Stay",
    finishAsk: "Finish the visit for everybody?",
    finishText: "Everybody leaves the room and nobody can return.",
    notices: {
      payment_refunded: "The payment was returned. There is no hurry: you can finish the conversation.",
      cancelled: "The booking was cancelled. There is no hurry: you can finish the conversation.",
    },
    failed: "That did not work. Please try again.",
    roomFull:
      "The room is full, so there is no place for your sound and picture. Keep this page open: we go on trying. If it lasts, call the clinic.",
  },
  connection: {
    connecting: "Connecting you…",
    live: "Good connection",
    unstable: "The connection is faltering. Wait a second; there is nothing to do.",
    reconnecting: "Bringing the connection back. Keep this page open; it returns by itself.",
    linkDown: "The connection to the clinic was lost. Your call goes on; we are bringing it back.",
    gone: "Connection lost",
  },
  peerConnection: {
    absent: "Not in the room",
    connecting: "Coming in…",
    live: "Good connection",
    unstable: "Faltering connection",
    reconnecting: "Reconnecting",
    gone: "Connection lost, waiting for them",
  },
  link: {
    level: {
      good: "Good connection",
      fair: "Fair connection",
      poor: "Weak connection",
      lost: "Connection lost",
    },
    measure: {
      picture_reduced: "Smaller picture",
      picture_off: "Picture paused",
    },
    /** Told to whoever supports us. */
    way: (protocol: string, relayed: boolean) => `Path: ${protocol}, ${relayed ? "relayed" : "direct"}`,
    own: {
      picture_reduced: "Weak connection: the picture is smaller, the sound stays.",
      picture_off: "Weak connection: the picture is paused, the sound stays. The picture comes back by itself.",
    },
  },
  settings: {
    title: "Settings",
    quality: "Video quality",
    qualities: {
      auto: { title: "Automatic", text: "The best your internet allows" },
      save: { title: "Save data", text: "A smaller picture, the same clear sound" },
      audio_only: { title: "Sound only", text: "For a very weak connection" },
    },
    done: "Done",
  },
};
