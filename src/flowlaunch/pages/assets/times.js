// Writes instants in the reader's own zone; the server writes them in UTC for readers without scripts.

const pad = (number, size = 2) => String(number).padStart(size, "0");

function text(at, show) {
  const day = `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;
  const clock = `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`;
  if (show === "exact") return `${day} ${clock}.${pad(at.getMilliseconds(), 3)}`;
  return at.toDateString() === new Date().toDateString() ? clock : `${day} ${clock}`;
}

export function writeTimes(root) {
  for (const element of root.querySelectorAll("time[data-show]")) {
    const at = new Date(element.dateTime);
    if (!Number.isNaN(at.valueOf())) element.textContent = text(at, element.dataset.show);
  }
  if (root === document) setInterval(tick, 1000);
  const zone = root.getElementById?.("zone");
  if (zone) zone.textContent = Intl.DateTimeFormat().resolvedOptions().timeZone;
}

const ahead = new Map(); // how far a clock that ticks is ahead of ours, by the instant that the server wrote

function tick() {
  for (const element of document.querySelectorAll('time[data-show="ticking"]')) {
    const written = element.dateTime;
    if (!ahead.has(written)) {
      ahead.clear();
      ahead.set(written, Date.parse(written) - Date.now());
    }
    element.textContent = text(new Date(Date.now() + ahead.get(written)), "ticking");
  }
}
