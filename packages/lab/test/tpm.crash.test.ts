/** A terminal whose module is in a TPM, by its commands alone: deployed, recorded, killed, restored, refused. */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { describeWithSwtpm, startSwtpm } from "../../trsm/test/support/swtpm.ts";
import { checkWhole, WHOLE } from "../src/crash/check-recording.ts";
import type { Program } from "../src/crash/program.ts";
import { Site } from "../src/crash/site.ts";
import { syntheticSource } from "../src/crash/sources.ts";
import { pericardCommand } from "../src/demo/child.ts";
import { tell } from "./support/tell.ts";

const source = syntheticSource(7, 0.1);
const INDEX = "0x01810000";

/** Why a command ended. @throws when it did not fail. */
async function refusalOf(program: Program): Promise<string> {
  const { code } = await program.ended;
  expect(code).toBe(1);
  return /ERR_[A-Z_]+/.exec(program.log.join("\n"))?.[0] ?? "";
}

describeWithSwtpm("a terminal with a TPM", () => {
  test("records through kills, shows what it refused, and takes no older counters", async ({ onTestFinished }) => {
    const startedMs = performance.now();
    const tpm = await startSwtpm();
    const site = await Site.open();
    onTestFinished(async () => {
      await site.remove();
      await tpm.stop();
    });
    await site.startAll();
    const folder = site.paths.terminal(1);
    const beside = (name: string): string => join(folder, name);
    const target = ["--target", site.links.gateway.url, "--token", "unused"];
    const place = ["--trsm", "tpm", "--tcti", tpm.tcti, "--nv-index", INDEX];
    const deploy = (out: string): Program =>
      site.spawn(["factory", "deploy", "--data", site.paths.server, "--out", out, ...target, ...place, "--json"]);
    const deployed = deploy(folder);
    await deployed.success();
    expect(deployed.lines.at(-1)).toMatchObject({ terminals: [{ trsm: "tpm", verified: true, state: "active" }] });
    site.deploy(1);
    expect(await refusalOf(deploy(site.paths.terminal(2)))).toBe("ERR_TRSM_LOADED");

    const record = ["terminal", "record", "--data", folder, ...source.args, "--segment-seconds", "1", "--json"];
    const old = readFileSync(beside("trsm.counters"));
    for (let kills = 0; kills < 2; kills += 1) {
      const killed = site.spawn(record);
      await killed.ready;
      await killed.kill();
    }
    const recorded = site.spawn(record);
    await recorded.success();
    expect(await checkWhole(await site.signIn(), 1, source)).toEqual(WHOLE);

    const upload = (): Program => site.spawn(["terminal", "upload", "--data", folder, "--json"]);
    const authorisation = readFileSync(beside("trsm.authorisation"), "utf8");
    writeFileSync(beside("trsm.authorisation"), `${"ab".repeat(32)}\n`);
    expect(await refusalOf(upload())).toBe("ERR_TRSM_AUTHORISATION");
    writeFileSync(beside("trsm.authorisation"), authorisation);
    const newest = readFileSync(beside("trsm.counters"));
    writeFileSync(beside("trsm.counters"), old);
    expect(await refusalOf(upload())).toBe("ERR_TRSM_ROLLBACK");
    writeFileSync(beside("trsm.counters"), newest);
    await upload().success();

    const status = site.spawn(["terminal", "status", "--data", folder, "--json"]);
    await status.success();
    expect(status.lines.at(-1)).toMatchObject({
      trsm: { kind: "tpm", refusals: { counts: { load: 0, authorisation: 1, rollback: 1 } } },
    });
    const [command, ...args] = pericardCommand(["terminal", "status", "--data", folder]);
    expect(spawnSync(command, args, { encoding: "utf8" }).stdout).toMatch(
      /^module {5}tpm, refused: 1 wrong authorisations, 1 older counters, the last on \d{4}-.*Z$/m,
    );
    await site.stopAll();
    tell("terminal with a tpm", {}, startedMs);
  });
});
