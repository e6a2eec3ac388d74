// An image of one's own: drawn, pasted or opened, as the encoder wants it.

import { paint } from "./plane.js";

export class Pad {
  constructor(app, part) {
    Object.assign(this, { app, part, shape: app.model.shape });
    const [height, width, channels] = this.shape;
    this.values = new Float32Array(app.model.size);
    part.ink.parentElement.hidden = channels === 1;
    this.at = [height / 2, width / 2]; // of the brush, for keys
    this.show();
    this.listen();
  }

  listen() {
    const { pad, clear, start, open, file, invert } = this.part;
    pad.addEventListener("pointerdown", (event) => {
      pad.setPointerCapture(event.pointerId);
      this.last = null;
      this.pointer(event);
    });
    pad.addEventListener("pointermove", (event) => {
      if (event.buttons) this.pointer(event);
    });
    pad.addEventListener("keydown", (event) => this.key(event));
    pad.addEventListener("blur", () => this.show());
    clear.addEventListener("click", () => this.set(this.values.map(() => 0)));
    start.addEventListener("click", () => this.set(Float32Array.from(this.app.chosenPixels())));
    invert.addEventListener("change", () => this.set(this.values.map((v) => 1 - v)));
    open.addEventListener("click", () => file.click());
    file.addEventListener("change", () => this.read(file.files[0]));
    document.addEventListener("paste", (event) => {
      const image = [...event.clipboardData.files].find((f) => f.type.startsWith("image/"));
      if (image) this.read(image);
    });
    for (const name of ["dragover", "drop"]) {
      document.addEventListener(name, (event) => {
        event.preventDefault();
        if (name === "drop" && event.dataTransfer.files[0]) this.read(event.dataTransfer.files[0]);
      });
    }
  }

  // Pixels under the pointer; the picture is fitted into the square of the pad.
  pointer(event) {
    const [height, width] = this.shape, box = this.part.pad.getBoundingClientRect();
    const scale = Math.max(height / box.height, width / box.width);
    const y = (event.clientY - box.top - box.height / 2) * scale + height / 2;
    const x = (event.clientX - box.left - box.width / 2) * scale + width / 2;
    const [from, to] = [this.last ?? [y, x], [y, x]];
    const steps = Math.ceil(2 * Math.hypot(to[0] - from[0], to[1] - from[1])) || 1;
    for (let n = 1; n <= steps; n++) {
      this.dab(...to.map((v, axis) => from[axis] + (v - from[axis]) * n / steps));
    }
    this.last = this.at = [y, x];
    this.done();
  }

  key(event) {
    const [height, width] = this.shape, [dy, dx] = {
      ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
    }[event.key] ?? [0, 0];
    if (event.key !== " " && !dy && !dx) return;
    event.preventDefault();
    this.at = [Math.min(Math.max(this.at[0] + dy, 0), height), Math.min(Math.max(this.at[1] + dx, 0), width)];
    if (event.key === " " || event.shiftKey) {
      this.dab(...this.at);
      this.done();
    }
    this.show(true);
  }

  // A round, soft spot of ink
  dab(y, x) {
    const [height, width, channels] = this.shape, radius = Number(this.part.brush.value);
    const ink = this.part.ink.value, erase = this.part.invert.checked && channels === 1;
    const color = channels === 1 ? [erase ? 0 : 1]
      : [1, 3, 5].map((at) => parseInt(ink.slice(at, at + 2), 16) / 255);
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const far = Math.hypot(row + 0.5 - y, column + 0.5 - x);
        const share = Math.min(Math.max(radius + 0.5 - far, 0), 1);
        for (let c = 0; share > 0 && c < channels; c++) {
          const i = (row * width + column) * channels + c, goal = color[c] ?? 1;
          const mixed = this.values[i] + share * (goal - this.values[i]);
          this.values[i] = channels === 1 && !erase ? Math.max(this.values[i], share) : mixed;
        }
      }
    }
  }

  async read(file) {
    if (!file?.type.startsWith("image/")) return this.app.say(`${file?.name} is not a picture`);
    try {
      const bitmap = await createImageBitmap(file), [height, width, channels] = this.shape;
      const canvas = Object.assign(document.createElement("canvas"), { width, height });
      const context = canvas.getContext("2d");
      context.imageSmoothingQuality = "high";
      const scale = Math.max(width / bitmap.width, height / bitmap.height); // cropped, not bent
      const [w, h] = [bitmap.width * scale, bitmap.height * scale];
      context.drawImage(bitmap, (width - w) / 2, (height - h) / 2, w, h);
      const { data } = context.getImageData(0, 0, width, height);
      this.set(this.values.map((_, i) => {
        const pixel = Math.floor(i / channels), rgb = data.subarray(4 * pixel, 4 * pixel + 3);
        if (channels >= 3) return rgb[Math.min(i % channels, 2)] / 255;
        return (0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]) / 255;
      }));
    } catch {
      this.app.say(`${file.name} cannot be read as a picture`);
    }
  }

  set(values) {
    this.values = Float32Array.from(values);
    this.done();
  }

  done() {
    this.show();
    this.app.chooseOwn(Float32Array.from(this.values));
  }

  show(withBrush = false) {
    paint(this.part.pad, this.values, this.shape);
    if (!withBrush) return;
    const context = this.part.pad.getContext("2d");
    context.fillStyle = "#6cc4ff";
    context.fillRect(Math.floor(this.at[1]), Math.floor(this.at[0]), 1, 1);
  }
}
