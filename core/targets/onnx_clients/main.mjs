// Runs {model} once on Node.js, on inputs of zeros: npm install onnxruntime-node && node main.mjs

import { fileURLToPath } from 'node:url';
import * as ort from 'onnxruntime-node';

const path = process.argv[2] ?? fileURLToPath(new URL('../model/{model}', import.meta.url));
const session = await ort.InferenceSession.create(path, { intraOpNumThreads: 1 });
const arrays = { float32: Float32Array, float64: Float64Array, int64: BigInt64Array, int32: Int32Array };

const feed = {};
for (const { name, type, shape } of session.inputMetadata) {
  const sizes = shape.map((size) => (typeof size === 'number' ? size : 1)); // a free size, such as the batch
  const count = sizes.reduce((product, size) => product * size, 1);
  // Your data goes here, as many numbers as the shape has.
  feed[name] = new ort.Tensor(type, new (arrays[type] ?? Uint8Array)(count), sizes);
}

for (const [name, { dims }] of Object.entries(await session.run(feed))) console.log(`${name}: ${dims.join(' ')}`);
