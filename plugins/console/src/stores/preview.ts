// preview - the console as a role sees it: kept for this tab, sent with every request.
// SPDX-License-Identifier: MIT
import { http } from "@/api/http";

export interface Preview {
  role: string;
  label: string;
  user?: string;
  userName?: string;
}

const KEY = "perigee.preview";

export function previewNow(): Preview | null {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? "null") as Preview | null;
  } catch {
    return null;
  }
}

/** Called once, before anything is asked of the server. */
export function resumePreview(): void {
  const now = previewNow();
  http.preview = now ? [now.role, now.user].filter(Boolean).join("@") : "";
}

/** Everything that was loaded belongs to somebody else's eyes, so the page begins anew. */
export function startPreview(preview: Preview): void {
  sessionStorage.setItem(KEY, JSON.stringify(preview));
  location.assign("/");
}

export function forgetPreview(): void {
  try {
    sessionStorage.removeItem(KEY);
  } catch {
    // nothing can be kept here, so nothing was
  }
  http.preview = "";
}

export function endPreview(): void {
  const role = previewNow()?.role ?? "";
  forgetPreview();
  location.assign(role ? `/admin/roles/${encodeURIComponent(role)}` : "/");
}
