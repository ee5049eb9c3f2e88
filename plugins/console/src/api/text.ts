// text - answers that are text and no JSON.
// SPDX-License-Identifier: MIT
import { ApiError, http } from "./http";

export async function text(path: string): Promise<string> {
  let response: Response;
  try {
    const headers = { "Accept-Language": http.lang };
    response = await fetch(`/api/v1${path}`, { headers, credentials: "same-origin" });
  } catch {
    http.onOffline(true);
    throw new ApiError(0, "offline", http.texts.offline);
  }
  http.onOffline(false);
  if (response.status === 401) http.onSignedOut();
  if (!response.ok) throw new ApiError(response.status, "error", http.texts.failed);
  return response.text();
}
