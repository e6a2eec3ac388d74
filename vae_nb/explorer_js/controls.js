// What buttons, keys, the mouse and fingers do.

import { nats } from "./account.js";
import { insetPoint } from "./belief.js";
import { $ } from "./page.js";
import { subscript } from "./plane.js";

export function wire(app) {
  for (const radio of document.querySelectorAll("[name=mode]")) {
    radio.addEventListener("change", () => {
      app.state.mode = radio.value;
      app.redraw();
    });
  }
  const on = (id, action) => $(id).addEventListener("click", action);
  on("zoom-in", () => app.plane.zoom(1 / 1.5));
  on("zoom-out", () => app.plane.zoom(1.5));
  on("zoom-reset", () => app.plane.show({ low: [-2.8, -2.8], high: [2.8, 2.8] }));
  on("to-posterior", () => app.plane.show(app.posteriorInView()));
  on("previous", () => app.strip.step(-1));
  on("next", () => app.strip.step(1));
  const first = (by) => {
    const [image] = app.strip.sorted($("strip-class").value, by);
    if (image === undefined) return;
    $("strip-order").value = by; // the runners-up come behind it
    fill();
    app.choose(image);
  };
  on("surprise", () => {
    const among = app.strip.sorted($("strip-class").value, "number");
    if (among.length) app.choose(among[Math.floor(Math.random() * among.length)]);
  });
  on("widest", () => first("gap"));
  on("unlikely", () => first("likely"));
  $("belief").addEventListener("click", (event) => {
    const at = insetPoint(app, event.offsetX, event.offsetY);
    if (at) app.moveOnPlane(...at);
  });
  on("to-peak", () => app.moveTo(app.peak()));
  on("theme", () => {
    const dark = getComputedStyle(document.documentElement).colorScheme === "dark"
      || (!document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
    document.documentElement.dataset.theme = dark ? "light" : "dark";
    app.redraw();
  });
  $("strip-class").append(new Option("all classes", ""));
  app.images.names.forEach((name, label) => {
    if (app.images.counts[label]) $("strip-class").append(new Option(name, label));
  });
  $("strip-class").hidden = app.images.names.length < 2;
  const fill = () => app.strip.fill($("strip-class").value, $("strip-order").value);
  $("strip-class").addEventListener("change", () => {
    fill();
    if (app.strip.order.length && !app.strip.order.includes(app.state.chosen)) app.choose(app.strip.order[0]);
  });
  $("strip-order").addEventListener("change", fill);
  fill();
  wireLegend(app, fill);
  wireAxes(app);
  wirePlane(app);
  new ResizeObserver(() => app.redraw()).observe($("plane"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => app.redraw());
}

// One stop for Tab; arrows go from class to class, Space hides and shows. A double click
// leaves a class alone.
function wireLegend(app, refill) {
  const legend = $("legend"), { images, state } = app;
  if (images.names.length < 2) return;
  const buttons = [];
  const changed = () => {
    show();
    refill();
    app.redraw();
  };
  const add = (text, action) => {
    const button = Object.assign(document.createElement("button"), { type: "button", tabIndex: buttons.length ? -1 : 0 });
    button.append(text);
    button.addEventListener("click", () => {
      action();
      changed();
    });
    buttons.push(button);
    legend.append(button);
    return button;
  };
  const labels = [...images.names.keys()].filter((label) => images.counts[label]);
  const classes = labels.map((label) => {
    const button = add(images.names[label], () => {
      if (!state.hidden.delete(label)) state.hidden.add(label);
    });
    const dot = document.createElement("i");
    dot.style.setProperty("--color", images.colors[label]);
    button.prepend(dot);
    button.title = "Hide or show; double-click: this class alone";
    button.addEventListener("dblclick", () => {
      state.hidden = new Set(labels.filter((other) => other !== label));
      changed();
    });
    return [label, button];
  });
  add("all", () => state.hidden.clear());
  add("none", () => labels.forEach((label) => state.hidden.add(label)));
  const show = () => {
    for (const [label, button] of classes) button.setAttribute("aria-pressed", String(!state.hidden.has(label)));
  };
  legend.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const at = buttons.indexOf(document.activeElement);
    const next = buttons[(at + by + buttons.length) % buttons.length];
    buttons.forEach((button) => { button.tabIndex = button === next ? 0 : -1; });
    next.focus();
  });
  show();
}

// With more than two latents: which two the plane shows, and sliders for the others
function wireAxes(app) {
  const { model, images, state } = app, part = $("axes");
  if (model.latents <= 2) return;
  part.hidden = false;
  const told = (d) => `z${subscript(d)}: ${nats(images.klByLatent[d])} nats`;
  const chooser = (name, axis) => {
    const label = document.createElement("label"), select = document.createElement("select");
    for (const d of state.byKl) select.append(new Option(told(d), d));
    select.value = state.axes[axis];
    select.addEventListener("change", () => {
      const other = state.axes[1 - axis], chosen = Number(select.value);
      state.axes[1 - axis] = chosen === other ? state.axes[axis] : other;
      state.axes[axis] = chosen;
      choosers.forEach((each, n) => { each.value = state.axes[n]; });
      fill();
      app.plane.forget();
      app.afterChoice(app.account);
    });
    label.append(name, " ", select);
    part.append(label, " ");
    return select;
  };
  const choosers = ["right", "up"].map(chooser);
  const sliders = Object.assign(document.createElement("div"), { className: "sliders" });
  part.append(sliders);
  const fill = () => {
    sliders.replaceChildren(...state.byKl.filter((d) => !state.axes.includes(d)).map((d) => {
      const label = document.createElement("label"), input = document.createElement("input");
      Object.assign(input, { type: "range", min: -4, max: 4, step: 0.01, value: state.z[d] });
      input.dataset.latent = d;
      input.addEventListener("input", () => {
        const z = Float32Array.from(state.z);
        z[d] = Number(input.value);
        app.moveTo(z);
      });
      const name = document.createElement("span");
      name.textContent = told(d).replace(" nats", "");
      label.append(name, input, document.createElement("output"));
      return label;
    }));
    app.onMoved();
  };
  let others = "";
  app.onMoved = () => {
    for (const input of sliders.querySelectorAll("input")) {
      const value = state.z[input.dataset.latent];
      if (document.activeElement !== input) input.value = value;
      input.nextSibling.textContent = nats(value);
    }
    const now = [...state.z].filter((_, d) => !state.axes.includes(d)).join();
    if (now !== others) app.plane.forget(); // another slice of the space
    others = now;
  };
  fill();
}

function wirePlane(app) {
  const canvas = $("plane"), { plane } = app, pointers = new Map();
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  let dragging = null; // {moved, pan, start}
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, place(event));
    dragging = { moved: pointers.size > 1, pan: event.shiftKey || event.button === 1, start: place(event) };
    app.walk.stop();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!pointers.has(event.pointerId)) return;
    const before = pointers.get(event.pointerId), now = place(event);
    if (pointers.size === 2) return pinch(event.pointerId, before, now);
    pointers.set(event.pointerId, now);
    if (Math.hypot(now[0] - dragging.start[0], now[1] - dragging.start[1]) > 4) dragging.moved = true;
    if (!dragging.moved) return;
    if (dragging.pan) plane.pan((before[0] - now[0]) / plane.scale, (now[1] - before[1]) / plane.scale);
    else app.moveOnPlane(...plane.toPlane(...now));
  });
  const pinch = (id, before, now) => {
    const [, other] = [...pointers].find(([key]) => key !== id);
    const far = (p) => Math.max(Math.hypot(p[0] - other[0], p[1] - other[1]), 1);
    plane.zoom(far(before) / far(now), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
    plane.pan((before[0] - now[0]) / 2 / plane.scale, (now[1] - before[1]) / 2 / plane.scale);
    pointers.set(id, now);
    dragging.moved = true;
  };
  canvas.addEventListener("pointerup", (event) => {
    pointers.delete(event.pointerId);
    if (!dragging || dragging.moved || pointers.size) return;
    const at = place(event), image = app.state.mode !== "pictures" || app.walk.waiting
      ? plane.nearest(...at, app.walk.waiting ? Infinity : 16) : null;
    if (image !== null) app.choose(image);
    else app.moveOnPlane(...plane.toPlane(...at));
  });
  canvas.addEventListener("pointercancel", (event) => pointers.delete(event.pointerId));
  canvas.addEventListener("dblclick", (event) => {
    const image = plane.nearest(...place(event));
    if (image !== null) app.choose(image);
  });
  canvas.addEventListener("wheel", (event) => {
    const ours = event.ctrlKey || window.top === window || document.activeElement === canvas;
    if (!ours) return; // in a frame the page around it scrolls
    event.preventDefault();
    plane.zoom(1.0015 ** Math.max(Math.min(event.deltaY, 300), -300), ...place(event));
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => planeKey(app, event));
}

function planeKey(app, event) {
  const { plane, state } = app, [first, second] = state.axes;
  const [right, up] = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key] ?? [0, 0];
  const at = () => [state.z[first], second === undefined ? 0 : state.z[second]];
  const actions = {
    "+": () => plane.zoom(1 / 1.25), "=": () => plane.zoom(1 / 1.25), "-": () => plane.zoom(1.25),
    0: () => $("zoom-reset").click(),
    Home: () => app.moveTo(state.q.mean),
    Enter: () => {
      const image = plane.nearest(...plane.toScreen(...at()));
      if (image !== null) app.choose(image);
    },
  };
  if (right || up) {
    const step = (event.shiftKey ? 0.25 : 0.03) * plane.view.reach, [a, b] = at();
    app.moveOnPlane(a + right * step, b + up * step);
    keepInView(plane, ...at());
    app.say($("readout").textContent);
  } else if (event.key in actions) actions[event.key]();
  else return;
  event.preventDefault();
}

function keepInView(plane, a, b) {
  const [x, y] = plane.toScreen(a, b), { clientWidth: w, clientHeight: h } = plane.canvas;
  const out = (v, size) => (v < 20 ? v - 20 : v > size - 20 ? v - size + 20 : 0);
  const [dx, dy] = [out(x, w), out(y, h)];
  if (dx || dy) plane.pan(dx / plane.scale, -dy / plane.scale);
}
