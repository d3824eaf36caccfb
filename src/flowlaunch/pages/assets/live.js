// Keeps the parts marked `data-live` as they are on the server: an event says that something changed, then the page
// fetches its own address and changes only what differs. Nothing is fetched while nobody looks.
import { morph } from "./morph.js";
import { writeTimes } from "./times.js";

const AGAIN_MS = 2000;
const EVERY_MS = 1000; // however much happens, a page is fetched this often at most
const BUSY_AFTER_MS = 300;
const WORDS = { off: "Not live", on: "Live", lost: "Reconnecting", out: "Signed out", failed: "Reload failed" };

const policy = globalThis.trustedTypes?.createPolicy("flowlaunch", { createHTML: (text) => text });

/** Parse a page that this server rendered; scripts in it never run. */
function parse(text) {
  return new DOMParser().parseFromString(policy ? policy.createHTML(text) : text, "text/html");
}

let under = null; // the newest fetch; an older one that ends later is dropped

/** Fetch an address of this site and take over its live parts; true when that worked. */
export async function refresh(address = location.href) {
  under?.abort();
  const mine = (under = new AbortController());
  const slow = setTimeout(() => busy(true), BUSY_AFTER_MS);
  try {
    return await take(address, mine);
  } finally {
    clearTimeout(slow);
    if (under === mine) busy(false);
  }
}

/** Say that the live parts are about to change, to eyes and screen readers. */
function busy(is) {
  for (const part of document.querySelectorAll("[data-live][id]")) part.ariaBusy = is ? "true" : null;
}

async function take(address, mine) {
  let answer;
  try {
    answer = await fetch(address, { signal: mine.signal, headers: { accept: "text/html" }, redirect: "manual" });
  } catch (error) {
    if (error.name !== "AbortError") show("lost");
    return false;
  }
  if (answer.type === "opaqueredirect" || answer.status === 401) {
    show("out");
    return false;
  }
  if (!answer.ok) {
    show("failed");
    return false;
  }
  const text = await answer.text().catch(() => null);
  if (text === null || mine.signal.aborted) return false;
  const next = parse(text);
  writeTimes(next);
  document.title = next.title;
  for (const now of document.querySelectorAll("[data-live][id]")) {
    const then = next.getElementById(now.id);
    if (then) morph(now, then);
  }
  document.dispatchEvent(new Event("refreshed"));
  return true;
}

function show(state) {
  const pulse = document.getElementById("pulse");
  if (!pulse || pulse.dataset.state === state) return;
  pulse.dataset.state = state;
  document.getElementById("pulse-text").textContent = WORDS[state];
}

/** Listen for changes for as long as the page is looked at. */
export function keepLive(root) {
  const pulse = root.getElementById("pulse");
  if (!pulse?.dataset.events || !root.querySelector("[data-live]")) {
    if (pulse) pulse.hidden = true;
    return;
  }
  let source = null;
  let again = 0;
  let due = 0;
  let last = 0;

  const follow = async () => {
    due = 0;
    last = Date.now();
    if (await refresh()) show("on");
  };
  const close = () => {
    clearTimeout(again);
    clearTimeout(due);
    due = 0;
    source?.close();
    source = null;
  };
  const open = () => {
    close();
    source = new EventSource(pulse.dataset.events);
    source.addEventListener("ready", async () => {
      if (await refresh()) show("on"); // what changed after this page was drawn and before now is told by nobody
    });
    source.addEventListener("changed", () => {
      due ||= setTimeout(follow, Math.max(0, last + EVERY_MS - Date.now()));
    });
    source.addEventListener("error", () => {
      show("lost");
      if (source?.readyState === EventSource.CLOSED) {
        close(); // a refusal ends an EventSource for good; ask the page whether we are signed out
        refresh();
        again = setTimeout(open, AGAIN_MS);
      }
    });
  };
  root.addEventListener("visibilitychange", () => {
    if (root.hidden) {
      close();
    } else {
      open();
    }
  });
  addEventListener("pagehide", close);
  addEventListener("pageshow", (event) => event.persisted && open());
  if (!root.hidden) open();
}
