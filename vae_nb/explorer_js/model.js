// The VAE in the page: encode, decode, log p(x, z), and the images with what is known.

import { unpack } from "./data.js";
import { run, withWeights } from "./network.js";
import { LIKELIHOODS, logProb, meanImage } from "./likelihoods.js";
import { bound, boxAround, gridIn, inPieces, integrate, logPrior } from "./mathematics.js";

export async function load(told) {
  const arrays = await unpack(told.arrays, told.data);
  return { model: makeModel(told, arrays), images: makeImages(told, arrays) };
}

function makeModel(told, arrays) {
  const encoder = withWeights(told.encoder, arrays);
  const decoder = withWeights(told.decoder, arrays);
  const likelihood = LIKELIHOODS[told.likelihood];
  const [height, width, channels] = told.image_shape;
  const size = height * width * channels, latents = told.latents;
  const params = (z, count) => run(decoder, Float32Array.from(z), count)[0];
  const model = {
    latents, size, shape: told.image_shape, quadrature: told.quadrature, draws: told.draws,
    tossed: told.likelihood === "BinarizedBernoulli",
    reach: told.reach,
    encode(x) {
      const [mean, logVar] = run(encoder, Float32Array.from(x));
      return { mean, sigma: logVar.map((v) => Math.exp(0.5 * v)) };
    },
    decodeMany(z, count) {
      const all = params(z, count);
      return Array.from({ length: count }, (_, n) =>
        meanImage(likelihood, all, n, size, channels));
    },
    decode: (z) => model.decodeMany(z, 1)[0],
    logProb: (x, z) => logProb(likelihood, x, params(z, 1), 0, channels),
    logJoint(x, z, count) {
      const all = params(z, count);
      return Array.from({ length: count }, (_, n) =>
        logProb(likelihood, x, all, n, channels)
        + logPrior(z.subarray(n * latents, (n + 1) * latents)));
    },
  };
  return model;
}

function makeImages(told, arrays) {
  const size = told.image_shape.reduce((a, b) => a * b, 1), dims = told.latents;
  const row = (array, i, n) => array.subarray(i * n, (i + 1) * n);
  const classes = told.class_names.map(() => 0);
  for (const label of arrays.labels) classes[label]++;
  return {
    count: told.count, counts: classes, names: told.class_names, colors: told.colors,
    labels: arrays.labels,
    bytes: (i) => row(arrays.pixels, i, size),
    pixels: (i) => Float32Array.from(row(arrays.pixels, i, size), (v) => v / 255),
    mean: (i) => row(arrays.z_mean, i, dims),
    q: (i) => ({
      mean: row(arrays.z_mean, i, dims),
      sigma: row(arrays.z_log_var, i, dims).map((v) => Math.exp(0.5 * v)),
    }),
    box: (i) => {
      const axes = Math.min(dims, arrays.boxes.length / told.count / 2);
      const both = row(arrays.boxes, i, 2 * axes);
      return { low: [...both.subarray(0, axes)], high: [...both.subarray(axes)] };
    },
    account: (i) => accountOf(arrays.elbo[i], arrays.kl[i], arrays.log_px[i]),
    gap: (i) => arrays.log_px[i] - arrays.elbo[i],
    likely: (i) => arrays.log_px[i],
    number: (i) => told.rows[i],
    // mean over the images of each latent's KL, and the latents by it
    klByLatent: meanKl(arrays, told.count, dims),
  };
}

export function accountOf(elbo, kl, logPx) {
  return { reconstruction: elbo + kl, kl, elbo, logPx, gap: logPx - elbo };
}

function meanKl(arrays, count, dims) {
  const kl = new Float64Array(dims);
  for (let i = 0; i < count * dims; i++) {
    const mean = arrays.z_mean[i], logVar = arrays.z_log_var[i];
    kl[i % dims] += 0.5 * (mean ** 2 + Math.expm1(logVar) - logVar) / count;
  }
  return kl;
}

// The posterior of an image over the latents `dims` on a grid that fits it, the others
// as in `code`. Rough first, so that there is something to see; `show` is called with
// each. From {low, high}, a box that holds it.
export async function posterior(model, x, q, code, dims, box, { breathe, show, sizes }) {
  let grid;
  for (const n of sizes) {
    if (grid) box = await boxAround(model, x, q, code, dims, box, n, breathe);
    const joint = await inPieces(model, x, gridIn(box, n, dims, code), breathe);
    grid = { joint, box, n, dims, last: n === sizes.at(-1) };
    show?.(grid);
  }
  return grid;
}

// The account of any image, and a box around its posterior if it has been found.
export async function accountFor(model, x, { breathe, show }) {
  const { q, kl, elbo, iwae } = await bound(model, x, breathe);
  if (model.latents > 2) return { account: accountOf(elbo, kl, Math.max(iwae, elbo)) };
  show?.({ ...accountOf(elbo, kl, 0), logPx: null, gap: null }); // the rest takes a while
  const { logPx, box } = await integrate(model, x, q, { reach: model.reach, breathe });
  return { account: accountOf(elbo, kl, logPx), box };
}
