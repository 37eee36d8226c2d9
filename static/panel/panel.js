// The little that neither HTML nor htmx does: copy a command, tell the time zone, forbid the second click.
(() => {
  const copy = async (button) => {
    const source = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.textContent.trim());
      button.querySelector("[data-copy-label]").textContent = "Copied";
    } catch {
      window.getSelection().selectAllChildren(source); // no clipboard over plain http: leave it selected for Ctrl-C
      button.querySelector("[data-copy-label]").textContent = "Press Ctrl-C";
    }
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) copy(button);
  });

  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    // After the form's data is collected: a disabled button's value would not be sent.
    if (button && event.target.method === "post") setTimeout(() => { button.disabled = true; }, 0);
  });

  // Coming back with the browser's Back button must not find the button still disabled.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) document.querySelectorAll("button:disabled").forEach((button) => { button.disabled = false; });
  });

  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  document.querySelectorAll("[data-fill-time-zone] [name=time_zone]").forEach((field) => { field.value = zone; });
})();
