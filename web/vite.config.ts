import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { compressedCopies, preloadedApp } from "./tools/delivery.ts";

export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  base: "/",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  plugins: [preloadedApp("src/ui/app.tsx"), compressedCopies()],
  build: {
    outDir: "dist",
    emptyOutDir: true,
    assetsDir: "assets",
    target: "es2022",
    // Pages live at /j/<token> and the manifest tells the size check which scripts the join page needs.
    manifest: true,
    modulePreload: { polyfill: false },
  },
  test: { include: ["tests/**/*.test.ts", "tests/**/*.test.tsx"] },
});
