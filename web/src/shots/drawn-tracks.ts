import type { DeviceStatus } from "../call/device-state.ts";

interface Portrait {
  readonly wall: string;
  readonly skin: string;
  readonly hair: string;
  readonly clothes: string;
}

const PORTRAITS = {
  doctor: { wall: "#d6e4e6", skin: "#e8bd9d", hair: "#4a3324", clothes: "#ffffff" },
  patient: { wall: "#e9ddca", skin: "#ecc5a8", hair: "#b9b4ae", clothes: "#7a5b86" },
  daughter: { wall: "#d5dcea", skin: "#ebc0a0", hair: "#8a5a2c", clothes: "#3d7a6a" },
} satisfies Record<string, Portrait>;

export type PortraitName = keyof typeof PORTRAITS;

const SHEET = {
  title: "Общий анализ крови",
  rows: [
    ["Гемоглобин", "132 г/л", "120 – 140"],
    ["Эритроциты", "4,5 × 10¹²/л", "3,7 – 4,7"],
    ["Лейкоциты", "6,1 × 10⁹/л", "4,0 – 9,0"],
    ["Тромбоциты", "245 × 10⁹/л", "180 – 320"],
    ["СОЭ", "18 мм/ч", "2 – 15"],
  ],
} as const;

let silence: MediaStreamTrack | undefined;
const drawn = new Map<PortraitName | "screen", MediaStreamTrack>();

/** A camera that shows a drawn person, so that pictures of the screen need no camera and no server. */
export function drawnTrack(name: PortraitName): MediaStreamTrack {
  const track = drawn.get(name) ?? newTrack((context) => drawPortrait(context, PORTRAITS[name]));
  drawn.set(name, track);
  return track;
}

/** A shared screen with a page of results on it. */
export function drawnScreen(): MediaStreamTrack {
  const track = drawn.get("screen") ?? newTrack(drawSheet);
  drawn.set("screen", track);
  return track;
}

function newTrack(paint: (context: CanvasRenderingContext2D) => void): MediaStreamTrack {
  const canvas = document.createElement("canvas");
  canvas.width = 1280;
  canvas.height = 720;
  const context = canvas.getContext("2d");
  const stream = canvas.captureStream(5);
  const draw = () => {
    if (context) paint(context);
  };
  draw();
  setInterval(draw, 200);
  const track = stream.getVideoTracks()[0];
  if (!track) throw new Error("this browser draws no video");
  return track;
}

export function drawnCamera(name: PortraitName): DeviceStatus {
  return { kind: "on", track: drawnTrack(name) };
}

/** A microphone that nobody speaks into; the level beside it is fixed. */
export function silentMicrophone(): DeviceStatus {
  silence ??= new AudioContext().createMediaStreamDestination().stream.getAudioTracks()[0];
  if (!silence) throw new Error("this browser makes no sound");
  return { kind: "on", track: silence };
}

function drawPortrait(context: CanvasRenderingContext2D, { wall, skin, hair, clothes }: Portrait): void {
  const blob = (colour: string, x: number, y: number, width: number, height: number) => {
    context.fillStyle = colour;
    context.beginPath();
    context.ellipse(x, y, width, height, 0, 0, 2 * Math.PI);
    context.fill();
  };
  context.fillStyle = wall;
  context.fillRect(0, 0, 1280, 720);
  context.fillStyle = "rgb(255 255 255 / 45%)";
  context.fillRect(870, 70, 270, 330);
  blob(hair, 640, 300, 168, 196);
  blob(clothes, 640, 800, 360, 300);
  context.fillStyle = skin;
  context.fillRect(592, 420, 96, 110);
  blob(skin, 640, 318, 132, 164);
  blob(hair, 640, 190, 140, 72);
  blob("#3b2a22", 590, 318, 9, 11);
  blob("#3b2a22", 690, 318, 9, 11);
  context.strokeStyle = "#a5573f";
  context.lineWidth = 7;
  context.lineCap = "round";
  context.beginPath();
  context.arc(640, 366, 42, 0.25 * Math.PI, 0.75 * Math.PI);
  context.stroke();
}

function drawSheet(context: CanvasRenderingContext2D): void {
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, 1280, 720);
  context.fillStyle = "#1c3d44";
  context.font = "bold 44px sans-serif";
  context.fillText(SHEET.title, 90, 120);
  context.font = "30px sans-serif";
  SHEET.rows.forEach((row, line) => {
    const y = 220 + line * 84;
    row.forEach((text, column) => {
      context.fillText(text, 90 + column * 400, y);
    });
    context.fillRect(90, y + 26, 1100, 2);
  });
}
