import { beforeEach, describe, expect, it } from "vitest";
import { Signal } from "../src/signal/signal.ts";
import { PlayedTransport } from "./fakes/played-transport.ts";

const done = { ok: true, result: {} };
const media = { microphone: "on", camera: "on" } as const;

describe("requests over a link that drops", () => {
  let link: PlayedTransport;
  let signal: Signal;

  beforeEach(() => {
    link = new PlayedTransport();
    signal = new Signal(link);
  });

  it("waits for the link and then sends", async () => {
    const answer = signal.request("consent.accept", { version: "1" });
    expect(link.sent).toHaveLength(0);
    link.connected();
    expect(link.sent[0]?.name).toBe("consent.accept");
    link.sent[0]?.acknowledge(done);
    await expect(answer).resolves.toEqual({});
  });

  it("repeats an unanswered request with the same id once the seat is back", async () => {
    link.connected();
    signal.setSeated(true);
    const answer = signal.request("media.state", { media });
    link.disconnected(false);
    link.connected();
    expect(link.sent).toHaveLength(1);
    signal.setSeated(true);
    expect(link.sent).toHaveLength(2);
    expect(link.sent[1]?.payload.id).toBe(link.sent[0]?.payload.id);
    link.sent[1]?.acknowledge(done);
    await expect(answer).resolves.toEqual({});
  });

  it("does not send a request twice over one link", () => {
    link.connected();
    signal.setSeated(true);
    void signal.request("media.state", { media }).catch(() => {});
    signal.setSeated(true);
    expect(link.sent).toHaveLength(1);
  });

  it.each(["room.join", "media.offer"] as const)("never repeats %s by itself", async (name) => {
    link.connected();
    signal.setSeated(true);
    const payload = name === "room.join" ? { media } : { offer: { connection: "c", number: 1, sdp: "" } };
    const answer = signal.request(name, payload as never);
    link.disconnected(false);
    await expect(answer).rejects.toMatchObject({ code: "disconnected" });
    link.connected();
    signal.setSeated(true);
    expect(link.sent).toHaveLength(1);
  });

  it("hands on the server's refusal with its verdict", async () => {
    link.connected();
    const answer = signal.request("room.join", { media });
    link.sent[0]?.acknowledge({
      ok: false,
      error: { code: "not_admitted", detail: "", verdict: { code: "too_early" } },
    });
    await expect(answer).rejects.toMatchObject({ code: "not_admitted", verdict: { code: "too_early" } });
  });

  it("gives up when nobody answers", async () => {
    link.connected();
    await expect(signal.request("admission.check", {}, 1)).rejects.toMatchObject({ code: "timeout" });
  });

  it("tells events to those who listen, and to nobody else", () => {
    const heard: string[] = [];
    const stop = signal.on("seat.lost", (event) => heard.push(event.reason));
    link.event("seat.lost", { reason: "removed" });
    stop();
    link.event("seat.lost", { reason: "taken_over" });
    expect(heard).toEqual(["removed"]);
  });
});
