// What index.html shows: whether the model answers here as it did when it was measured, and how fast.

import { decode, load, tensor, times } from './model.mjs';

const SECONDS = 2;

const read = async (name) => (await fetch(name)).json();

function show(name, text) {
  document.getElementById(name).textContent = text;
}

// The largest difference of an output by the largest of its values.
function difference(ours, theirs, type) {
  let gap = 0;
  let scale = 1e-6;
  let others = 0;
  for (let index = 0; index < theirs.length; index += 1) {
    const apart = Math.abs(Number(ours[index]) - Number(theirs[index]));
    gap = Math.max(gap, Number.isNaN(apart) ? Infinity : apart);
    scale = Math.max(scale, Math.abs(Number(theirs[index])));
    others += apart > 0 ? 1 : 0;
  }
  const whole = !type.startsWith('float');
  // Classes jump by whole numbers where a score lies on the border: what counts is how many do.
  return whole && theirs.length ? Math.min(gap / scale, others / theirs.length) : gap / scale;
}

async function main() {
  const manifest = await read('manifest.json');
  const golden = await read('golden.json');
  show('name', manifest.name);
  const files = Object.keys(manifest.sha256).filter((name) => name.startsWith('model/'));
  const beside = files.filter((name) => name !== manifest.model && !name.endsWith('.config'));
  const start = performance.now();
  const session = await load(
    manifest.model,
    globalThis.crossOriginIsolated ? manifest.threads : 1,
    beside.map((name) => ({ path: name.slice('model/'.length), data: name })),
  );
  show('load', `${(performance.now() - start).toFixed(0)} ms`);

  let worst = 0;
  let feed = {};
  for (const sample of golden) {
    const given = sample.inputs.map((each) => tensor({ ...each, data: decode(each.data) }));
    const places = session.inputNames.map((name) => manifest.inputs.indexOf(name));
    const named = places.every((place) => place >= 0); // else a conversion renamed them, in the same order
    feed = Object.fromEntries(session.inputNames.map((name, at) => [name, given[named ? places[at] : at]]));
    const answers = await session.run(feed);
    sample.outputs.forEach((each, index) => {
      const wanted = tensor({ ...each, data: decode(each.data) });
      const found = answers[session.outputNames[index]];
      const same = found.dims.length === wanted.dims.length && found.data.length === wanted.data.length;
      worst = Math.max(worst, same ? difference(found.data, wanted.data, wanted.type) : Infinity);
    });
  }
  const [first] = await times(session, feed, 1, 50);
  const calls = Math.max(5, Math.ceil((1000 * SECONDS) / Math.max(first, 0.1)));
  const found = await times(session, feed, calls, 50);
  const median = found.sort((a, b) => a - b)[Math.floor(found.length / 2)];
  const there = manifest.latency_ms ? `, ${manifest.latency_ms.toPrecision(3)} ms where it was measured` : '';
  show('time', `${median.toPrecision(3)} ms here${there}`);
  const samples = golden.length === 1 ? '1 golden sample' : `${golden.length} golden samples`;
  show('outputs', `at most ${(100 * worst).toFixed(4)} % of the range apart, of ${samples}`);
  const fine = worst <= manifest.tolerance;
  show('verdict', fine ? 'The model works in this browser.' : 'The outputs differ in this browser.');
  document.body.dataset.verdict = fine ? 'same' : 'different';
}

main().catch((error) => {
  show('verdict', `It does not run here: ${error.message}`);
  document.body.dataset.verdict = 'failed';
});
