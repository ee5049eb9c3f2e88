// ask - a question before something that cannot simply be taken back; whoever asked waits.
// SPDX-License-Identifier: MIT
import { shallowRef } from "vue";
import { t } from "@/texts";

export interface Question {
  title: string;
  text: string;
  yes: string;
  no?: string;
  danger?: boolean;
}

/** The question that is open, with the way to answer it. */
export const asked = shallowRef<(Question & { answer: (yes: boolean) => void }) | null>(null);

/** Is it to be done? A question that is still open is answered with no. */
export function ask(question: Question): Promise<boolean> {
  asked.value?.answer(false);
  return new Promise((resolve) => {
    const answer = (yes: boolean) => {
      asked.value = null;
      resolve(yes);
    };
    asked.value = { ...question, answer };
  });
}

/** May what was typed be left behind? */
export const mayLeave = () =>
  ask({
    title: t("form.leave"),
    text: t("form.leave_text"),
    yes: t("form.leave_yes"),
    no: t("form.leave_no"),
    danger: true,
  });
