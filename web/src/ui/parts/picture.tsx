import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { type Flow, watchFlow } from "./picture-flow.ts";

interface PictureProps {
  readonly stream: MediaStream | null;
  readonly participant: string;
  readonly mirrored?: boolean;
  readonly label: string;
  readonly onShown?: () => void;
  readonly onFlow?: ((flow: Flow) => void) | undefined;
}

/**
 * A person's picture. When the stream is replaced (a new connection after a failure), the last frame of the old one
 * stays in view until the new one has a frame to show.
 */
export function Picture({ stream, participant, mirrored = false, label, onShown, onFlow }: PictureProps) {
  const [shown, setShown] = useState(stream);
  const arriving = stream !== shown && stream ? stream : null;
  const front = shown ?? stream;
  return (
    <div class={`picture ${mirrored ? "mirrored" : ""}`}>
      {front && (
        <Video
          key={front.id}
          stream={front}
          participant={participant}
          label={label}
          onFlow={onFlow}
          {...(front === stream && onShown ? { onFrame: onShown } : {})}
        />
      )}
      {arriving && arriving !== front && (
        <Video
          key={arriving.id}
          stream={arriving}
          label={label}
          onFrame={() => {
            setShown(arriving);
            onShown?.();
          }}
        />
      )}
    </div>
  );
}

interface VideoProps {
  readonly stream: MediaStream;
  /** Absent while the picture waits out of sight for its first frame. */
  readonly participant?: string;
  readonly label: string;
  readonly onFrame?: () => void;
  readonly onFlow?: ((flow: Flow) => void) | undefined;
}

function Video({ stream, participant, label, onFrame, onFlow }: VideoProps) {
  const element = useRef<HTMLVideoElement>(null);
  // Before the paint, not after it: decoding starts as soon as the picture has a place.
  useLayoutEffect(() => {
    const video = element.current;
    if (!video) return undefined;
    video.srcObject = stream;
    // Muted pictures may always play; sound has an element of its own.
    void video.play().catch(() => {});
    return () => {
      video.srcObject = null;
    };
  }, [stream]);
  useLayoutEffect(() => {
    const video = element.current;
    return video && onFlow ? watchFlow(video, onFlow) : undefined;
  }, [stream, onFlow]);
  const place = participant === undefined ? { "data-arriving": "" } : { "data-participant": participant };
  return (
    <video
      ref={element}
      {...place}
      aria-label={label}
      autoplay
      playsInline
      muted
      disablePictureInPicture={participant === undefined}
      onLoadedData={onFrame}
    />
  );
}
