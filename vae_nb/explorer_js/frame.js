// In a frame of the same origin: as high as the page in it.
export function fitFrame() {
  try {
    if (!window.frameElement) return;
    const fit = () => { window.frameElement.style.height = `${document.body.scrollHeight + 24}px`; };
    new ResizeObserver(fit).observe(document.body);
  } catch { /* another origin: the frame scrolls */ }
}
