// Makes one element look like another by changing only what differs, so that focus, selection, scroll positions and
// opened details stay as the reader left them.

const LEFT_ALONE = "[data-keep]";

/** Change `now` into `next`. */
export function morph(now, next) {
  if (now.matches(LEFT_ALONE)) return;
  attributes(now, next);
  children(now, next);
}

function attributes(now, next) {
  for (const { name, value } of next.attributes) {
    if (now.getAttribute(name) !== value && !isReaders(now, name)) now.setAttribute(name, value);
  }
  for (const { name } of [...now.attributes]) {
    if (!next.hasAttribute(name) && !isReaders(now, name)) now.removeAttribute(name);
  }
}

/** Tell whether an attribute belongs to the reader: what is opened, typed or marked by our scripts. */
function isReaders(element, name) {
  return (
    (name === "open" && element.localName === "details") ||
    (name === "value" && element === document.activeElement) ||
    name === "data-copied" ||
    name === "aria-busy"
  );
}

function children(now, next) {
  const named = new Map([...now.children].filter((child) => child.id).map((child) => [child.id, child]));
  let at = now.firstChild;
  for (const wanted of [...next.childNodes]) {
    const same = wanted.id ? named.get(wanted.id) : null;
    if (same && same !== at) {
      now.insertBefore(same, at);
      morph(same, wanted);
    } else if (at && isAlike(at, wanted)) {
      const here = at;
      at = at.nextSibling;
      if (here.nodeType !== Node.ELEMENT_NODE) {
        if (here.data !== wanted.data) here.data = wanted.data;
      } else {
        morph(here, wanted);
      }
    } else {
      now.insertBefore(document.importNode(wanted, true), at);
    }
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
}

function isAlike(one, other) {
  return one.nodeType === other.nodeType && one.nodeName === other.nodeName && (one.id ?? "") === (other.id ?? "");
}
