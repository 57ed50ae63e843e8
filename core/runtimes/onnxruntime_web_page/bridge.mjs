// What session.py calls in the page: bytes come and go as base64, in pieces.

import { decode, load, tensor, times } from './model.mjs';

let session;
let feed = {};
let parts = [];
let answers = [];

// The model's files were put into the page's file field, the one to open first.
export async function open(threads) {
  const [model, ...beside] = await Promise.all(
    [...document.getElementById('files').files].map(async (file) => ({
      path: file.name,
      data: new Uint8Array(await file.arrayBuffer()),
    })),
  );
  session = await load(model.data, threads, beside);
  return {
    inputs: session.inputMetadata.map(({ name, type }) => [name, type ?? '']),
    outputs: session.outputNames,
  };
}

export function part(base64) {
  parts.push(decode(base64));
}

// Makes an input of the parts that came.
export function input(name, type, shape) {
  const data = new Uint8Array(parts.reduce((size, each) => size + each.length, 0));
  parts.reduce((at, each) => (data.set(each, at), at + each.length), 0);
  parts = [];
  feed = { ...feed, [name]: tensor({ type, shape, data }) };
}

export async function run() {
  const found = await session.run(feed);
  answers = session.outputNames.map((name) => found[name]);
  return answers.map(({ type, dims, data }) => ({ type, shape: dims, bytes: data.byteLength }));
}

// A piece of an output, as base64.
export function take(index, from, to) {
  const { buffer, byteOffset, byteLength } = answers[index].data;
  const piece = new Uint8Array(buffer, byteOffset + from, Math.min(to, byteLength) - from);
  return new Promise((resolve) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(',') + 1));
    reader.readAsDataURL(new Blob([piece]));
  });
}

export function time(calls, settle) {
  return times(session, feed, calls, settle);
}
