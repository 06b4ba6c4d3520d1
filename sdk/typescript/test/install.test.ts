import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const folder = fileURLToPath(new URL("../../", import.meta.url)); // of the package, from build/test
const within = (name: string) => join(folder, "node_modules", name);

test("another project installs the folder, is held against its types, and runs", async (t) => {
  const project = await mkdtemp(join(tmpdir(), "cordon-sdk-"));
  t.after(() => rm(project, { recursive: true }));
  await writeFile(join(project, "package.json"), JSON.stringify({ name: "service", private: true, type: "module" }));
  await copyFile(join(folder, "example/service.ts"), join(project, "service.ts"));
  const install = (...how: string[]) => run("npm", ["install", "--no-audit", "--no-fund", ...how, folder], { cwd: project });
  const question = "import { Fake } from 'cordon-sdk/fake'; console.log(await new Fake().allow('a', 'view', 'w').client().can('a', 'view', 'w'))";
  await install(); // a link to the folder, and then a copy of what would be published
  assert.equal((await run(process.execPath, ["--input-type=module", "--eval", question], { cwd: project })).stdout, "true\n");
  await install("--install-links");
  const tsc = (...more: string[]) =>
    run(process.execPath, [within("typescript/bin/tsc"), "--strict", "--target", "ES2022", "--typeRoots", within("@types"), "--types", "node", ...more, "service.ts"], { cwd: project });
  await tsc("--module", "ESNext", "--moduleResolution", "Bundler", "--noEmit");
  await tsc("--module", "NodeNext", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess");
  const { stdout } = await run(process.execPath, ["service.js"], { cwd: project });
  assert.deepEqual(JSON.parse(stdout), { allowed: true, some: ["web-1", "web-1", "denied"], decided: [false], statuses: [200, 403, 401], forged: "WebhookError" });
});
