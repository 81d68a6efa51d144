/** People in rooms by aiortc, in a process of their own (`bench.people`). */

import { FAR_ADDRESS, INTO_FAR_NETWORK, type Server } from "../../tests/e2e/harness/server.ts";
import { Ordered } from "./orders.ts";

export interface Joining {
  name: string;
  link: string;
  /** Tells cameras apart, 0 to 7. */
  source?: number;
  /** Own sound and picture. */
  sends?: boolean;
  /** How many others they see. */
  slots?: number;
}

export class People {
  readonly #people: Ordered;

  /** `far`: beside a server in the second network namespace. */
  constructor(server: Server, { far } = { far: false }) {
    const url = server.url.replace("localhost", "127.0.0.1");
    const [address, into] = far ? [FAR_ADDRESS, INTO_FAR_NETWORK] : ["127.0.0.1", []];
    this.#people = new Ordered("bench.people", [url, address], into);
  }

  async join(joining: Joining): Promise<void> {
    await this.#people.order({ type: "join", ...joining });
  }

  /** How many pictures each has decoded so far. */
  async frames(): Promise<Record<string, number>> {
    return (await this.#people.order({ type: "count" })) as Record<string, number>;
  }

  close(): void {
    this.#people.close();
  }
}
