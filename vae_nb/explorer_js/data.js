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

// Half precision: 1 bit of sign, 5 of exponent, 10 of fraction.
function widened(half) {
  const wide = new Float32Array(half.length);
  for (let i = 0; i < half.length; i++) {
    const sign = half[i] & 0x8000 ? -1 : 1;
    const exponent = (half[i] >> 10) & 31, fraction = half[i] & 1023;
    wide[i] = sign * (exponent
      ? 2 ** (exponent - 15) * (1 + fraction / 1024)
      : 2 ** -14 * (fraction / 1024));
  }
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
