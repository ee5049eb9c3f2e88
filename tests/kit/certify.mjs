// certify - certificates for servers of the tests: who made them is trusted where the test says so.
// SPDX-License-Identifier: MIT
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { folder } from "./server.mjs";

/** A certificate of its own making for these names: texts, and files until the tests end. */
export function certify(names = ["DNS:localhost", "IP:127.0.0.1"]) {
  const place = folder();
  process.on("exit", () => rmSync(place, { recursive: true, force: true }));
  const paths = { cert: join(place, "test.crt"), key: join(place, "test.key") };
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const out = ["-keyout", paths.key, "-out", paths.cert, "-days", "2"];
  const subject = ["-subj", "/CN=test", "-addext", `subjectAltName=${names.join(",")}`];
  execFileSync("openssl", ["req", "-x509", ...key, ...out, ...subject], { stdio: "pipe" });
  return {
    paths,
    cert: readFileSync(paths.cert, "utf8"),
    key: readFileSync(paths.key, "utf8"),
  };
}
