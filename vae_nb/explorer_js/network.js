// A forward pass through a Keras model: the layers in order, each with what it is fed.
// Values are Float32Array of (batch, size), pixels as (height, width, channels).

const ACTIVATIONS = {
  linear: (x) => x,
  relu: (x) => Math.max(x, 0),
  relu6: (x) => Math.min(Math.max(x, 0), 6),
  leaky_relu: (x) => (x < 0 ? 0.2 * x : x),
  elu: (x) => (x < 0 ? Math.expm1(x) : x),
  selu: (x) => 1.0507009873554805 * (x < 0 ? 1.6732632423543772 * Math.expm1(x) : x),
  gelu: (x) => 0.5 * x * (1 + erf(x * Math.SQRT1_2)),
  silu: (x) => x / (1 + Math.exp(-x)),
  tanh: Math.tanh,
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  hard_sigmoid: (x) => Math.min(Math.max(x / 6 + 0.5, 0), 1),
  softplus,
  softsign: (x) => x / (1 + Math.abs(x)),
  exponential: Math.exp,
  log_sigmoid: (x) => -softplus(-x),
};

export function softplus(x) {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

// Abramowitz & Stegun 7.1.26 is too coarse: a series near 0, a fraction further out.
function erf(x) {
  const a = Math.abs(x);
  if (a > 6) return Math.sign(x);
  if (a < 2.5) {
    let term = a, sum = a;
    for (let n = 1; n < 60; n++) {
      term *= -a * a / n;
      sum += term / (2 * n + 1);
    }
    return Math.sign(x) * 2 / Math.sqrt(Math.PI) * sum;
  }
  let fraction = a;
  for (let n = 40; n > 0; n--) fraction = a + n / 2 / fraction;
  return Math.sign(x) * (1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / fraction);
}

// Four examples at a time: each weight is read once for all of them.
function dense(x, batch, { units, kernel, bias }) {
  const inputs = kernel.length / units, out = new Float32Array(batch * units);
  let first = 0;
  for (; first + 4 <= batch; first += 4) {
    const a = first * inputs, b = a + inputs, c = b + inputs, d = c + inputs;
    for (let o = 0; o < units; o++) {
      let p = 0, q = 0, r = 0, s = 0;
      for (let i = 0, w = o * inputs; i < inputs; i++, w++) {
        const weight = kernel[w];
        p += weight * x[a + i];
        q += weight * x[b + i];
        r += weight * x[c + i];
        s += weight * x[d + i];
      }
      const at = first * units + o, add = bias ? bias[o] : 0;
      out[at] = p + add;
      out[at + units] = q + add;
      out[at + 2 * units] = r + add;
      out[at + 3 * units] = s + add;
    }
  }
  for (; first < batch; first++) {
    for (let o = 0; o < units; o++) {
      let sum = bias ? bias[o] : 0;
      for (let i = 0, w = o * inputs, a = first * inputs; i < inputs; i++) {
        sum += kernel[w + i] * x[a + i];
      }
      out[first * units + o] = sum;
    }
  }
  return out;
}

// out += each of the inputs at a place, times the row of weights that it has for a tap
function spread(x, at, inputs, kernel, tap, out, to, filters) {
  for (let i = 0; i < inputs; i++) {
    const value = x[at + i];
    if (value === 0) continue; // after a relu half of them are
    for (let f = 0, w = (tap * inputs + i) * filters; f < filters; f++) {
      out[to + f] += value * kernel[w + f];
    }
  }
}

function begun(batch, [height, width, filters], bias) {
  const out = new Float32Array(batch * height * width * filters);
  if (bias) for (let i = 0; i < out.length; i += filters) out.set(bias, i);
  return out;
}

// How far the first tap lies before the first place of the larger picture.
function padded(large, small, kernel, stride, padding, dilation = 1) {
  if (padding === "valid") return 0;
  const reach = (kernel - 1) * dilation + 1;
  return Math.floor(Math.max((small - 1) * stride + reach - large, 0) / 2);
}

function conv2d(x, batch, layer) {
  const { input: [h, w, inputs], shape: [H, W, filters], kernel, bias } = layer;
  const { size: [kh, kw], strides: [sh, sw], dilation: [dh, dw], padding } = layer;
  const top = padded(h, H, kh, sh, padding, dh), left = padded(w, W, kw, sw, padding, dw);
  const out = begun(batch, layer.shape, bias);
  for (let place = 0; place < batch * H * W; place++) {
    const X = place % W, Y = Math.floor(place / W) % H, n = Math.floor(place / W / H);
    for (let tap = 0; tap < kh * kw; tap++) {
      const row = Y * sh + Math.floor(tap / kw) * dh - top;
      const column = X * sw + (tap % kw) * dw - left;
      if (row < 0 || row >= h || column < 0 || column >= w) continue;
      const at = ((n * h + row) * w + column) * inputs;
      spread(x, at, inputs, kernel, tap, out, place * filters, filters);
    }
  }
  return out;
}

function conv2dTranspose(x, batch, layer) {
  const { input: [h, w, inputs], shape: [H, W, filters], kernel, bias } = layer;
  const { size: [kh, kw], strides: [sh, sw], padding } = layer;
  const top = padded(H, h, kh, sh, padding), left = padded(W, w, kw, sw, padding);
  const out = begun(batch, layer.shape, bias);
  for (let place = 0; place < batch * h * w; place++) {
    const X = place % w, Y = Math.floor(place / w) % h, n = Math.floor(place / w / h);
    for (let tap = 0; tap < kh * kw; tap++) {
      const row = Y * sh + Math.floor(tap / kw) - top, column = X * sw + (tap % kw) - left;
      if (row < 0 || row >= H || column < 0 || column >= W) continue;
      const to = ((n * H + row) * W + column) * filters;
      spread(x, place * inputs, inputs, kernel, tap, out, to, filters);
    }
  }
  return out;
}

// sin and cos of random projections
function fourierFeatures(x, batch, { units, kernel }) {
  const phases = dense(x, batch, { units, kernel });
  const out = new Float32Array(2 * phases.length);
  for (let n = 0; n < batch; n++) {
    for (let i = 0; i < units; i++) {
      const phase = phases[n * units + i];
      out[2 * n * units + i] = Math.sin(phase);
      out[(2 * n + 1) * units + i] = Math.cos(phase);
    }
  }
  return out;
}

// Each place of the output is a place of the input: cropping, repeating, padding.
function moved(x, batch, { input: [h, w, c], shape: [H, W] }, from) {
  const out = new Float32Array(batch * H * W * c);
  for (let n = 0; n < batch; n++) {
    for (let Y = 0; Y < H; Y++) {
      for (let X = 0; X < W; X++) {
        const [row, column] = from(Y, X);
        if (row < 0 || row >= h || column < 0 || column >= w) continue;
        const at = ((n * h + row) * w + column) * c;
        out.set(x.subarray(at, at + c), ((n * H + Y) * W + X) * c);
      }
    }
  }
  return out;
}

// Axes in another order, counted from 1.
function permuted(x, batch, { input, order }) {
  const out = new Float32Array(x.length), size = x.length / batch;
  let places = [0]; // where each value of an example comes from
  for (const axis of order) {
    const step = input.slice(axis).reduce((a, b) => a * b, 1);
    const along = Array.from({ length: input[axis - 1] }, (_, i) => i * step);
    places = places.flatMap((place) => along.map((more) => place + more));
  }
  for (let i = 0; i < out.length; i++) {
    out[i] = x[i - i % size + places[i % size]];
  }
  return out;
}

function sharedScale(x, batch, { scale }) {
  const c = scale.length, out = new Float32Array(2 * x.length);
  for (let i = 0; i < x.length; i += c) {
    out.set(x.subarray(i, i + c), 2 * i);
    out.set(scale, 2 * i + c);
  }
  return out;
}

// Batch normalisation, folded by Python into a factor and a shift for each channel.
function affine(x, batch, { factor, shift }) {
  return x.map((value, i) => value * factor[i % factor.length] + shift[i % shift.length]);
}

function combined(inputs, f) {
  return inputs[0].map((_, i) => inputs.map((x) => x[i]).reduce(f));
}

// The last axes of several inputs, one after another
function concatenated(inputs, batch, { shape }) {
  const channels = shape[shape.length - 1];
  const places = batch * shape.slice(0, -1).reduce((a, b) => a * b, 1);
  const out = new Float32Array(places * channels);
  let before = 0;
  for (const x of inputs) {
    const width = x.length / places;
    for (let i = 0; i < places; i++) {
      out.set(x.subarray(i * width, (i + 1) * width), i * channels + before);
    }
    before += width;
  }
  return out;
}

const MERGES = {
  add: (inputs) => combined(inputs, (a, b) => a + b),
  multiply: (inputs) => combined(inputs, (a, b) => a * b),
  concatenate: concatenated,
};

const LAYERS = {
  dense,
  conv2d,
  conv2d_transpose: conv2dTranspose,
  fourier_features: fourierFeatures,
  shared_scale: sharedScale,
  affine,
  same: (x) => x,
  crop: (x, batch, layer) => moved(x, batch, layer,
    (Y, X) => [Y + layer.start[0], X + layer.start[1]]),
  repeat: (x, batch, layer) => moved(x, batch, layer,
    (Y, X) => [Math.floor(Y / layer.times[0]), Math.floor(X / layer.times[1])]),
  permute: permuted,
};

function activated(values, name) {
  if (!name || name === "linear") return values;
  const f = ACTIVATIONS[name];
  for (let i = 0; i < values.length; i++) values[i] = f(values[i]);
  return values;
}

// The outputs of a network, one array each, for a batch of inputs.
export function run(network, input, batch = 1) {
  const values = [input];
  for (const layer of network.layers) {
    const inputs = layer.from.map((i) => values[i]);
    if (layer.kind in MERGES) {
      values.push(MERGES[layer.kind](inputs, batch, layer));
      continue;
    }
    const shared = layer.kind === "same" && layer.activation; // would be changed in place
    const out = LAYERS[layer.kind](shared ? inputs[0].slice() : inputs[0], batch, layer);
    values.push(activated(out, layer.activation));
  }
  return network.outputs.map((i) => values[i]);
}

// The network as Python describes it, with its weights in place of their names.
export function withWeights(described, arrays) {
  const layers = described.layers.map((layer) => {
    const named = Object.entries(layer.weights);
    return { ...layer, ...Object.fromEntries(named.map(([k, name]) => [k, arrays[name]])) };
  });
  return { ...described, layers };
}
