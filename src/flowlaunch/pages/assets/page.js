// The one entry: every page loads this, and what a page lacks is passed over.
import { askFirst } from "./confirm.js";
import { copyOnClick } from "./copy.js";
import { sendFiles } from "./files.js";
import { filterAsYouType } from "./filters.js";
import { keepLive } from "./live.js";
import { writeTimes } from "./times.js";

// The answer to a form goes on at an address of its own: loading it again must not post again.
const own = document.getElementById("main")?.dataset.address;
if (own) history.replaceState(null, "", own);

writeTimes(document);
copyOnClick(document);
askFirst(document);
filterAsYouType(document);
sendFiles(document);
keepLive(document);
showPlace(document.querySelector(".menu [aria-current]"));

// What a form said is said once: reloading must not say it again.
const address = new URL(location.href);
if (address.searchParams.has("done")) {
  address.searchParams.delete("done");
  address.searchParams.delete("n");
  history.replaceState(null, "", address);
}

/** Bring the entry of this page into a menu that scrolls; `scrollIntoView` would also move where Tab begins. */
function showPlace(entry) {
  if (entry) entry.closest(".menu").scrollLeft = entry.offsetLeft - innerWidth / 3;
}
