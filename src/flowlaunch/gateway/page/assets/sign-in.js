// A sign-in link carries its token behind the #, where it reaches no server's log; it is posted from here, once.

const form = document.getElementById("by-link");
const token = decodeURIComponent(location.hash.slice(1));
if (form && token) {
  history.replaceState(null, "", location.pathname);
  form.elements.link.value = token;
  form.hidden = false;
  form.submit();
}
