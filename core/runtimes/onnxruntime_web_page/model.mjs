// Loads and runs a model with ONNX Runtime Web. The page and the measurement call the same lines.

import * as ort from './ort/ort.wasm.bundle.min.mjs';

const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  float16: globalThis.Float16Array ?? Uint16Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
};

// `model` is an address or bytes; `beside` lists files with weights as {path, data}. More than one thread
// needs a page that is cross-origin isolated.
export function load(model, threads, beside = []) {
  ort.env.wasm.numThreads = threads;
  ort.env.wasm.wasmPaths = { wasm: new URL('./ort/ort-wasm-simd-threaded.wasm', import.meta.url).href };
  return ort.InferenceSession.create(model, { executionProviders: ['wasm'], externalData: beside });
}

export function tensor({ type, shape, data }) {
  return new ort.Tensor(type, new ARRAYS[type](data.slice().buffer), shape);
}

export function decode(base64) {
  return Uint8Array.fromBase64?.(base64) ?? Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

// A page's clock has steps of 0.005 ms where it is cross-origin isolated, else of 0.1 ms.
const LEAST_STEPS = 40;
const STEP = globalThis.crossOriginIsolated ? 0.005 : 0.1;

// Milliseconds of each of `calls` calls, after others for `settle` milliseconds, one at least. Calls that are
// too short for the clock are timed several at once, and each is told with their mean.
export async function times(session, feed, calls, settle = 0) {
  const begin = performance.now();
  let before = 0;
  do {
    await session.run(feed);
    before += 1;
  } while (performance.now() < begin + settle);
  const mean = (performance.now() - begin) / before;
  const together = Math.max(1, Math.min(calls, Math.ceil((LEAST_STEPS * STEP) / Math.max(mean, STEP / 100))));
  const found = [];
  while (found.length < calls) {
    const count = Math.min(together, calls - found.length);
    const start = performance.now();
    for (let call = 0; call < count; call += 1) await session.run(feed);
    found.push(...Array(count).fill((performance.now() - start) / count));
  }
  return found;
}
