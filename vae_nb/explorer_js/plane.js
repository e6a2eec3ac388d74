// The latent plane on a canvas: what is drawn where, and how fast tiles come.

export const NIGHT = "#0b0d12", BELIEF = "#6cc4ff", TRUTH = "#ffbe55";
const RINGS = [[0.5, 1.1774], [0.9, 2.1460], [0.99, 3.0349]]; // prior's share, radius

// A small canvas with an image on it; grey or colour, values in [0, 1].
export function picture(values, [height, width, channels], scale = 1) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  paint(canvas, values, [height, width, channels], scale);
  return canvas;
}

export function paint(canvas, values, [height, width, channels], scale = 255) {
  canvas.width = width;
  canvas.height = height;
  const data = new ImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) {
      data.data[4 * i + c] = values[i * channels + (channels >= 3 ? c : 0)] * scale;
    }
    data.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d").putImageData(data, 0, 0);
}

// An image as ink of one colour on nothing; a colour image as it is.
function stamped(bytes, shape, color) {
  const canvas = picture(bytes, shape);
  if (shape[2] !== 1) return canvas;
  const context = canvas.getContext("2d");
  const data = context.getImageData(0, 0, canvas.width, canvas.height);
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
  for (let i = 0; i < bytes.length; i++) {
    const lightness = bytes[i] / 255;
    data.data[4 * i] = r + (255 - r) * 0.45 * lightness;
    data.data[4 * i + 1] = g + (255 - g) * 0.45 * lightness;
    data.data[4 * i + 2] = b + (255 - b) * 0.45 * lightness;
    data.data[4 * i + 3] = 255 * lightness ** 0.6;
  }
  context.putImageData(data, 0, 0);
  return canvas;
}

// The posterior on a grid as light: a canvas of n x n, the second latent upwards.
export function heat({ joint, n, dims }) {
  const rows = dims.length === 2 ? n : 1;
  const canvas = Object.assign(document.createElement("canvas"), { width: n, height: rows });
  const most = joint.reduce((a, b) => Math.max(a, b), -Infinity);
  const data = new ImageData(n, rows);
  joint.forEach((value, i) => {
    const x = rows > 1 ? Math.floor(i / n) : i, y = rows > 1 ? n - 1 - (i % n) : 0;
    data.data.set([255, 190, 85, 255 * Math.exp(value - most) ** 0.6], 4 * (y * n + x));
  });
  canvas.getContext("2d").putImageData(data, 0, 0);
  return canvas;
}

export class Plane {
  constructor(canvas, app) {
    this.canvas = canvas;
    this.app = app;
    this.context = canvas.getContext("2d");
    this.tiles = new Map();
    this.stamps = new Map();
    this.view = { x: 0, y: 0, reach: 3.2 }; // middle, and half of the shorter side
    canvas.classList.toggle("line", app.model.latents === 1);
  }

  get line() { return this.app.model.latents === 1; }

  get scale() { // CSS pixels of one unit of z
    const { clientWidth: w } = this.canvas;
    return w / 2 / this.view.reach;
  }

  toScreen(a, b) {
    const { clientWidth: w, clientHeight: h } = this.canvas;
    return [w / 2 + (a - this.view.x) * this.scale, h / 2 - (b - this.view.y) * this.scale];
  }

  toPlane(x, y) {
    const { clientWidth: w, clientHeight: h } = this.canvas;
    return [this.view.x + (x - w / 2) / this.scale, this.view.y - (y - h / 2) / this.scale];
  }

  zoom(factor, x = this.canvas.clientWidth / 2, y = this.canvas.clientHeight / 2) {
    const [a, b] = this.toPlane(x, y);
    this.view.reach = Math.min(Math.max(this.view.reach * factor, 0.02), 12);
    const [c, d] = this.toPlane(x, y);
    this.pan(a - c, b - d);
  }

  pan(a, b) {
    this.view.x = Math.min(Math.max(this.view.x + a, -12), 12);
    this.view.y = this.line ? 0 : Math.min(Math.max(this.view.y + b, -12), 12);
    this.app.redraw();
  }

  show({ low, high }) {
    const middle = low.map((a, axis) => (a + high[axis]) / 2);
    const half = Math.max(...low.map((a, axis) => (high[axis] - a) / 2));
    this.view = { x: middle[0], y: middle[1] ?? 0, reach: 1.15 * half };
    this.app.redraw();
  }

  // Where an image lies: its code, and for a single latent a row for its class.
  place(i) {
    const { images, state } = this.app, mean = images.mean(i);
    if (!this.line) return this.toScreen(mean[state.axes[0]], mean[state.axes[1]]);
    const [x] = this.toScreen(mean[0], 0), rows = images.names.length;
    const wobble = ((i * 0.618) % 1 - 0.5) * 0.8;
    const h = this.canvas.clientHeight;
    return [x, h * (0.42 + 0.5 * (images.labels[i] + 0.5 + wobble) / rows)];
  }

  shown(i) { return !this.app.state.hidden.has(this.app.images.labels[i]); }

  nearest(x, y, within = Infinity) {
    let best = null, least = within;
    for (let i = 0; i < this.app.images.count; i++) {
      if (!this.shown(i)) continue;
      const [a, b] = this.place(i), far = Math.hypot(a - x, b - y);
      if (far < least) [best, least] = [i, far];
    }
    return best;
  }

  forget() { this.tiles.clear(); }

  draw() {
    const { canvas, context, app } = this, ratio = window.devicePixelRatio || 1;
    const w = canvas.clientWidth, h = canvas.clientHeight;
    if (!w) return;
    if (canvas.width !== Math.round(w * ratio) || canvas.height !== Math.round(h * ratio)) {
      canvas.width = Math.round(w * ratio);
      canvas.height = Math.round(h * ratio);
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = NIGHT;
    context.fillRect(0, 0, w, h);
    const { mode } = app.state;
    if (mode === "pictures") this.drawTiles(w, h);
    else if (mode === "images") this.drawImages();
    else this.drawPoints();
    this.drawPrior(w, h);
    this.drawBelief();
    this.drawWalk();
    this.drawMarks(w, h);
    this.drawTicks(w, h);
  }

  // Tiles lie on a fixed grid whose step halves as one zooms in, so they are kept.
  drawTiles(w, h) {
    const { context, app, line } = this, wanted = w < 500 ? 26 : 33;
    const level = Math.round(Math.log2(0.3 * this.scale / wanted));
    const step = 0.3 / 2 ** level, size = step * this.scale;
    const [left, up] = this.toPlane(0, 0), [right, down] = this.toPlane(w, h);
    const missing = [];
    for (let i = Math.floor(left / step); i * step < right; i++) {
      for (let j = line ? 0 : Math.floor(down / step); j * step < up; j++) {
        const key = `${level}/${i}/${j}`, tile = this.tiles.get(key);
        const a = (i + 0.5) * step, b = (j + 0.5) * step;
        const [x, y] = this.toScreen(i * step, (j + 1) * step);
        if (tile) this.drawTile(tile, x, line ? 0.18 * h - size / 2 : y, size);
        else missing.push({ key, a, b, far: Math.hypot(a - this.view.x, b - this.view.y) });
        if (line) break;
      }
    }
    if (line) this.drawPoints();
    this.makeTiles(missing.sort((p, q) => p.far - q.far));
    const middle = this.toScreen(0, 0), fade = context.createRadialGradient(
      ...middle, 2.6 * this.scale, ...middle, 5 * this.scale);
    fade.addColorStop(0, "#0b0d1200");
    fade.addColorStop(1, "#0b0d12d0"); // the prior hardly ever goes there
    context.fillStyle = fade;
    if (!line) context.fillRect(0, 0, w, h);
    app.tilesReady = missing.length === 0;
  }

  drawTile(tile, x, y, size) {
    const shrink = size / Math.max(tile.width, tile.height);
    const width = tile.width * shrink, height = tile.height * shrink;
    this.context.drawImage(
      tile, x + (size - width) / 2, y + (size - height) / 2, width + 0.5, height + 0.5);
  }

  // A few at a time, for some eight milliseconds; the rest in the next frames.
  makeTiles(missing) {
    const { model, state } = this.app, until = performance.now() + 9;
    let at = 0;
    while (at < missing.length && (at === 0 || performance.now() < until)) {
      const some = missing.slice(at, at + 4), z = new Float32Array(some.length * model.latents);
      some.forEach(({ a, b }, n) => {
        z.set(state.z, n * model.latents);
        z[n * model.latents + state.axes[0]] = a;
        if (!this.line) z[n * model.latents + state.axes[1]] = b;
      });
      const images = model.decodeMany(z, some.length);
      some.forEach(({ key }, n) => this.tiles.set(key, picture(images[n], model.shape, 255)));
      at += some.length;
    }
    if (this.tiles.size > 6000) this.forget();
    if (missing.length) this.app.redraw();
  }

  stamp(i) {
    const { images, model } = this.app;
    if (!this.stamps.has(i)) {
      const color = images.colors[images.labels[i]];
      this.stamps.set(i, stamped(images.bytes(i), model.shape, color));
    }
    return this.stamps.get(i);
  }

  // Images at their codes, as many as have room; the others are dots.
  drawImages() {
    const { context, app } = this, w = this.canvas.clientWidth;
    const size = Math.min(Math.max(0.2 * this.scale, w < 500 ? 20 : 26), 64);
    const taken = new Set(), room = size * 0.62;
    for (let i = 0; i < app.images.count; i++) {
      if (!this.shown(i)) continue;
      const [x, y] = this.place(i);
      if (x < -size || y < -size || x > w + size || y > this.canvas.clientHeight + size) continue;
      const cell = `${Math.round(x / room)}/${Math.round(y / room)}`;
      if (taken.has(cell)) this.dot(x, y, 1.5, app.images.labels[i], 0.5);
      else this.drawTile(this.stamp(i), x - size / 2, y - size / 2, size);
      taken.add(cell);
    }
    context.globalAlpha = 1;
  }

  drawPoints() {
    const { app } = this, size = Math.min(Math.max(0.022 * this.scale, 2.2), 6);
    for (let i = 0; i < app.images.count; i++) {
      if (this.shown(i)) this.dot(...this.place(i), size, app.images.labels[i], 0.85);
    }
    this.context.globalAlpha = 1;
  }

  dot(x, y, radius, label, alpha) {
    const { context } = this;
    context.globalAlpha = alpha;
    context.fillStyle = this.app.images.colors[label];
    context.beginPath();
    context.arc(x, y, radius, 0, 7);
    context.fill();
  }

  drawPrior(w, h) {
    if (this.line) return;
    const { context } = this, middle = this.toScreen(0, 0);
    context.strokeStyle = "#ffffff55";
    context.setLineDash([4, 5]);
    for (const [share, radius] of RINGS) {
      context.beginPath();
      context.arc(...middle, radius * this.scale, 0, 7);
      context.stroke();
      const [x, y] = [middle[0], middle[1] - radius * this.scale];
      if (y > 8 && y < h && x > 0 && x < w) this.label(`${100 * share}%`, x, y);
    }
    context.setLineDash([]);
  }

  label(text, x, y, color = "#d9dce3") {
    const { context } = this;
    context.font = "11px system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    const width = context.measureText(text).width + 8;
    context.fillStyle = "#0b0d12b8";
    context.fillRect(x - width / 2, y - 8, width, 16);
    context.fillStyle = color;
    context.fillText(text, x, y + 0.5);
  }

  // The true posterior as light, and q's ellipses over it
  drawBelief() {
    const { context, app } = this, { q, truth, axes } = app.state;
    if (truth) this.drawHeat(truth);
    const [a, b] = axes;
    context.strokeStyle = BELIEF;
    context.lineWidth = 1.6;
    for (const n of [1, 2]) {
      context.beginPath();
      if (this.line) {
        const [x] = this.toScreen(q.mean[0] - n * q.sigma[0], 0);
        const [right] = this.toScreen(q.mean[0] + n * q.sigma[0], 0);
        context.rect(x, 2, right - x, this.canvas.clientHeight - 4);
      } else {
        const middle = this.toScreen(q.mean[a], q.mean[b]);
        const radii = [q.sigma[a], q.sigma[b]].map((s) => n * s * this.scale);
        context.ellipse(...middle, ...radii, 0, 0, 7);
      }
      context.stroke();
    }
    context.lineWidth = 1;
  }

  drawHeat({ box, light }) {
    const [x, y] = this.toScreen(box.low[0], box.high[1] ?? 0);
    const [right, bottom] = this.toScreen(box.high[0], box.low[1] ?? 0);
    if (this.line) {
      this.context.drawImage(light, x, 0, right - x, this.canvas.clientHeight);
    } else this.context.drawImage(light, x, y, right - x, bottom - y);
  }

  drawWalk() {
    const { context, app } = this, { walk, axes } = app.state;
    if (!walk?.shown) return;
    const ends = [walk.from, walk.to].map((z) =>
      this.toScreen(z[axes[0]], this.line ? 0 : z[axes[1]]));
    if (this.line) for (const end of ends) end[1] = this.canvas.clientHeight * 0.18;
    context.strokeStyle = "#ffffffcc";
    context.lineWidth = 2;
    context.setLineDash([2, 5]);
    context.beginPath();
    context.moveTo(...ends[0]);
    context.lineTo(...ends[1]);
    context.stroke();
    context.setLineDash([]);
    context.lineWidth = 1;
  }

  // The chosen image beside its code; the ring, and what it decodes to.
  drawMarks(w, h) {
    const { context, app } = this, { state } = app, size = w < 500 ? 40 : 52;
    const at = (z) => this.toScreen(z[state.axes[0]], this.line ? 0 : z[state.axes[1]]);
    const code = at(state.q.mean), ring = at(state.z);
    if (this.line) code[1] = ring[1] = h * 0.18;
    context.strokeStyle = BELIEF;
    context.lineWidth = 2;
    context.beginPath();
    context.moveTo(code[0] - 5, code[1]);
    context.lineTo(code[0] + 5, code[1]);
    context.moveTo(code[0], code[1] - 5);
    context.lineTo(code[0], code[1] + 5);
    context.stroke();
    this.callout(app.chosenPicture, code, size, BELIEF, -1, w, h);
    if (Math.hypot(ring[0] - code[0], ring[1] - code[1]) > 6) {
      this.callout(app.decodedPicture, ring, size, "#ffffff", 1, w, h);
    }
    for (const [radius, width, color] of [[9, 5, "#000000aa"], [9, 2.5, "#ffffff"]]) {
      context.lineWidth = width;
      context.strokeStyle = color;
      context.beginPath();
      context.arc(...ring, radius, 0, 7);
      context.stroke();
    }
    context.lineWidth = 1;
  }

  callout(image, [x, y], size, color, side, w, h) {
    if (!image || x < 0 || y < 0 || x > w || y > h) return;
    const { context } = this;
    const left = x + side * (size + 22) < 4 || x + side * (size + 22) > w - 4 ? -side : side;
    const a = left > 0 ? x + 22 : x - 22 - size, b = Math.min(Math.max(y - size - 14, 26), h - size - 22);
    context.strokeStyle = color;
    context.lineWidth = 1.5;
    context.beginPath();
    context.moveTo(x + left * 7, y - 7);
    context.lineTo(left > 0 ? a : a + size, b + size);
    context.stroke();
    context.fillStyle = NIGHT;
    context.fillRect(a, b, size, size);
    context.imageSmoothingEnabled = false;
    this.drawTile(image, a, b, size);
    context.imageSmoothingEnabled = true;
    context.strokeRect(a, b, size, size);
    context.lineWidth = 1;
  }

  drawTicks(w, h) {
    const { app } = this, [left, up] = this.toPlane(0, 0), [right, down] = this.toPlane(w, h);
    const rough = (right - left) / 7, power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough);
    const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    const told = (value) => (Math.abs(value) < step / 2 ? "0" : value.toFixed(digits).replace("-", "−"));
    for (let v = Math.ceil(left / step) * step; v < right; v += step) {
      const [x] = this.toScreen(v, 0);
      if (x > 30 && x < w - 40) this.label(told(v), x, h - 9);
    }
    this.label(`z${subscript(app.state.axes[0])} →`, w - 20, h - 9);
    if (this.line) return;
    for (let v = Math.ceil(down / step) * step; v < up; v += step) {
      const [, y] = this.toScreen(0, v);
      if (y > 40 && y < h - 26) this.label(told(v), 15, y);
    }
    this.label(`z${subscript(app.state.axes[1])} ↑`, 18, 30);
  }
}

export function subscript(n) {
  return String(n).replace(/\d/g, (d) => "₀₁₂₃₄₅₆₇₈₉"[d]);
}
