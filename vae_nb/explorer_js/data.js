// What Python packed: one deflated block of arrays, described by JSON beside it.

const KINDS = { uint8: Uint8Array, uint16: Uint16Array, float32: Float32Array };

function bytesOf(base64) {
  const text = atob(base64), bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

async function inflated(bytes) {
  const stream = new Blob([bytes]).stream();
  const plain = stream.pipeThrough(new DecompressionStream("deflate"));
  return new Response(plain).arrayBuffer();
}

// Half precision: 1 bit of sign, 5 of exponent, 10 of fraction. All that there are:
const HALVES = new Float32Array(65536);
for (let half = 0; half < 32768; half++) {
  const exponent = half >> 10, fraction = (half & 1023) / 1024;
  HALVES[half] = exponent ? 2 ** (exponent - 15) * (1 + fraction) : 2 ** -14 * fraction;
  HALVES[half | 32768] = -HALVES[half];
}

function widened(halves) {
  const wide = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) wide[i] = HALVES[halves[i]];
  return wide;
}

// From {name: {dtype, shape, offset}} and base64 to {name: typed array}.
export async function unpack(described, base64) {
  const buffer = await inflated(bytesOf(base64)), arrays = {};
  for (const [name, { dtype, shape, offset }] of Object.entries(described)) {
    const length = shape.reduce((a, b) => a * b, 1);
    arrays[name] = dtype === "float16"
      ? widened(new Uint16Array(buffer, offset, length))
      : new KINDS[dtype](buffer, offset, length);
  }
  return arrays;
}
