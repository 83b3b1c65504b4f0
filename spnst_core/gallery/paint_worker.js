// Paints away from the page, which stays responsive. It is told first what to run, then what to paint.
"use strict";

const addressOf = text => URL.createObjectURL(new Blob([text], {type: "text/javascript"}));
const bytesOf = text => Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
const unpacked = data => new Response(new Blob([data]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();

const sessions = new Map();

async function start({script, module, code}) {
  importScripts(addressOf(script));
  ort.env.wasm.numThreads = 1; // more need headers that no page from disk has
  ort.env.wasm.wasmBinary = await unpacked(bytesOf(code));
  ort.env.wasm.wasmPaths = {mjs: addressOf(module)};
}

/** The pastiche of a picture, of values from 0 to 1 in three planes. */
async function paint({file, network, planes, height, width}) {
  if (!sessions.has(file)) sessions.set(file, await ort.InferenceSession.create(bytesOf(network)));
  const content = new ort.Tensor("float32", planes, [1, 3, height, width]);
  const {pastiche} = await sessions.get(file).run({content});
  return pastiche.data;
}

onmessage = async ({data}) => {
  try {
    if (data.script) {
      await start(data);
      postMessage({});
    } else {
      const planes = await paint(data);
      postMessage({planes}, [planes.buffer]);
    }
  } catch (error) {
    postMessage({error: String(error?.message ?? error)});
  }
};
