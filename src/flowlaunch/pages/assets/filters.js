// Filters apply as they are changed: the address follows, and the list is fetched without leaving the page.
import { refresh } from "./live.js";

const PAUSE_MS = 250;

export function filterAsYouType(root) {
  for (const form of root.querySelectorAll("form[data-filters]")) {
    let waiting = 0;
    const apply = () => {
      clearTimeout(waiting);
      const chosen = [...new FormData(form)].filter(([, value]) => value !== "");
      const query = new URLSearchParams(chosen).toString();
      const address = form.getAttribute("action") + (query ? `?${query}` : "");
      history.replaceState(null, "", address);
      refresh();
    };
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      apply();
    });
    form.addEventListener("input", (event) => {
      clearTimeout(waiting);
      if (event.target.type === "search") waiting = setTimeout(apply, PAUSE_MS);
      else apply();
    });
  }
}
