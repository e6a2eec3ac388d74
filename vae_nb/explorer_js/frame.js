// In a frame of the same origin: as high as the page in it, and in its theme.
export function fitFrame() {
  try {
    if (!window.frameElement) return;
    const fit = () => { window.frameElement.style.height = `${document.body.scrollHeight + 24}px`; };
    new ResizeObserver(fit).observe(document.body);
    const outside = window.parent.document.body;
    follow(outside);
    const filter = ["data-theme", "data-jp-theme-light"];
    new MutationObserver(() => follow(outside)).observe(outside, { attributeFilter: filter });
  } catch { /* another origin: the frame scrolls */ }
}

// The theme of furo, or of JupyterLab; else the system's
function follow({ dataset: { theme, jpThemeLight } }) {
  const jupyter = { true: "light", false: "dark" }[jpThemeLight];
  const chosen = ["light", "dark"].includes(theme) ? theme : jupyter;
  if (chosen) document.documentElement.dataset.theme = chosen;
  else delete document.documentElement.dataset.theme;
  dispatchEvent(new Event("theme"));
}
