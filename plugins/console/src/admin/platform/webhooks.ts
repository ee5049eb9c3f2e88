// webhooks - targets and their deliveries as administration reads them.
// SPDX-License-Identifier: MIT
import type { Rec } from "@/api/types";

export interface Webhook extends Rec {
  name: string;
  url: string;
  state: "active" | "paused" | "off";
  last_ok_at: string | null;
  last_error: string | null;
  paused_why: string | null;
  failures: number;
}

export interface Delivery extends Rec {
  label: string;
  event: string;
  entity_name: string;
  record_id: string;
  state: "waiting" | "sent" | "dead";
  tries: number;
  status: number | null;
  error: string | null;
  created_at: string;
  payload?: string;
}

export interface Try extends Rec {
  attempt: number;
  at: string;
  status: number | null;
  answer: string | null;
  error: string | null;
  duration_ms: number | null;
}

export const STATE_TONES: Record<string, string> = {
  active: "green",
  paused: "orange",
  off: "",
  waiting: "blue",
  sent: "green",
  dead: "red",
};
