// The posterior of one image at its own scale, with q over it; and why there is a gap.

import { compared, inView } from "./mathematics.js";
import { BELIEF, NIGHT, TRUTH, subscript } from "./plane.js";

export function drawInset(canvas, state) {
  const { q, truth, axes } = state;
  const ratio = window.devicePixelRatio || 1, side = canvas.clientWidth;
  if (!side) return;
  canvas.width = canvas.height = Math.round(side * ratio);
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.fillStyle = NIGHT;
  context.fillRect(0, 0, side, side);
  if (!truth) return label(context, "looking …", side / 2, side / 2);
  if (axes[1] === undefined) drawCurves(context, side, q, truth);
  else drawPlane(context, side, state);
}

// The middle of what the inset shows, and pixels to one unit of z
function framed(side, q, truth) {
  const { low, high } = inView(truth, q);
  const middle = low.map((a, i) => (a + high[i]) / 2);
  const half = 1.1 * Math.max(...low.map((a, i) => (high[i] - a) / 2));
  return { middle, scale: side / 2 / half };
}

// Where on the plane a point of the inset lies
export function insetPoint({ state }, x, y) {
  if (!state.truth || state.truth.dims.length < 2) return null;
  const side = document.getElementById("belief").clientWidth;
  const { middle, scale } = framed(side, state.q, state.truth);
  return [middle[0] + (x - side / 2) / scale, middle[1] - (y - side / 2) / scale];
}

function drawPlane(context, side, { q, z, truth, axes }) {
  const { box, light } = truth, { middle, scale } = framed(side, q, truth);
  const x = (a) => side / 2 + (a - middle[0]) * scale;
  const y = (b) => side / 2 - (b - middle[1]) * scale;
  context.imageSmoothingQuality = "high";
  context.drawImage(light, x(box.low[0]), y(box.high[1]),
    (box.high[0] - box.low[0]) * scale, (box.high[1] - box.low[1]) * scale);
  context.strokeStyle = BELIEF;
  context.lineWidth = 2;
  const [a, b] = axes;
  for (const n of [1, 2]) {
    context.beginPath();
    context.ellipse(x(q.mean[a]), y(q.mean[b]), n * q.sigma[a] * scale, n * q.sigma[b] * scale, 0, 0, 7);
    context.stroke();
  }
  context.strokeStyle = "#ffffff";
  context.beginPath();
  context.arc(x(z[a]), y(z[b]), 5, 0, 7);
  context.stroke();
  scaleBar(context, side, scale);
  label(context, `z${subscript(a)} →`, side - 24, side - 12);
  label(context, `z${subscript(b)} ↑`, 22, 14);
}

function scaleBar(context, side, scale) {
  const most = side / 3 / scale, power = 10 ** Math.floor(Math.log10(most));
  const length = [5, 2, 1].map((m) => m * power).find((v) => v <= most);
  context.fillStyle = "#d9dce3";
  context.fillRect(12, side - 8, length * scale, 2);
  label(context, `${Number(length.toPrecision(1))}`, 12 + length * scale / 2, side - 19);
}

function drawCurves(context, side, q, { box, joint, n }) {
  const [low, high] = [box.low[0], box.high[0]], step = (high - low) / n;
  const most = joint.reduce((a, b) => Math.max(a, b), -Infinity);
  const mass = joint.reduce((a, b) => a + Math.exp(b - most), 0) * step;
  const truth = Array.from(joint, (v) => Math.exp(v - most) / mass);
  const belief = truth.map((_, i) => {
    const z = (low + (i + 0.5) * step - q.mean[0]) / q.sigma[0];
    return Math.exp(-0.5 * z * z) / q.sigma[0] / Math.sqrt(2 * Math.PI);
  });
  const top = 1.1 * Math.max(...truth, ...belief);
  for (const [curve, color] of [[truth, TRUTH], [belief, BELIEF]]) {
    context.strokeStyle = color;
    context.lineWidth = 2;
    context.beginPath();
    curve.forEach((v, i) => context.lineTo(side * (i + 0.5) / n, (side - 26) * (1 - v / top)));
    context.stroke();
  }
  label(context, low.toFixed(2), 24, side - 12);
  label(context, high.toFixed(2), side - 24, side - 12);
  label(context, "z₀ →", side / 2, side - 12);
}

function label(context, text, x, y) {
  context.font = "11px system-ui, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillStyle = "#0b0d12a0";
  const width = context.measureText(text).width + 6;
  context.fillRect(x - width / 2, y - 8, width, 16);
  context.fillStyle = "#d9dce3";
  context.fillText(text, x, y + 0.5);
}

// In words: what q misses. From a grid of the posterior.
export function why({ joint, box, n, dims }, q, gap, isSlice) {
  const seen = compared(joint, box, n, q, dims), share = dims.length === 2 ? 86 : 95;
  const inside = Math.round(100 * seen.inside);
  const said = [`Within two standard deviations of q’s middle lie ${share}% of q and ${inside}% of the truth.`];
  const far = dims.map((d, axis) => Math.abs(seen.mean[axis] - q.mean[d]) / q.sigma[d]);
  const wide = dims.map((d, axis) => seen.sigma[axis] / q.sigma[d]);
  const reasons = [];
  if (seen.peaks > 1) reasons.push(`the truth has ${seen.peaks} peaks, q only one`);
  if (Math.max(...far) > 1) {
    reasons.push(`q’s middle is ${Math.max(...far).toFixed(1)} of its standard deviations from the truth’s`);
  }
  if (Math.abs(seen.correlation) > 0.5 && seen.peaks === 1) {
    reasons.push(`the truth is tilted (correlation ${seen.correlation.toFixed(1).replace("-", "−")}), which q cannot be`);
  }
  if (Math.max(...wide) > 1.5) reasons.push(`q is ${Math.max(...wide).toFixed(1)} times too narrow`);
  if (Math.min(...wide) < 0.67) {
    reasons.push(`q is ${(1 / Math.min(...wide)).toFixed(1)} times too wide`);
  }
  if (isSlice) return `${said[0]} (A slice: the other latents are as in the code.)`;
  if (reasons.length && gap > 0.2) said.push(`Why the gap: ${reasons.slice(0, 3).join("; ")}.`);
  else said.push("q fits: there is hardly a gap.");
  return said.join(" ");
}
