/** A peer connection, and what has to be done when it is closed. */
export interface FramedConnection {
  readonly connection: RTCPeerConnection;
  readonly release: () => void;
}

/**
 * A connection that knows the network interfaces of this moment.
 *
 * Chromium lists the interfaces once a document and hears of a change only seconds later (0.5 to 2 s on desktops), so
 * neither `restartIce()` nor a further connection of the same page finds a network that has just come. A document of
 * its own gets a list of its own: that of an empty frame of ours, which no policy forbids and which shows nothing.
 */
export function connectionInOwnFrame(configuration: RTCConfiguration): FramedConnection {
  const frame = document.createElement("iframe");
  frame.hidden = true;
  frame.title = "";
  let loaded = false;
  frame.addEventListener("load", () => {
    loaded = true;
  });
  document.body.append(frame);
  const release = () => frame.remove();
  const Connection = (frame.contentWindow as (Window & typeof globalThis) | null)?.RTCPeerConnection;
  // Where an empty frame is loaded later, its first document vanishes, and a connection with it.
  if (loaded && Connection) return { connection: new Connection(configuration), release };
  release();
  return { connection: new RTCPeerConnection(configuration), release: () => {} };
}
