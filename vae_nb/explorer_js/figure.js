// One latent, one image, a posterior that is known: q moves, and the account with it.

import { makeAccount, nats, showAccount } from "./account.js";
import { fitFrame } from "./frame.js";

const $ = (id) => document.getElementById(id);
const STEP = 0.01, Z = Float64Array.from({ length: 1001 }, (_, i) => STEP * (i - 500));
const normal = (z, mean, sigma) =>
  Math.exp(-0.5 * ((z - mean) / sigma) ** 2) / sigma / Math.sqrt(2 * Math.PI);

// The decoder's likelihood of the image: two places that explain it, one better.
const likelihood = Z.map((z) => 0.9 * normal(z, 1.1, 0.35) + 0.45 * normal(z, -0.7, 0.25));
const prior = Z.map((z) => normal(z, 0, 1));
const evidence = STEP * Z.reduce((total, _, i) => total + likelihood[i] * prior[i], 0);
const posterior = Z.map((_, i) => likelihood[i] * prior[i] / evidence);

// All numbers of a q, in nats; integrals as sums
export function numbers(mean, sigma) {
  let mass = 0, reconstruction = 0, kl = 0, forward = 0, backward = 0;
  Z.forEach((z, i) => {
    const q = normal(z, mean, sigma), p = Math.max(posterior[i], 1e-300);
    const logQ = -0.5 * ((z - mean) / sigma) ** 2 - Math.log(sigma * Math.sqrt(2 * Math.PI));
    mass += STEP * q;
    reconstruction += STEP * q * Math.log(Math.max(likelihood[i], 1e-300));
    kl += STEP * q * (logQ + 0.5 * z * z + 0.5 * Math.log(2 * Math.PI));
    forward += STEP * q * (logQ - Math.log(p));
    backward += STEP * p * (Math.log(p) - logQ);
  });
  const elbo = (reconstruction - kl) / mass, logPx = Math.log(evidence);
  return { reconstruction: reconstruction / mass, kl: kl / mass, elbo, logPx,
    gap: forward / mass, backward };
}

// The q for which `loss` is least: all on a grid, then ever closer.
export function best(loss) {
  let found = { mean: 0, sigma: 1, least: Infinity };
  for (let m = -3; m <= 3; m += 0.1) {
    for (let s = 0.05; s <= 2; s *= 1.15) found = better(found, m, s, loss);
  }
  for (let by = 0.05; by > 0.004; by /= 2) {
    for (let n = 0; n < 6; n++) {
      const { mean, sigma } = found;
      for (const [dm, ds] of [[by, 0], [-by, 0], [0, by], [0, -by]]) {
        found = better(found, mean + dm, Math.min(Math.max(sigma + ds, 0.05), 2), loss);
      }
    }
  }
  return found;
}

function better(found, mean, sigma, loss) {
  const now = loss(numbers(mean, sigma));
  return now < found.least ? { mean, sigma, least: now } : found;
}

function draw(q) {
  const canvas = $("curves"), ratio = window.devicePixelRatio || 1;
  const w = canvas.clientWidth, h = canvas.clientHeight;
  canvas.width = w * ratio;
  canvas.height = h * ratio;
  const context = canvas.getContext("2d"), style = getComputedStyle(document.body);
  context.scale(ratio, ratio);
  const x = (z) => w / 2 + z * w / 7, y = (p) => h - 22 - p * (h - 34) / 1.5;
  const curve = (values, name, width) => {
    context.strokeStyle = color(style, name);
    context.lineWidth = width;
    context.beginPath();
    values.forEach((p, i) => context.lineTo(x(Z[i]), y(Math.min(p, 1.6))));
    context.stroke();
  };
  curve(prior, "--neutral", 1.2);
  curve(posterior, "--truth", 2.5);
  curve(Z.map((z) => normal(z, q.mean, q.sigma)), "--belief", 2.5);
  context.font = "12px system-ui, sans-serif";
  context.textAlign = "center";
  context.fillStyle = color(style, "--soft");
  for (let z = -3; z <= 3; z++) context.fillText(String(z).replace("-", "−"), x(z), h - 5);
  context.textAlign = "left";
  [["prior p(z)", "--neutral"], ["posterior p(z|x)", "--truth"], ["q(z|x)", "--belief"]].forEach(([text, name], n) => {
    context.fillStyle = color(style, name);
    context.fillText(text, 8, 16 + 17 * n);
  });
}

// What light-dark() gives in this theme
function color(style, name) {
  const probe = $("said");
  probe.style.color = `var(${name})`;
  const found = getComputedStyle(probe).color;
  probe.style.color = "";
  return found;
}

const LOSSES = {
  forward: ["least KL(q‖p): the ELBO's best", ({ gap }) => gap,
    "The ELBO's direction: q avoids places where p is small, so it sits on one peak."],
  backward: ["least KL(p‖q)", ({ backward }) => backward,
    "The other direction: q must cover all that p covers, also the valley between."],
  prior: ["q = prior", null, "q carries no information: KL to the prior is 0."],
};

function start() {
  const told = window.figure, beta = () => 2 ** Number($("beta").value);
  makeAccount($("account"));
  const show = (said) => {
    const q = { mean: Number($("mean").value), sigma: Number($("sigma").value) };
    const found = numbers(q.mean, q.sigma);
    showAccount($("account"), found, false);
    for (const id of ["mean", "sigma"]) $(id).nextElementSibling.textContent = nats(q[id]);
    $("beta").nextElementSibling.textContent = beta().toFixed(2);
    const loss = found.reconstruction - beta() * found.kl;
    const other = told.beta
      ? `Reconstruction − β KL = ${nats(loss)} nats, with β = ${beta().toFixed(2)}.`
      : `KL(q‖p) = ${nats(found.gap)} nats, the gap; KL(p‖q) = ${nats(found.backward)} nats.`;
    $("said").textContent = `${other} ${said ?? ""}`;
    draw(q);
  };
  const take = ({ mean, sigma }, said) => {
    $("mean").value = mean;
    $("sigma").value = sigma;
    show(said);
  };
  const forBeta = () => take(best(({ reconstruction, kl }) => beta() * kl - reconstruction),
    beta() > 1.05 ? "A large β draws q to the prior." : beta() < 0.95
      ? "A small β lets q leave the prior and become narrow." : "β = 1: this is the ELBO.");
  $("with-beta").hidden = !told.beta;
  if (!told.beta) {
    for (const [text, loss, said] of Object.values(LOSSES)) {
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: text });
      button.addEventListener("click", () => take(loss ? best(loss) : { mean: 0, sigma: 1 }, said));
      $("buttons").append(button);
    }
  }
  for (const id of ["mean", "sigma"]) $(id).addEventListener("input", () => show());
  $("beta").addEventListener("input", forBeta);
  new ResizeObserver(() => show()).observe($("curves"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => show());
  addEventListener("theme", () => show());
  told.beta ? forBeta() : take({ mean: 0.3, sigma: 0.9 });
  fitFrame();
  window.vae_nb = { numbers, best };
}

start();
