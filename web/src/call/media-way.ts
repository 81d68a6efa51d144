/** Which way the media of one connection takes. */
export interface MediaWay {
  /** Of the way to us, or to the relay. */
  readonly protocol: "udp" | "tcp" | "tls";
  /** By a TURN server. */
  readonly relayed: boolean;
}

interface Entry {
  readonly id: string;
  readonly type: string;
  readonly selectedCandidatePairId?: string;
  readonly localCandidateId?: string;
  readonly state?: string;
  readonly nominated?: boolean;
  readonly selected?: boolean;
  readonly candidateType?: string;
  readonly protocol?: string;
  readonly relayProtocol?: string;
}

/** From `getStats()` (W3C webrtc-stats); null while no pair of candidates is in use. */
export function selectedWay(report: RTCStatsReport): MediaWay | null {
  const entries: Entry[] = [];
  report.forEach((entry: Entry) => {
    entries.push(entry);
  });
  const pair = selectedPair(entries);
  const local = entries.find(({ id }) => id === pair?.localCandidateId);
  if (!local) return null;
  const relayed = local.candidateType === "relay";
  return { protocol: protocolOf(relayed ? local.relayProtocol : local.protocol), relayed };
}

/** Firefox names the pair in the pair itself, the others in the transport. */
function selectedPair(entries: readonly Entry[]): Entry | undefined {
  const chosen = entries.find(({ type }) => type === "transport")?.selectedCandidatePairId;
  const pairs = entries.filter(({ type }) => type === "candidate-pair");
  return (
    pairs.find(({ id }) => id === chosen) ??
    pairs.find(({ selected }) => selected) ??
    pairs.find(({ nominated, state }) => nominated && state === "succeeded")
  );
}

function protocolOf(name: string | undefined): MediaWay["protocol"] {
  return name === "tcp" || name === "tls" ? name : "udp";
}
