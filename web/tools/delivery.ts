// How the built page gets quickly to a phone on a slow link.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import type { HtmlTagDescriptor, Plugin } from "vite";

const WORTH_COMPRESSING = /\.(js|css|html|svg)$/;

/** A `.br` and a `.gz` beside each text file; the server sends the one that the browser takes. */
export function compressedCopies(): Plugin {
  return {
    name: "compressed-copies",
    apply: "build",
    writeBundle({ dir }) {
      for (const entry of readdirSync(dir ?? "", { withFileTypes: true, recursive: true })) {
        if (!entry.isFile() || !WORTH_COMPRESSING.test(entry.name)) continue;
        const path = join(entry.parentPath, entry.name);
        const content = readFileSync(path);
        writeFileSync(`${path}.br`, brotliCompressSync(content));
        writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
      }
    },
  };
}

/**
 * The first script is small, so that it asks the server for the verdict at once; the page's own code, which it imports
 * next, is named in the HTML, so that it is on its way at the same time.
 */
export function preloadedApp(module: string): Plugin {
  return {
    name: "preloaded-app",
    apply: "build",
    transformIndexHtml: {
      order: "post",
      handler(_, { bundle }) {
        const chunks = Object.values(bundle ?? {}).filter((one) => one.type === "chunk");
        const app = chunks.find((chunk) => chunk.facadeModuleId?.endsWith(module));
        if (!app) throw new Error(`${module} is in no chunk of its own`);
        return [app.fileName, ...app.imports].map(
          (file): HtmlTagDescriptor => ({
            tag: "link",
            attrs: { rel: "modulepreload", crossorigin: true, href: `/${file}` },
            injectTo: "head",
          }),
        );
      },
    },
  };
}
