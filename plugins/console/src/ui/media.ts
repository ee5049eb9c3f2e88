// media - is this a phone? Below 768 px lists are cards and dialogs fill the screen.
// SPDX-License-Identifier: MIT
import { ref } from "vue";

const query = matchMedia("(max-width: 767px)");
export const isPhone = ref(query.matches);
query.addEventListener("change", () => (isPhone.value = query.matches));
