// media - is this a phone? Below 768 px lists are cards and dialogs fill the screen. And is it a
// finger that points? Then the device's own pickers are the better ones.
// SPDX-License-Identifier: MIT
import { ref } from "vue";

const query = matchMedia("(max-width: 767px)");
export const isPhone = ref(query.matches);
query.addEventListener("change", () => (isPhone.value = query.matches));

const coarse = matchMedia("(pointer: coarse)");
export const isTouch = ref(coarse.matches);
coarse.addEventListener("change", () => (isTouch.value = coarse.matches));
