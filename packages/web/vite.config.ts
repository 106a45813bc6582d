/**
 * Build of the viewer: two pages that share sources but no built file.
 *
 * The sign-in page is served without a session, so everything that it loads lies under `/sign-in-assets/`; what the
 * viewer loads lies under `/assets/` and needs a session. Two environments rather than two inputs of one build, since
 * one build would put shared modules into a chunk that both pages load.
 */
import react from "@vitejs/plugin-react";
import { defineConfig, type EnvironmentOptions } from "vite";

/** Build of one page and its assets into `dist/`. */
function page(input: string, assetsDir: string): EnvironmentOptions {
  return {
    consumer: "client",
    build: {
      outDir: "dist",
      assetsDir,
      emptyOutDir: false,
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      target: "es2023",
      rolldownOptions: { input },
    },
  };
}

export default defineConfig({
  plugins: [react()],
  build: { modulePreload: { polyfill: false } },
  environments: {
    client: page("index.html", "assets"),
    signIn: page("sign-in.html", "sign-in-assets"),
  },
  builder: {
    async buildApp(builder) {
      const { client, signIn } = builder.environments;
      if (client === undefined || signIn === undefined) throw new TypeError("build environments are missing");
      client.config.build.emptyOutDir = true;
      await builder.build(client);
      await builder.build(signIn);
    },
  },
});
