import { useLayoutEffect, useRef } from "preact/hooks";

interface SoundProps {
  readonly stream: MediaStream;
  readonly participant: string;
  /** Rises with every press of «Включить звук». */
  readonly attempt: number;
  readonly onRefused: () => void;
}

/** A person's sound, apart from the picture, so that browsers never hold the picture back for its sake. */
export function Sound({ stream, participant, attempt, onRefused }: SoundProps) {
  const element = useRef<HTMLAudioElement>(null);
  useLayoutEffect(() => {
    const audio = element.current;
    if (!audio) return;
    if (audio.srcObject !== stream) audio.srcObject = stream;
    audio.play().catch((error: unknown) => {
      if (error instanceof DOMException && error.name === "NotAllowedError") onRefused();
    });
  }, [stream, attempt]);
  // biome-ignore lint/a11y/useMediaCaption: live speech has no captions to offer
  return <audio ref={element} data-participant={participant} autoplay />;
}
