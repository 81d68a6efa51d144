import { describe, expect, it } from "vitest";
import { selectedWay } from "../src/call/media-way.ts";

function report(...entries: { id: string; [field: string]: unknown }[]): RTCStatsReport {
  return new Map(entries.map((entry) => [entry.id, entry])) as unknown as RTCStatsReport;
}

const direct = { id: "direct", type: "local-candidate", candidateType: "host", protocol: "udp" };
const overTcp = { id: "over-tcp", type: "local-candidate", candidateType: "prflx", protocol: "tcp" };
const relay = { id: "relay", type: "local-candidate", candidateType: "relay", protocol: "udp", relayProtocol: "tls" };

describe("the way that media takes", () => {
  it("is the pair that the transport names", () => {
    const pairs = [direct, overTcp].map(({ id }) => ({
      id: `pair-${id}`,
      type: "candidate-pair",
      localCandidateId: id,
      nominated: true,
      state: "succeeded",
    }));
    const transport = { id: "t", type: "transport", selectedCandidatePairId: "pair-over-tcp" };
    expect(selectedWay(report(direct, overTcp, ...pairs, transport))).toEqual({ protocol: "tcp", relayed: false });
  });

  it("or the pair that says so itself", () => {
    const tried = { id: "1", type: "candidate-pair", localCandidateId: "direct", nominated: false, state: "failed" };
    const chosen = { id: "2", type: "candidate-pair", localCandidateId: "relay", selected: true };
    expect(selectedWay(report(direct, relay, tried, chosen))).toEqual({ protocol: "tls", relayed: true });
  });

  it("is unknown while there is none", () => {
    expect(selectedWay(report(direct))).toBeNull();
    const tried = { id: "1", type: "candidate-pair", localCandidateId: "direct", nominated: false, state: "failed" };
    expect(selectedWay(report(direct, tried))).toBeNull();
  });
});
