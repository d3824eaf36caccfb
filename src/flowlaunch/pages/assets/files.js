// Forms with a file: one that is too large is told before it is sent, and a form that is being sent says so.

export function sendFiles(root) {
  root.addEventListener("change", (event) => {
    const most = Number(event.target.dataset?.mostBytes);
    if (!most) return;
    const [file] = event.target.files;
    const size = file ? Math.ceil(file.size / 1e6).toLocaleString("en") : "";
    const tooLarge = file && file.size > most;
    event.target.setCustomValidity(tooLarge ? `The file has ${size} MB; ${Math.floor(most / 1e6)} MB are taken.` : "");
    event.target.reportValidity();
  });
  root.addEventListener("submit", (event) => {
    const { sending } = event.target.dataset;
    if (!sending || event.defaultPrevented) return;
    const button = event.submitter ?? event.target.querySelector("button");
    event.target.ariaBusy = "true";
    setTimeout(() => {
      button.disabled = true; // after the browser has taken the form's fields
      button.textContent = sending;
    });
  });
  addEventListener("pageshow", (event) => {
    if (event.persisted && root.querySelector("form[data-sending]")) location.reload(); // gone back to a form that was sent
  });
}
