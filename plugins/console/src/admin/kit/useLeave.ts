// useLeave - asks before what was typed is left behind: by a link, by closing the page.
// SPDX-License-Identifier: MIT
import { onBeforeUnmount, onMounted } from "vue";
import { useRouter } from "vue-router";
import { mayLeave } from "@/ui/ask";

/** All screens of administration are one route, so leaving one of them is a change of its parts. */
export function useLeave(isChanged: () => boolean) {
  const router = useRouter();
  const stays = async () => isChanged() && !(await mayLeave());
  const onUnload = (event: BeforeUnloadEvent) => {
    if (isChanged()) event.preventDefault();
  };
  const remove = router.beforeEach(
    async (to, from) => to.path === from.path || !(await stays()),
  );
  onMounted(() => window.addEventListener("beforeunload", onUnload));
  onBeforeUnmount(() => {
    remove();
    window.removeEventListener("beforeunload", onUnload);
  });
  return { stays };
}
