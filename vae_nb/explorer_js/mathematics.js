// Belief and truth: KL, the ELBO as an expectation over q, the posterior on a grid.
// A model here has latents, encode(x) -> {mean, sigma} and logJoint(x, z, count) ->
// log p(x|z) + log p(z) for count codes in one array. All in nats.

const LOG_2PI = Math.log(2 * Math.PI);

// KL(N(mean, sigma^2) || N(0, I)) of each latent
export function klByLatent({ mean, sigma }) {
  return Array.from(mean, (m, d) =>
    0.5 * (m ** 2 + sigma[d] ** 2 - 1 - 2 * Math.log(sigma[d])));
}

export const sum = (values) => values.reduce((a, b) => a + b, 0);

export function logSumExp(values) {
  let most = -Infinity;
  for (const v of values) if (v > most) most = v;
  if (most === -Infinity) return most;
  let total = 0;
  for (const v of values) total += Math.exp(v - most);
  return most + Math.log(total);
}

export function logPrior(z) {
  return -0.5 * sum(Array.from(z, (v) => v * v + LOG_2PI));
}

function logNormal(z, mean, sigma) {
  const standard = (z - mean) / sigma;
  return -0.5 * (standard ** 2 + LOG_2PI) - Math.log(sigma);
}

// Numbers between 0 and 1 that are the same each time (mulberry32).
export function uniforms(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (((t ^ (t >>> 14)) >>> 0) + 0.5) / 4294967296;
  };
}

// Draws from N(0, 1), the same each time (Box & Muller).
function normalDraws(count) {
  const uniform = uniforms(1);
  return Float64Array.from({ length: count }, () =>
    Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()));
}

// Codes spread over q with the weights of an expectation: quadrature for one or two
// latents, draws for more.
export function overQ({ mean, sigma }, [nodes, weights], draws) {
  const dims = mean.length;
  if (dims > 2) {
    const noise = normalDraws(draws * dims);
    const z = Float32Array.from(noise, (e, i) => mean[i % dims] + sigma[i % dims] * e);
    return { z, weights: new Array(draws).fill(1 / draws) };
  }
  const z = [], all = [], order = nodes.length;
  for (let i = 0; i < order; i++) {
    for (let j = 0; j < (dims === 2 ? order : 1); j++) {
      const weight = weights[i] * (dims === 2 ? weights[j] : 1);
      if (weight < 1e-9) continue;
      z.push(mean[0] + sigma[0] * nodes[i]);
      if (dims === 2) z.push(mean[1] + sigma[1] * nodes[j]);
      all.push(weight);
    }
  }
  return { z: Float32Array.from(z), weights: all };
}

// Reconstruction, KL, ELBO = E_q[log p(x|z)] - KL and, of many draws, the IWAE bound.
export async function bound(model, x, breathe) {
  const q = model.encode(x), dims = model.latents;
  const { z, weights } = overQ(q, model.quadrature, model.draws);
  const joint = await inPieces(model, x, z, breathe);
  const kl = sum(klByLatent(q));
  const codes = weights.map((_, i) => z.subarray(i * dims, (i + 1) * dims));
  const reconstruction = sum(codes.map((c, i) => weights[i] * (joint[i] - logPrior(c))));
  const logWeights = codes.map((c, i) =>
    joint[i] - sum(Array.from(c, (v, d) => logNormal(v, q.mean[d], q.sigma[d]))));
  const iwae = logSumExp(logWeights) - Math.log(weights.length);
  return { q, reconstruction, kl, elbo: reconstruction - kl, iwae };
}

// log p(x, z) of many codes, with a breath now and then so that the page stays alive.
export async function inPieces(model, x, z, breathe = async () => {}, done = () => {}) {
  const count = z.length / model.latents, joint = new Float64Array(count);
  const piece = model.piece ?? 16;
  for (let first = 0; first < count; first += piece) {
    const some = Math.min(piece, count - first);
    const codes = z.subarray(first * model.latents, (first + some) * model.latents);
    joint.set(model.logJoint(x, codes, some), first);
    done((first + some) / count);
    await breathe();
  }
  return joint;
}

// A grid in a box of the latents `dims`, the others as in `code`: middles of n cells
// along each, the last of dims running fastest.
export function gridIn(box, n, dims, code) {
  const axes = dims.length, cells = new Float64Array(n ** axes * axes);
  for (let i = 0; i < cells.length; i++) {
    cells[i] = coordinate(box, n, i % axes, axes, Math.floor(i / axes));
  }
  return inSpace(cells, dims, code);
}

// A box around nearly all of the posterior over `dims`, and around q, from a box that is
// too large: cells are halved where a peak may be, until some forty fit along its side.
// At most about n cells for each axis at a time.
export async function boxAround(model, x, q, code, dims, box, n, breathe) {
  const side = ({ low, high }) => Math.max(...low.map((a, axis) => high[axis] - a));
  let step = Math.max(Math.min(side(box) / 24, 0.25), side(box) / n / 0.75);
  let cells = cellsIn(box, step), most = -Infinity;
  for (;;) {
    const joint = await inPieces(model, x, inSpace(cells, dims, code), breathe);
    for (const v of joint) most = Math.max(most, v);
    const found = roomy(around(cells, holding(joint, 0.98), step, dims.length), q, dims);
    const kept = [...joint.keys()].filter((i) => joint[i] > most - 8 - hidden(step));
    const fine = step <= Math.min(side(found) / 40, 0.04) || step < 1 / 1000;
    if (fine || kept.length * 2 ** dims.length > n ** dims.length) return found;
    cells = halved(cells, kept, step, dims.length);
    step /= 2;
  }
}

// Larger by a fifth on each side, where the light fades out, and with q in it
function roomy({ low, high }, q, dims) {
  const room = low.map((a, axis) => 0.2 * (high[axis] - a));
  return {
    low: dims.map((d, i) => Math.min(low[i] - room[i], q.mean[d] - 4 * q.sigma[d])),
    high: dims.map((d, i) => Math.max(high[i] + room[i], q.mean[d] + 4 * q.sigma[d])),
  };
}

// The fewest cells that hold a share of the mass
function holding(joint, share) {
  const order = [...joint.keys()].sort((i, j) => joint[j] - joint[i]);
  const total = logSumExp(joint);
  let mass = 0;
  return order.filter((i) => {
    const wanted = mass < share;
    mass += Math.exp(joint[i] - total);
    return wanted;
  });
}

// By how much a narrow peak may be lower at the middle of a cell, nats
function hidden(step) {
  return Math.min((step / 0.02) ** 2, 16);
}

// Codes with the latents `dims` as in the cells, the others as in `code`
function inSpace(cells, dims, code) {
  const count = cells.length / dims.length, z = new Float32Array(count * code.length);
  for (let i = 0; i < count; i++) {
    z.set(code, i * code.length);
    dims.forEach((d, axis) => { z[i * code.length + d] = cells[i * dims.length + axis]; });
  }
  return z;
}

// log p(x) by summing p(x, z) over cells, those that matter halved until the sum has
// settled; and a box around these. As vae_nb.exact_log_likelihood, in the page.
export async function integrate(model, x, q, { reach, breathe, tolerance = 0.003 }) {
  const dims = [...q.mean.keys()], axes = dims.length;
  const far = dims.map((d) => Math.max(reach, Math.abs(q.mean[d]) + 6 * q.sigma[d]));
  let step = 0.25, settled = -Infinity, value = -Infinity, changed = Infinity;
  let cells = cellsIn({ low: far.map((f) => -f), high: far }, step), joint, most = -Infinity;
  for (;;) {
    joint = await inPieces(model, x, Float32Array.from(cells), breathe);
    const area = axes * Math.log(step), before = value;
    value = logAdd(settled, logSumExp(joint) + area);
    changed = Math.abs(value - before);
    for (const v of joint) most = Math.max(most, v);
    const narrow = Math.min(Math.max(2 * Math.min(...q.sigma), 1 / 128), 1 / 32);
    const done = changed < tolerance && step <= narrow;
    const least = most - 12 - hidden(step);
    const kept = [], left = [];
    joint.forEach((v, i) => {
      const near = step > narrow && dims.every((d) =>
        Math.abs(cells[i * axes + d] - q.mean[d]) < 4 * q.sigma[d] + step);
      (near || v > least ? kept : left).push(i);
    });
    if (done || step < 1 / 1000 || kept.length * 2 ** axes > 40000) {
      return { logPx: value, error: changed, box: around(cells, kept, step, axes) };
    }
    settled = logAdd(settled, logSumExp(left.map((i) => joint[i])) + area);
    cells = halved(cells, kept, step, axes);
    step /= 2;
  }
}

// Middles of cells of one size that fill a box
function cellsIn({ low, high }, step) {
  const along = low.map((a, axis) => {
    const n = Math.ceil((high[axis] - a) / step), first = (a + high[axis] - (n - 1) * step) / 2;
    return Array.from({ length: n }, (_, i) => first + i * step);
  });
  return along.length === 1 ? along[0] : along[0].flatMap((a) => along[1].flatMap((b) => [a, b]));
}

function halved(cells, kept, step, axes) {
  const parts = [];
  for (const i of kept) {
    for (let corner = 0; corner < 2 ** axes; corner++) {
      for (let d = 0; d < axes; d++) {
        parts.push(cells[i * axes + d] + ((corner >> d) & 1 ? step / 4 : -step / 4));
      }
    }
  }
  return parts;
}

function around(cells, kept, step, axes) {
  const low = new Array(axes).fill(Infinity), high = new Array(axes).fill(-Infinity);
  for (const i of kept) {
    for (let d = 0; d < axes; d++) {
      low[d] = Math.min(low[d], cells[i * axes + d] - step);
      high[d] = Math.max(high[d], cells[i * axes + d] + step);
    }
  }
  return { low, high };
}

export function logAdd(a, b) {
  const most = Math.max(a, b);
  return most === -Infinity ? most : most + Math.log1p(Math.exp(-Math.abs(a - b)));
}

// The part of a box that is worth a look: the posterior down to e^-5, and q.
export function inView({ joint, box, n, dims }, q) {
  const low = dims.map((d) => q.mean[d] - 2.5 * q.sigma[d]);
  const high = dims.map((d) => q.mean[d] + 2.5 * q.sigma[d]);
  let most = -Infinity;
  for (const v of joint) most = Math.max(most, v);
  joint.forEach((value, i) => {
    if (value < most - 5) return;
    dims.forEach((_, axis) => {
      const z = coordinate(box, n, axis, dims.length, i);
      low[axis] = Math.min(low[axis], z);
      high[axis] = Math.max(high[axis], z);
    });
  });
  return { low, high };
}

// Where the i-th point of a grid is along an axis
export function coordinate({ low, high }, n, axis, axes, i) {
  const steps = axis === axes - 1 ? i % n : Math.floor(i / n);
  return low[axis] + (high[axis] - low[axis]) * (steps + 0.5) / n;
}

// What a grid tells of the posterior beside q: moments, peaks, and how much of it lies
// within two standard deviations of q.
export function compared(joint, box, n, q, dims) {
  const total = logSumExp(joint), axes = dims.length;
  const at = (i, axis) => coordinate(box, n, axis, axes, i);
  const mean = dims.map(() => 0), square = dims.map(() => 0);
  let product = 0, inside = 0;
  joint.forEach((value, i) => {
    const mass = Math.exp(value - total);
    let far = 0;
    dims.forEach((d, axis) => {
      const z = at(i, axis);
      mean[axis] += mass * z;
      square[axis] += mass * z * z;
      far += ((z - q.mean[d]) / q.sigma[d]) ** 2;
    });
    if (axes === 2) product += mass * at(i, 0) * at(i, 1);
    if (far < 4) inside += mass;
  });
  const sigma = square.map((s, axis) => Math.sqrt(Math.max(s - mean[axis] ** 2, 1e-12)));
  const correlation = axes === 2 ? (product - mean[0] * mean[1]) / (sigma[0] * sigma[1]) : 0;
  return { mean, sigma, correlation, inside, peaks: peaks(joint, n, axes) };
}

// Local maxima that are at least a tenth as high as the highest.
function peaks(joint, n, axes) {
  const most = joint.reduce((a, b) => Math.max(a, b), -Infinity);
  const rows = axes === 2 ? n : 1;
  let count = 0;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < n; column++) {
      const value = joint[row * n + column];
      if (value < most + Math.log(0.1)) continue;
      let highest = true;
      for (let y = Math.max(row - 1, 0); y <= Math.min(row + 1, rows - 1); y++) {
        for (let x = Math.max(column - 1, 0); x <= Math.min(column + 1, n - 1); x++) {
          const other = joint[y * n + x];
          const earlier = y * n + x < row * n + column; // of equals one counts
          if (other > value || (other === value && earlier)) highest = false;
        }
      }
      if (highest) count++;
    }
  }
  return count;
}
