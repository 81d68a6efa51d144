/** A real coturn with the documented configuration, beside a server in the second network namespace. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { FAR_ADDRESS, INTO_FAR_NETWORK, RELAY_ADDRESS } from "./server.ts";
import type { Stage } from "./stage.ts";

const ROOT = join(import.meta.dirname, "..", "..", "..");
const SECRET = "the secret of the tests";

export interface TurnServer {
  /** What `konsilium serve` is told of it, with only these of its ways. */
  settings: (...ways: ("udp" | "tcp" | "tls")[]) => string[];
}

export async function turnServer(stage: Stage): Promise<TurnServer> {
  const folder = await mkdtemp(join(tmpdir(), "konsilium-turn-"));
  const python = join(ROOT, ".venv", "bin", "python");
  const module = ["-m", "tests.integration.turn_server", folder, RELAY_ADDRESS, FAR_ADDRESS];
  const [program = "", ...command] = [...INTO_FAR_NETWORK, python, ...module];
  const process = spawn(program, command, {
    cwd: ROOT,
    stdio: ["pipe", "pipe", "inherit"],
  });
  stage.closeLater(async () => {
    const ended = once(process, "exit");
    process.stdin.end();
    await ended;
    await rm(folder, { recursive: true, force: true });
  });
  const [line] = (await once(createInterface({ input: process.stdout }), "line")) as [string];
  const { port, tls_port } = JSON.parse(line) as { port: number; tls_port: number };
  const secret = join(folder, "secret");
  await writeFile(secret, SECRET, { mode: 0o600 });
  const urls = {
    udp: `turn:${RELAY_ADDRESS}:${port}?transport=udp`,
    tcp: `turn:${RELAY_ADDRESS}:${port}?transport=tcp`,
    tls: `turns:${RELAY_ADDRESS}:${tls_port}?transport=tcp`,
  };
  return { settings: (...ways) => ["--turn", ...ways.map((way) => urls[way]), "--turn-secret-file", secret] };
}
