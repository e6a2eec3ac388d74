// What the decoder's numbers say of an image: the mean image, and log p(x|z) in nats.
// params are (height, width, channels * parameters), the parameters in whole blocks.

import { logSumExp } from "./mathematics.js";
import { softplus } from "./network.js";

const sigmoid = (x) => 1 / (1 + Math.exp(-x));
const logSigmoid = (x) => -softplus(-x);
const clipped = (mean) => Math.min(Math.max(mean, 0), 1);
const above = (floor, raw) => floor + softplus(raw - 2 - floor);

// Each takes the parameters of one pixel as an array.
const bernoulli = {
  parameters: 1,
  mean: ([logit]) => sigmoid(logit),
  logProb: (x, [logit]) => x * logit - softplus(logit),
};

const continuousBernoulli = {
  parameters: 1,
  mean([l]) {
    return Math.abs(l) < 0.1
      ? 0.5 + l / 12 - l ** 3 / 720
      : 0.5 + 0.5 / Math.tanh(l / 2) - 1 / l;
  },
  logProb(x, [l]) {
    const a = Math.abs(l);
    const far = Math.max(l, 0) + Math.log(-Math.expm1(-a)) - Math.log(a);
    return l * x - (a < 0.1 ? l / 2 + l ** 2 / 24 - l ** 4 / 2880 : far);
  },
};

const gaussian = {
  parameters: 2,
  mean: ([logit]) => sigmoid(logit),
  logProb(x, [logit, raw]) {
    const logSigma = above(-Math.log(255), raw);
    const standard = (x - sigmoid(logit)) * Math.exp(-logSigma);
    return -0.5 * standard ** 2 - logSigma - 0.5 * Math.log(2 * Math.PI);
  },
};

const discretizedLogistic = {
  parameters: 2,
  mean([location, raw]) {
    const m = (location + 1) / 2, s = Math.exp(above(-7, raw));
    return clipped(s * (softplus(m / s) - softplus((m - 1) / s)));
  },
  logProb(x, [location, raw]) {
    const m = (location + 1) / 2, inverse = Math.exp(-above(-7, raw));
    const level = Math.round(255 * x);
    const below = logSigmoid(((level + 0.5) / 255 - m) * inverse);
    const upper = logSigmoid(-((level - 0.5) / 255 - m) * inverse);
    if (level <= 0) return below;
    if (level >= 255) return upper;
    return below + upper + Math.log(-Math.expm1(-inverse / 255));
  },
};

// Three logits of weights, three locations, three raw scales.
const mixtureOfLogistics = {
  parameters: 9,
  mean(all) {
    const total = logSumExp(all.slice(0, 3));
    const means = parts(all).map((one, k) =>
      Math.exp(all[k] - total) * discretizedLogistic.mean(one));
    return clipped(means[0] + means[1] + means[2]);
  },
  logProb(x, all) {
    const each = parts(all).map((one, k) => all[k] + discretizedLogistic.logProb(x, one));
    return logSumExp(each) - logSumExp(all.slice(0, 3));
  },
};

const STARTS = [-0.5, 0, 0.5]; // of the locations
const parts = (all) => STARTS.map((start, k) => [all[3 + k] + start, all[6 + k]]);

export const LIKELIHOODS = {
  Bernoulli: bernoulli,
  BinarizedBernoulli: bernoulli,
  ContinuousBernoulli: continuousBernoulli,
  Gaussian: gaussian,
  DiscretizedLogistic: discretizedLogistic,
  MixtureOfLogistics: mixtureOfLogistics,
};

// Calls visit(place of the value, its parameters) for each value of an image.
function each({ parameters }, params, start, size, channels, visit) {
  const one = new Array(parameters);
  for (let i = 0; i < size; i++) {
    const channel = i % channels, first = start + parameters * (i - channel) + channel;
    for (let k = 0; k < parameters; k++) one[k] = params[first + k * channels];
    visit(i, one);
  }
}

// The mean image of the n-th set of params.
export function meanImage(likelihood, params, n, size, channels) {
  const image = new Float32Array(size), start = n * size * likelihood.parameters;
  each(likelihood, params, start, size, channels, (i, one) => {
    image[i] = likelihood.mean(one);
  });
  return image;
}

// log p(x|z) of an image under the n-th set of params.
export function logProb(likelihood, x, params, n, channels) {
  const start = n * x.length * likelihood.parameters;
  let sum = 0;
  each(likelihood, params, start, x.length, channels, (i, one) => {
    sum += likelihood.logProb(x[i], one);
  });
  return sum;
}
