// A walk from the chosen image to another: a straight line between their codes.

import { paint, picture } from "./plane.js";

const FRAMES = 12;
const still = matchMedia("(prefers-reduced-motion: reduce)");

export class Walk {
  constructor(app, part) {
    this.app = app;
    this.part = part;
    this.clicked = null;
    part.to.append(new Option("an image that I click", "click"));
    app.images.names.forEach((name, label) => {
      if (!app.images.counts[label]) return;
      for (const select of [part.start, part.to]) {
        const alone = app.images.names.length < 2;
        select.append(new Option(alone ? "a typical image" : `a typical ${name}`, label));
      }
    });
    part.to.value = String(this.otherClass());
    part.start.addEventListener("change", () => this.begin(part.start.value));
    part.to.addEventListener("change", () => {
      this.clicked = null;
      this.aim(true);
    });
    part.play.addEventListener("click", () => this.play());
    part.at.addEventListener("input", () => this.moveTo(Number(part.at.value)));
  }

  // Where to go at first: the class of the nearest image of another class.
  otherClass() {
    const { images, state } = this.app;
    const label = images.labels[state.chosen];
    const other = this.nearest((i) => images.labels[i] !== label);
    return other === null ? label : images.labels[other];
  }

  nearest(accept, to = this.app.state.q.mean) {
    const { images, state } = this.app;
    let best = null, least = Infinity;
    for (let i = 0; i < images.count; i++) {
      if (i === state.chosen || !accept(i)) continue;
      const mean = images.mean(i);
      const far = Math.hypot(...mean.map((v, d) => v - to[d]));
      if (far < least) [best, least] = [i, far];
    }
    return best;
  }

  // The image of a class, but not the chosen one, whose code is nearest to the middle of
  // the class
  typical(label) {
    const { images, model } = this.app, middle = new Float64Array(model.latents);
    for (let i = 0; i < images.count; i++) {
      if (images.labels[i] !== label) continue;
      images.mean(i).forEach((v, d) => { middle[d] += v / images.counts[label]; });
    }
    return this.nearest((i) => images.labels[i] === label, middle);
  }

  // A typical image of a class becomes the chosen one
  begin(label) {
    const image = label === "" ? null : this.typical(Number(label));
    if (image === null) return;
    this.waiting = false;
    this.begun = image;
    this.app.choose(image);
  }

  // The image to go to, where the reader has chosen to click one
  click(image) {
    this.clicked = image;
    this.aim(true);
  }

  // A goal for the walk from the image that is now chosen
  aim(shown = false) {
    const { part, app } = this, { images, state } = app, clicks = part.to.value === "click";
    this.waiting = clicks && this.clicked === null;
    this.stop();
    const goal = clicks ? this.clicked : this.typical(Number(part.to.value));
    state.walk = goal === null ? null : { from: state.q.mean, to: images.mean(goal), goal, shown };
    part.play.disabled = part.at.disabled = !state.walk;
    part.at.value = 0;
    if (state.chosen !== this.begun) part.start.value = "";
    this.show();
    app.redraw();
  }

  show() {
    const { part, app } = this, { walk } = app.state, { model, images } = app;
    paint(part.from, app.chosenPixels(), model.shape);
    if (!walk) {
      part.end.width = part.end.width; // empty
      part.film.height = 0;
      return;
    }
    paint(part.end, images.bytes(walk.goal), model.shape, 1);
    const name = images.names[images.labels[walk.goal]];
    part.end.setAttribute("aria-label", `The goal: ${name}, image ${images.number(walk.goal)}`);
    const [h, w] = model.shape, z = new Float32Array(FRAMES * model.latents);
    for (let n = 0; n < FRAMES; n++) z.set(this.code(n / (FRAMES - 1)), n * model.latents);
    part.film.width = FRAMES * w;
    part.film.height = h;
    const context = part.film.getContext("2d");
    model.decodeMany(z, FRAMES).forEach((image, n) =>
      context.drawImage(picture(image, model.shape, 255), n * w, 0));
  }

  code(share) {
    const { from, to } = this.app.state.walk;
    return Float32Array.from(from, (a, d) => a + share * (to[d] - a));
  }

  moveTo(share) {
    this.app.state.walk.shown = true;
    this.part.at.value = share;
    this.app.moveTo(this.code(share));
  }

  play() {
    if (this.running) return this.stop();
    if (still.matches) return this.moveTo(1); // the film shows the way
    const start = performance.now(), begun = Number(this.part.at.value) % 1;
    this.part.play.textContent = "❚❚ Stop";
    const step = (now) => {
      const share = Math.min(begun + Math.max(now - start, 0) / 4000, 1);
      this.moveTo(share);
      if (share < 1) this.running = requestAnimationFrame(step);
      else this.stop();
    };
    this.running = requestAnimationFrame(step);
  }

  stop() {
    cancelAnimationFrame(this.running);
    this.running = null;
    this.part.play.textContent = this.waiting ? "now click an image" : "▶ Walk";
  }
}
