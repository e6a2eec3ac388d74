// The page: what is chosen, and what follows from it.

import { makeAccount, nats, showAccount } from "./account.js";
import { drawInset, why } from "./belief.js";
import { wire } from "./controls.js";
import { Pad } from "./draw.js";
import { coordinate, inView, uniforms } from "./mathematics.js";
import { fitFrame } from "./frame.js";
import { accountFor, load, posterior } from "./model.js";
import { $, told } from "./page.js";
import { Plane, heat, paint, picture, subscript } from "./plane.js";
import { Strip } from "./strip.js";
import { Walk } from "./walk.js";

const CANCELLED = new Error("something else was chosen");

class App {
  constructor({ model, images }) {
    Object.assign(this, { model, images, known: new Map(), task: 0, dirty: false });
    const byKl = [...images.klByLatent.keys()].sort((a, b) => images.klByLatent[b] - images.klByLatent[a]);
    const axes = model.latents === 2 ? [0, 1] : byKl.slice(0, 2);
    this.state = { mode: "pictures", hidden: new Set(), axes, byKl, walk: null, truth: null };
  }

  begin() {
    this.plane = new Plane($("plane"), this);
    this.strip = new Strip($("strip"), this);
    makeAccount($("account"));
    this.take(told.first, this.images.q(told.first));
    this.walk = new Walk(this, { start: $("walk-start"), from: $("walk-from"), to: $("walk-to"), end: $("walk-end"),
      play: $("walk-play"), at: $("walk-at"), film: $("film") });
    this.pad = new Pad(this, { pad: $("pad"), clear: $("clear"), start: $("start-from"),
      open: $("open"), file: $("file"), invert: $("invert"), brush: $("brush"), ink: $("ink") });
    this.afterChoice(this.images.account(told.first));
    this.walk.aim();
  }

  // Choosing

  take(chosen, q, own = null) {
    Object.assign(this.state, { chosen, own, q, z: Float32Array.from(q.mean), truth: null });
  }

  choose(i) {
    if (this.walk.waiting) return this.walk.click(i);
    this.take(i, this.images.q(i));
    this.afterChoice(this.images.account(i));
    this.walk.aim();
    this.say(`${$("which").textContent}. ${this.spoken()}`);
  }

  chooseOwn(pixels) {
    const toss = uniforms(1); // the same tosses each time
    const seen = this.model.tossed ? pixels.map((v) => Number(toss() < v)) : pixels;
    this.take(null, this.model.encode(seen), seen);
    this.afterChoice({ reconstruction: null, kl: null, elbo: null, logPx: null, gap: null }, 300);
    this.walk.aim();
  }

  chosenPixels() { return this.state.own ?? this.images.pixels(this.state.chosen); }

  afterChoice(account, wait = 0) {
    const { model, state } = this, pixels = this.chosenPixels(), { shape } = model;
    paint($("image"), pixels, shape);
    const reconstruction = model.decode(state.q.mean);
    paint($("reconstruction"), reconstruction, shape);
    this.chosenPicture = picture(pixels, shape, 255);
    this.decodedPicture = picture(reconstruction, shape, 255);
    this.account = account;
    this.truthReady = false;
    this.showWhich();
    this.showAccount();
    this.strip.mark();
    this.moved();
    $("why").textContent = "Looking for the true posterior …";
    if (this.decodeTime) this.lookForTruth(wait); // else the first frame comes first
  }

  // The posterior, rough and then fine; for an image of one's own its account, too.
  async lookForTruth(wait) {
    const { state } = this, task = ++this.task, key = `${state.chosen}/${state.axes}`;
    if (state.chosen !== null && this.known.has(key)) return this.showTruth(this.known.get(key));
    try {
      if (wait) await new Promise((r) => setTimeout(r, wait));
      const breathe = this.breather(task), x = this.chosenPixels();
      await breathe();
      let box = this.firstBox();
      if (state.chosen === null) box = await this.accountForOwn(x, breathe) ?? box;
      const options = { breathe, show: (grid) => this.showTruth(grid), sizes: this.gridSizes() };
      const grid = await posterior(this.model, x, state.q, state.q.mean, this.dims(), box, options);
      if (state.chosen !== null) this.known.set(key, grid);
    } catch (error) {
      if (error !== CANCELLED) throw error;
    }
  }

  dims() { return this.model.latents === 1 ? [0] : this.state.axes; }

  firstBox() {
    const { model, images, state: { chosen, q } } = this, dims = this.dims();
    if (chosen !== null && model.latents <= 2) return images.box(chosen);
    return { low: dims.map((d) => q.mean[d] - 8 * q.sigma[d]),
      high: dims.map((d) => q.mean[d] + 8 * q.sigma[d]) };
  }

  // Steps of the grids, a rough and a fine one, by how long a decode takes.
  gridSizes() {
    if (this.model.latents === 1) return [64, 256];
    const most = this.decodeTime < 1 ? 64 : this.decodeTime < 4 ? 36 : 24;
    return [most / 4, most];
  }

  breather(task) {
    let since = performance.now();
    return async () => {
      if (performance.now() - since > 12) {
        await new Promise((r) => setTimeout(r));
        since = performance.now();
      }
      if (task !== this.task) throw CANCELLED;
    };
  }

  async accountForOwn(x, breathe) {
    const show = (account) => {
      this.account = account;
      this.showAccount();
    };
    const { account, box } = await accountFor(this.model, x, { breathe, show });
    show(account);
    this.say(this.spoken());
    return box;
  }

  showTruth(grid) {
    this.state.truth = { ...grid, light: heat(grid) };
    const { q, truth } = this.state;
    const slice = this.model.latents > 2;
    if (grid.last) $("why").textContent = why(truth, q, this.account.gap ?? 1, slice);
    paint($("peak"), this.model.decode(this.peak()), this.model.shape);
    $("peak-note").textContent = `At the truth’s peak, log p(x|z) = ${nats(this.model.logProb(this.chosenPixels(), this.peak()))}`;
    this.truthReady = grid.last;
    this.redraw();
  }

  posteriorInView() {
    const { truth, q } = this.state;
    return truth ? inView(truth, q) : this.firstBox();
  }

  // The code on the grid where the truth is largest
  peak() {
    const { joint, box, n, dims } = this.state.truth, z = Float32Array.from(this.state.q.mean);
    let at = 0;
    joint.forEach((value, i) => { if (value > joint[at]) at = i; });
    dims.forEach((d, axis) => { z[d] = coordinate(box, n, axis, dims.length, at); });
    return z;
  }

  // Moving

  moveTo(z) {
    this.state.z = Float32Array.from(z);
    this.decodedPicture = picture(this.model.decode(this.state.z), this.model.shape, 255);
    this.moved();
  }

  moveOnPlane(a, b) {
    const z = Float32Array.from(this.state.z), [first, second] = this.state.axes;
    const kept = (v) => Math.min(Math.max(v, -12), 12);
    z[first] = kept(a);
    if (second !== undefined) z[second] = kept(b);
    this.moveTo(z);
  }

  moved() {
    const { state, model } = this;
    const canvas = $("decoded");
    canvas.width = this.decodedPicture.width;
    canvas.height = this.decodedPicture.height;
    canvas.getContext("2d").drawImage(this.decodedPicture, 0, 0);
    const place = model.latents > 2
      ? state.axes.map((d) => `z${subscript(d)} = ${nats(state.z[d])}`).join(", ")
      : `z = (${Array.from(state.z, (v) => nats(v)).join(", ")})`;
    const fits = nats(model.logProb(this.chosenPixels(), state.z));
    $("readout").textContent = `Ring at ${place}: log p(x|z) = ${fits} nats`;
    this.onMoved?.();
    this.redraw();
  }

  // Telling

  showWhich() {
    const { state, images } = this, which = $("which");
    const name = state.chosen === null ? "Your own image" : images.names[images.labels[state.chosen]];
    const small = document.createElement("small");
    small.textContent = state.chosen === null ? "" : ` image ${images.number(state.chosen)}`;
    which.replaceChildren(name, small);
    $("image").setAttribute("aria-label", `The image: ${which.textContent}`);
  }

  showAccount() {
    showAccount($("account"), this.account, told.truth === "draws");
    $("belief").setAttribute("aria-label", `The true posterior and q: gap ${nats(this.account.gap)} nats`);
  }

  spoken() {
    const { elbo, logPx, gap } = this.account;
    return `ELBO ${nats(elbo, 1)}, log p of x ${nats(logPx, 1)}, gap ${nats(gap, 1)} nats`;
  }

  say(text) {
    clearTimeout(this.saying);
    this.saying = setTimeout(() => { $("live").textContent = text; }, 250);
  }

  redraw() {
    if (this.dirty) return;
    this.dirty = true;
    requestAnimationFrame(() => {
      this.dirty = false;
      this.plane.draw();
      drawInset($("belief"), { ...this.state, axes: this.dims() });
      this.drawn?.();
    });
  }

  // How long one decode takes, in milliseconds, and how many to do between breaths
  measure() {
    const z = new Float32Array(this.model.latents);
    for (let n = 0; n < 8; n++) this.model.decode(z); // until the browser has compiled it
    const start = performance.now();
    let count = 0;
    do {
      this.model.decode(z);
      count++;
    } while (performance.now() - start < 15 && count < 40);
    this.decodeTime = (performance.now() - start) / count;
    this.model.piece = Math.min(Math.max(4 * Math.floor(2 / this.decodeTime), 4), 64);
  }
}

// Words that depend on the model

function describe(app) {
  const { model, images } = app, many = images.count.toLocaleString("en");
  const of = told.of > told.count ? `${many} of ${told.of.toLocaleString("en")}` : many;
  const latents = `${model.latents} latent${model.latents > 1 ? "s" : ""}`;
  $("about").textContent = `${latents}, ${told.likelihood} likelihood, ${of} images.`;
  const how = model.latents > 2 ? `${told.draws} draws` : "quadrature";
  $("account-note").textContent = told.truth === "grid"
    ? "The expectation over q by quadrature, log p(x) by integration over the latents."
    : `The expectation over q by ${how}; log p(x) and the gap are at least so much (IWAE, ${told.draws} draws).`;
  if (model.latents > 2) $("key-truth").textContent = "a slice of the true posterior p(z|x)";
  $("made").textContent = "Made by vae_nb. Both networks run in this page; nothing is sent anywhere.";
}

async function start() {
  const app = new App(await load(told));
  app.begin();
  wire(app);
  describe(app);
  fitFrame();
  await new Promise((drawn) => { app.drawn = drawn; });
  app.drawn = null;
  const firstFrame = performance.now();
  app.measure();
  app.lookForTruth(0);
  Object.assign(window.vae_nb, {
    app, told, latent_dim: app.model.latents, image_shape: told.image_shape,
    decode: (z) => app.model.decode(Float32Array.from(z)),
    encode(pixels) {
      const { mean, sigma } = app.model.encode(Float32Array.from(pixels));
      return { z_mean: mean, z_log_var: sigma.map((s) => 2 * Math.log(s)) };
    },
    account: async (pixels) =>
      (await accountFor(app.model, Float32Array.from(pixels), {})).account,
    timing: { firstFrame, decode: app.decodeTime },
  });
}

window.vae_nb = {};
window.vae_nb.ready = start().catch((error) => {
  document.getElementById("about").textContent = typeof DecompressionStream === "undefined"
    ? "This browser is too old for this page: it needs one of 2023 or later."
    : `The page could not start: ${error.message}`;
  throw error;
});
