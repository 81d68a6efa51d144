/** A whole Konsilium of its own for one test: every process, a fresh data folder, free ports. */

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

const ROOT = join(import.meta.dirname, "..", "..", "..");
const PYTHON = join(ROOT, ".venv", "bin", "python");
/** See `devtools/namespace.py`. */
export const FAR_ADDRESS = process.env.KONSILIUM_FAR_ADDRESS ?? "";
export const RELAY_ADDRESS = process.env.KONSILIUM_RELAY_ADDRESS ?? "";
export const INTO_FAR_NETWORK = ["ip", "netns", "exec", process.env.KONSILIUM_CLIENT_NAMESPACE ?? ""];
const START_LIMIT = 60_000;

export interface ServerChoices {
  announce?: string[];
  /** In the second network namespace, so that what browsers send really crosses a network. */
  far?: boolean;
  arguments?: string[];
}

export interface DemoLink {
  role: string;
  state: string;
  appointment: string;
  url: string;
}

export interface DemoAppointment {
  id: string;
  /** Each person's own link. */
  patient: string;
  practitioner: string;
}

export interface Ready {
  event: "ready";
  url: string;
  links: DemoLink[];
  processes: { role: "server" | "worker" | "spare" | "supervisor"; pid: number }[];
}

export class Server {
  readonly #process: ChildProcess;
  readonly #folder: string;
  readonly ready: Ready;
  /** Everything that the processes have logged so far. */
  readonly log: () => string;

  private constructor(process: ChildProcess, folder: string, ready: Ready, log: () => string) {
    this.#process = process;
    this.#folder = folder;
    this.ready = ready;
    this.log = log;
  }

  static async start(choices: ServerChoices = {}): Promise<Server> {
    const folder = await mkdtemp(join(tmpdir(), "konsilium-"));
    const near = ["127.0.0.1", process.env.KONSILIUM_SERVICE_ADDRESS ?? "127.0.0.1"];
    const announced = choices.far ? [FAR_ADDRESS] : (choices.announce ?? near);
    const command = choices.far ? [...INTO_FAR_NETWORK, PYTHON] : [PYTHON];
    command.push("-m", "server", "serve", "--demo", "--json", "--port", "0", "--udp-ports", "0", "--data", folder);
    if (choices.far) {
      command.push("--host", FAR_ADDRESS);
    }
    for (const address of new Set(announced)) {
      command.push("--announce", address);
    }
    const [program = "", ...rest] = [...command, ...(choices.arguments ?? [])];
    const child = spawn(program, rest, {
      cwd: ROOT,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let log = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      log += text;
    });
    const ready = await readyLine(child).catch(async (error: unknown) => {
      child.kill("SIGKILL");
      await rm(folder, { recursive: true, force: true });
      throw new Error(`the server did not start:\n${log}`, { cause: error });
    });
    return new Server(child, folder, ready, () => log);
  }

  get url(): string {
    return this.ready.url;
  }

  /** The demo clinic's appointment whose patient would be told this verdict. */
  appointment(state: string): DemoAppointment {
    const patient = this.ready.links.find((each) => each.state === state && each.role === "patient");
    const practitioner = this.ready.links.find(
      (each) => each.appointment === patient?.appointment && each.role === "practitioner",
    );
    if (!patient || !practitioner) {
      const known = this.ready.links.map((each) => `${each.state}/${each.role}`).join(", ");
      throw new Error(`the demo has no appointment that is ${state}, only ${known}`);
    }
    return { id: patient.appointment, patient: patient.url, practitioner: practitioner.url };
  }

  /** Presses one of the demo page's buttons: the booking system sends a signed webhook. */
  async act(appointment: string, action: string): Promise<void> {
    await this.post(`/api/v1/demo/appointments/${appointment}/${action}`, {});
  }

  /** Moves the demo clinic's clock. */
  async moveClock(minutes: number): Promise<void> {
    await this.post("/api/v1/demo/clock", { minutes });
  }

  /** Sets a clinic of its own up, beside the demonstration. */
  async setUpClinic(clinic: object): Promise<void> {
    const file = join(this.#folder, "clinic.json");
    await writeFile(file, JSON.stringify(clinic), { mode: 0o600 });
    await promisify(execFile)(PYTHON, ["-m", "server", "clinic", file, "--data", this.#folder], { cwd: ROOT });
  }

  async post<Answer>(path: string, body: unknown): Promise<Answer> {
    const response = await fetch(new URL(path, this.url), {
      method: "POST",
      headers: { "content-type": "application/json", origin: new URL(this.url).origin },
      body: JSON.stringify(body),
    });
    if (!response.ok) {
      throw new Error(`${path}: ${response.status} ${await response.text()}`);
    }
    return (await response.json()) as Answer;
  }

  /** Kills the first child of this role as a crash would. */
  kill(role: "server" | "worker"): void {
    const child = this.ready.processes.find((each) => each.role === role);
    if (!child) {
      throw new Error(`no process is called ${role}`);
    }
    process.kill(child.pid, "SIGKILL");
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const ended = once(this.#process, "exit");
      this.#process.kill("SIGTERM");
      await ended;
    }
    await rm(this.#folder, { recursive: true, force: true });
  }
}

async function readyLine(child: ChildProcess): Promise<Ready> {
  if (!child.stdout) {
    throw new Error("the server has no standard output");
  }
  const lines = createInterface({ input: child.stdout });
  const [line] = (await Promise.race([
    once(lines, "line", { signal: AbortSignal.timeout(START_LIMIT) }),
    once(child, "exit").then(() => Promise.reject(new Error("the server ended before it was ready"))),
  ])) as [string];
  return JSON.parse(line) as Ready;
}
