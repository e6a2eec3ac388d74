// Thumbnails of the images: of a class, in some order, chosen by a click or by keys.

import { nats } from "./account.js";
import { paint } from "./plane.js";

const AT_ONCE = 60;

export class Strip {
  constructor(element, app) {
    this.element = element;
    this.app = app;
    this.order = [];
    this.items = new Map();
    // thumbnails are painted when they come into view
    this.inView = new IntersectionObserver((entries) => {
      for (const { isIntersecting, target } of entries) if (isIntersecting) this.paint(target);
    }, { root: element, rootMargin: "0px 300px" });
    element.addEventListener("click", (event) => {
      const item = event.target.closest("[role=option]");
      if (item) app.choose(Number(item.dataset.image));
    });
    element.addEventListener("keydown", (event) => this.key(event));
    element.addEventListener("scroll", () => this.more());
  }

  // The images of a class, or of all that are not hidden, sorted.
  sorted(label, by) {
    const { images } = this.app;
    const all = Array.from({ length: images.count }, (_, i) => i)
      .filter((i) => (label === "" ? !this.app.state.hidden.has(images.labels[i])
        : images.labels[i] === Number(label)));
    if (by === "likely") all.sort((a, b) => images.likely(a) - images.likely(b));
    if (by === "gap") all.sort((a, b) => images.gap(b) - images.gap(a));
    return all;
  }

  fill(label, by) {
    this.by = by;
    this.order = this.sorted(label, by);
    this.items.clear();
    this.element.replaceChildren();
    this.element.scrollLeft = 0;
    this.add(AT_ONCE);
    this.mark();
  }

  add(count) {
    const from = this.items.size;
    for (const i of this.order.slice(from, from + count)) {
      const item = this.item(i);
      this.items.set(i, item);
      this.element.append(item);
      this.inView.observe(item);
    }
  }

  paint(item) {
    const { images, model } = this.app;
    paint(item.firstChild, images.bytes(Number(item.dataset.image)), model.shape, 1);
    this.inView.unobserve(item);
  }

  more() {
    const { scrollLeft, clientWidth, scrollWidth } = this.element;
    if (scrollLeft + 2 * clientWidth > scrollWidth) this.add(AT_ONCE);
  }

  item(i) {
    const { images } = this.app, item = document.createElement("div");
    const canvas = document.createElement("canvas");
    canvas.setAttribute("aria-hidden", "true");
    canvas.style.setProperty("--color", images.colors[images.labels[i]]);
    const value = { likely: images.likely(i), gap: images.gap(i) }[this.by];
    const text = value === undefined ? String(images.number(i)) : nats(value, 1);
    item.append(canvas, text);
    item.id = `thumb-${i}`;
    item.setAttribute("role", "option");
    item.dataset.image = i;
    const what = { likely: ", log p(x) ", gap: ", gap " }[this.by];
    const told = value === undefined ? "" : `${what}${text} nats`;
    const name = `${images.names[images.labels[i]]}, image ${images.number(i)}${told}`;
    item.setAttribute("aria-label", name);
    item.title = name;
    return item;
  }

  key(event) {
    const by = { ArrowRight: 1, ArrowLeft: -1, PageDown: 10, PageUp: -10,
      Home: -1e9, End: 1e9 }[event.key];
    if (!by || !this.order.length) return;
    event.preventDefault();
    this.step(by);
  }

  step(by) {
    const last = this.order.length - 1, at = this.order.indexOf(this.app.state.chosen);
    const next = at < 0 ? 0 : Math.min(Math.max(at + by, 0), last);
    if (next >= this.items.size) this.add(next - this.items.size + AT_ONCE);
    this.app.choose(this.order[next]);
  }

  // Which one is chosen, brought into view
  mark() {
    const { chosen } = this.app.state, place = this.order.indexOf(chosen);
    if (place >= this.items.size) this.add(place - this.items.size + AT_ONCE / 2);
    for (const [i, item] of this.items) item.setAttribute("aria-selected", String(i === chosen));
    const item = this.items.get(chosen);
    if (!item) return this.element.removeAttribute("aria-activedescendant");
    this.element.setAttribute("aria-activedescendant", item.id);
    const { offsetLeft, offsetWidth } = item, { scrollLeft, clientWidth } = this.element;
    const left = offsetLeft - this.element.offsetLeft;
    if (left < scrollLeft || left + offsetWidth > scrollLeft + clientWidth) {
      this.element.scrollLeft = left - clientWidth / 2;
    }
  }
}
