// Asks in a dialog before a form with `data-confirm` is sent. Without scripts the server asks on a page of its own.

export function askFirst(root) {
  const dialog = root.getElementById("ask");
  if (!dialog) return;
  const yes = root.getElementById("ask-yes");
  let asking = null;

  root.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.dataset.confirm || form.elements.confirmed) return;
    event.preventDefault();
    asking = form;
    root.getElementById("ask-title").textContent = form.dataset.title;
    root.getElementById("ask-text").textContent = form.dataset.confirm;
    yes.textContent = form.dataset.verb;
    dialog.showModal();
    root.getElementById("ask-no").focus();
  });
  root.getElementById("ask-no").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => (asking = null));
  yes.addEventListener("click", () => {
    const form = asking;
    if (!form) return;
    const field = root.createElement("input");
    field.type = "hidden";
    field.name = "confirmed";
    field.value = "yes";
    form.append(field);
    dialog.close();
    form.submit();
  });
}
