import { useMemo } from "preact/hooks";
import { Picture } from "./picture.tsx";

/** The person's own camera, mirrored as in a looking glass. */
export function OwnPicture({ track, label }: { readonly track: MediaStreamTrack; readonly label: string }) {
  const stream = useMemo(() => new MediaStream([track]), [track]);
  return <Picture stream={stream} participant="self" label={label} mirrored />;
}
