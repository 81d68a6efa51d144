import type { devices as russian } from "../ru/devices.ts";

/** Camera and microphone: their test, their troubles, and the ways on, in English. */
export const devices: typeof russian = {
  devices: {
    title: "Camera and microphone",
    before:
      "When you press the button, your browser asks for permission. Choose “Allow”, or the doctor cannot see and hear you.",
    enable: "Turn on camera and microphone",
    asking: "Your browser is asking for permission. Press “Allow”.",
    own: "Your picture",
    level: "How loud you are",
    speak: "Say something: the bar should move.",
    heard: "We can hear you",
    camera: "Camera",
    microphone: "Microphone",
    anyDevice: (number) => `Device ${number}`,
    cameraOff: "Camera is off",
    cameraFails: "The camera does not work yet",
    microphoneOff: "Microphone is off",
    echoRisk: "Headphones are best here, to avoid an echo.",
  },
  troubles: {
    refused: {
      title: "The browser did not allow it",
      steps: [
        "Press the icon to the left of the page address.",
        "Switch “Camera” and “Microphone” on.",
        "Come back here and press “Try again”.",
      ],
    },
    refused_by_system: {
      title: "The settings of your device do not allow it",
      steps: [
        "Open the settings of your device.",
        "Find “Privacy” → “Camera” and “Microphone”.",
        "Allow them for this browser and try again.",
      ],
    },
    missing: {
      title: "No device found",
      steps: [
        "Check that the camera or headset is plugged in.",
        "Unplug it and plug it in again; we will notice.",
        "No camera? Enter with sound only.",
      ],
    },
    in_use: {
      title: "Another program is using it",
      steps: [
        "Close other video programs: Zoom, Skype, WhatsApp, Camera.",
        "Close other tabs with video calls.",
        "Press “Try again”.",
      ],
    },
    unsupported: {
      title: "This browser cannot use a camera",
      steps: [
        "Update your browser.",
        "Or open the link in Chrome, Firefox or Safari.",
        "Or enter without sound and video.",
      ],
    },
    in_app: {
      title: "Open the link in a real browser",
      steps: [
        "You opened it inside another app, where the camera does not work.",
        "Press ⋮ or “Share” in the corner of the screen.",
        "Choose “Open in browser”.",
      ],
    },
    insecure: {
      title: "A secure address is needed",
      steps: [
        "The camera works only when the address begins with https.",
        "Open the link from the clinic's message again.",
        "If that does not help, call the clinic.",
      ],
    },
  },
  troubleWith: { microphone: "Microphone", camera: "Camera" },
  ways: {
    title: "Having trouble?",
    audioOnly: "Enter with sound only",
    textOnly: "Enter without sound and video",
    textOnlyHint: "The doctor will know you are here, but there will be no conversation",
    otherDevice: "Open on another device",
    qrHint: "Point your phone's camera at this code. The link is yours alone; do not show it to anyone.",
    copied: "Link copied",
    copy: "Copy the link",
  },
};
