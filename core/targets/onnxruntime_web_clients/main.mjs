// Runs {model} in a page, on inputs of zeros: <script type="module" src="main.mjs"></script>
// `ort` beside the model's folder holds ONNX Runtime Web. Serve the files: browsers open no modules from disk.

import * as ort from '../ort/ort.wasm.bundle.min.mjs';

ort.env.wasm.numThreads = 1;
ort.env.wasm.wasmPaths = { wasm: new URL('../ort/ort-wasm-simd-threaded.wasm', import.meta.url).href };
const session = await ort.InferenceSession.create('../model/{model}', { executionProviders: ['wasm'] });
const arrays = { float32: Float32Array, float64: Float64Array, int64: BigInt64Array, int32: Int32Array };

const feed = {};
for (const { name, type, shape } of session.inputMetadata) {
  const sizes = shape.map((size) => (typeof size === 'number' ? size : 1)); // a free size, such as the batch
  const count = sizes.reduce((product, size) => product * size, 1);
  // Your data goes here, as many numbers as the shape has.
  feed[name] = new ort.Tensor(type, new (arrays[type] ?? Uint8Array)(count), sizes);
}

for (const [name, { dims }] of Object.entries(await session.run(feed))) console.log(`${name}: ${dims.join(' ')}`);
