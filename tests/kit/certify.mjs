// certify - certificates for servers of the tests: who made them is trusted where the test says so.
// SPDX-License-Identifier: MIT
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A certificate of its own making for these names; { cert, key } as files and as text. */
export function certify(folder, file, names = ["DNS:localhost", "IP:127.0.0.1"]) {
  const paths = { cert: join(folder, `${file}.crt`), key: join(folder, `${file}.key`) };
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
