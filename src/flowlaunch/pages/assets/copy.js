// Buttons with `data-copy` put their text on the clipboard and say so.

const SHOWN_MS = 1600;

export function copyOnClick(root) {
  root.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-copy]");
    if (!button) return;
    const label = button.getAttribute("aria-label");
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch {
      const code = button.previousElementSibling;
      if (code) getSelection().selectAllChildren(code); // not allowed here: leave it marked for Ctrl+C
      return;
    }
    button.dataset.copied = "";
    button.setAttribute("aria-label", "Copied");
    setTimeout(() => {
      delete button.dataset.copied;
      button.setAttribute("aria-label", label);
    }, SHOWN_MS);
  });
}
