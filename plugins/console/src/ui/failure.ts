// failure - what an error tells a person: what happened, what to do next, and what to tell others.
// SPDX-License-Identifier: MIT
import { ApiError } from "@/api/http";
import { i18n } from "@/texts";

export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** What the fields of an answer were refused for, where no form stands beside it. */
export const complaintsOf = (error: unknown): string[] =>
  error instanceof ApiError
    ? Object.values(error.fields)
        .flat()
        .map((one) => one.message)
    : [];

const HINTS: Record<number, string> = {
  403: "hint.forbidden",
  404: "hint.absent",
  409: "hint.conflict",
  412: "hint.moved",
  422: "hint.refused",
};

/** What can be done about it; "" where the message says all. */
export function hintOf(error: unknown): string {
  if (!(error instanceof ApiError)) return "";
  const { t } = i18n.global;
  if (error.status === 429 || error.status === 503) {
    return error.wait ? t("hint.wait", { n: error.wait }) : t("hint.busy");
  }
  if (error.status >= 500) return t("hint.server");
  return HINTS[error.status] ? t(HINTS[error.status]) : "";
}

/** The name under which the server has logged it, where it is the server's fault. */
export const traceOf = (error: unknown): string =>
  error instanceof ApiError && error.status >= 500 ? error.trace : "";
