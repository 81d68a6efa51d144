/** A clinic's booking system, written from the documents alone: it knows nothing of the server's code. */

import assert from "node:assert/strict";
import { createHmac, randomBytes, randomUUID } from "node:crypto";
import type { Server } from "./server.ts";

export interface BookedPerson {
  id: string;
  role: "patient" | "related_person" | "practitioner" | "interpreter";
  name: string;
}

interface Answer {
  links: { participant: string; url: string }[];
}

const CLINIC = "booking-clinic";
const MINUTE = 60_000;

export class BookingSystem {
  readonly #server: Server;
  readonly #key: Buffer;

  private constructor(server: Server, key: Buffer) {
    this.#server = server;
    this.#key = key;
  }

  /** Sets a clinic up on a running server, as its operator does. */
  static async connect(server: Server): Promise<BookingSystem> {
    const key = randomBytes(32);
    await server.setUpClinic({
      id: CLINIC,
      name: "Клиника",
      phone: "",
      time_zone: "Europe/Moscow",
      policy: {},
      webhook_secret: `whsec_${key.toString("base64")}`,
      api_key: randomBytes(32).toString("base64url"),
    });
    return new BookingSystem(server, key);
  }

  /** Books a paid appointment that begins now; each person's link by their id. */
  async book(people: readonly BookedPerson[]): Promise<Map<string, string>> {
    const appointment = randomUUID();
    const subject = people.find((person) => person.role === "patient");
    const { links } = await this.#send("appointment.created", {
      clinic: CLINIC,
      appointment,
      version: 1,
      starts_at: new Date().toISOString(),
      ends_at: new Date(Date.now() + 30 * MINUTE).toISOString(),
      subject: { name: subject?.name },
      participants: people,
      payment: { required: true, url: "https://booking.example/pay" },
    });
    await this.#send("payment.succeeded", { clinic: CLINIC, appointment, version: 2 });
    return new Map(links.map((link) => [link.participant, link.url]));
  }

  /** Standard Webhooks: the signature is over id, time and body. */
  async #send(type: string, data: object): Promise<Answer> {
    const id = `evt_${randomUUID()}`;
    const body = JSON.stringify({ type, timestamp: new Date().toISOString(), data });
    const seconds = String(Math.floor(Date.now() / 1000));
    const signature = createHmac("sha256", this.#key).update(`${id}.${seconds}.${body}`).digest("base64");
    const response = await fetch(new URL("/api/v1/webhooks/booking", this.#server.url), {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "webhook-id": id,
        "webhook-timestamp": seconds,
        "webhook-signature": `v1,${signature}`,
      },
      body,
    });
    const text = await response.text();
    assert.equal(response.status, 200, `${type}: ${text}`);
    return JSON.parse(text) as Answer;
  }
}
