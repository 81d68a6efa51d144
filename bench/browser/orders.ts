/** A process of ours that is told what to do by JSON lines, and answers each with one. */

import { type ChildProcessByStdio, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import type { Readable, Writable } from "node:stream";

const ROOT = join(import.meta.dirname, "..", "..");

export class Ordered {
  readonly #module: string;
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #answers: AsyncIterator<string>;
  readonly #lines: Interface;
  #turn: Promise<unknown> = Promise.resolve();

  /** `into`: the beginning of a command line that puts the process elsewhere. */
  constructor(module: string, words: readonly string[], into: readonly string[] = []) {
    this.#module = module;
    const [program = "", ...rest] = [...into, join(ROOT, ".venv", "bin", "python"), "-m", module, ...words];
    this.#process = spawn(program, rest, {
      cwd: ROOT,
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#lines = createInterface({ input: this.#process.stdout });
    this.#answers = this.#lines[Symbol.asyncIterator]();
  }

  close(): void {
    this.#process.stdin.end();
    this.#lines.close();
  }

  /** One order at a time, so that each gets its own answer. */
  order(order: object): Promise<unknown> {
    const answered = this.#turn.then(async () => {
      this.#process.stdin.write(`${JSON.stringify(order)}\n`);
      const { value, done } = await this.#answers.next();
      if (done) {
        throw new Error(`${this.#module} has ended`);
      }
      const answer = JSON.parse(value) as { error?: string };
      if (answer.error) {
        throw new Error(`${this.#module}: ${answer.error}`);
      }
      return answer;
    });
    this.#turn = answered.catch(() => undefined);
    return answered;
  }
}
