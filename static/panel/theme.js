// Follow the system's colour scheme, and say that scripts run. Without this file the page stays light and whole.
(() => {
  const root = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const follow = () => root.setAttribute("data-bs-theme", dark.matches ? "dark" : "light");
  root.classList.add("has-js");
  follow();
  dark.addEventListener("change", follow);
})();
