// Paints a content of the visitor's own. Nothing leaves the page.
"use strict";

const {painters, sizes, chosen, smallest, runtime} = window.painting;
const found = id => document.getElementById(id);
const [file, drop, styles, size, status, result, before, after, save] =
  ["file", "drop", "styles", "size", "status", "result", "before", "after", "save"].map(found);

let content = null; // {image, name}
let shown = null; // the address of the pastiche
let turn = 0; // of the latest wish; earlier ones are given up
let queue = Promise.resolve();

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

for (const [place, {name, recipe, picture}] of painters.entries()) {
  const radio = make("input", {type: "radio", name: "style", value: place});
  radio.checked = place === 0;
  const twice = painters.filter(other => other.name === name).length > 1;
  const caption = make("span", {class: "name", dir: "auto", title: name}, twice ? `${name} · ${recipe}` : name);
  styles.append(make("label", {}, radio, ...(picture ? [make("img", {src: picture, alt: ""})] : []), caption));
}
for (const side of sizes) size.append(make("option", {value: side, ...(side === chosen ? {selected: ""} : {})}, `${side} px`));

/** Runs a script of this folder, once. */
const scripts = new Map();
function loaded(address) {
  if (!scripts.has(address)) {
    scripts.set(address, new Promise((done, failed) => {
      const script = make("script", {src: address});
      script.onload = done;
      script.onerror = () => failed(new Error(`${address} can't be read: copy the whole folder`));
      document.head.append(script);
    }));
  }
  return scripts.get(address);
}

const asked = (worker, message, moved = []) => new Promise((done, failed) => {
  worker.onmessage = ({data}) => (data.error ? failed(new Error(data.error)) : done(data));
  worker.onerror = event => failed(new Error(event.message));
  worker.postMessage(message, moved);
});

let worker = null;
function started() {
  worker ??= (async () => {
    await loaded(runtime);
    const made = new Worker(URL.createObjectURL(new Blob([window.runtime.worker], {type: "text/javascript"})));
    const {script, module, code} = window.runtime;
    await asked(made, {script, module, code});
    return made;
  })();
  worker.catch(() => (worker = null));
  return worker;
}

/** The content at the chosen size on white, or why it can't be painted. */
function drawn() {
  const {image} = content;
  const factor = Number(size.value) / Math.max(image.width, image.height);
  const [width, height] = [image.width, image.height].map(side => Math.max(1, Math.round(side * factor)));
  if (Math.min(width, height) < smallest) {
    throw new Error(`${content.name} would be ${width}×${height} px, and a painter needs ${smallest} px on each side: choose a larger size`);
  }
  const canvas = make("canvas", {width, height});
  const context = canvas.getContext("2d", {willReadFrequently: true});
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, width, height);
  return {canvas, context, width, height};
}

async function painted(mine) {
  const {canvas, context, width, height} = drawn();
  before.replaceChildren(canvas);
  const pixels = context.getImageData(0, 0, width, height), count = width * height;
  const planes = new Float32Array(3 * count);
  for (let place = 0; place < count; place++) {
    for (let channel = 0; channel < 3; channel++) planes[channel * count + place] = pixels.data[4 * place + channel] / 255;
  }
  const painter = painters[Number(document.querySelector("[name=style]:checked").value)];
  status.textContent = worker ? "Painting …" : "Starting …";
  await loaded(painter.file);
  const place = await started();
  if (mine !== turn) return;
  status.textContent = "Painting …";
  const began = performance.now();
  const answer = await asked(place, {file: painter.file, network: window.networks[painter.file], planes, height, width}, [planes.buffer]);
  if (mine !== turn) return;
  const seconds = (performance.now() - began) / 1000;
  for (let place = 0; place < count; place++) {
    for (let channel = 0; channel < 3; channel++) pixels.data[4 * place + channel] = Math.round(255 * answer.planes[channel * count + place]);
  }
  const picture = make("canvas", {width, height, role: "img", "aria-label": `${content.name} in the style of ${painter.name}`});
  picture.getContext("2d").putImageData(pixels, 0, 0);
  after.replaceChildren(picture);
  const data = await new Promise(done => picture.toBlob(done, "image/png"));
  if (shown) URL.revokeObjectURL(shown);
  save.href = shown = URL.createObjectURL(data);
  save.download = `${content.name.replace(/\.[^.]*$/, "")}-${painter.name}.png`;
  result.hidden = false;
  status.textContent = `${width}×${height} px, painted in ${seconds.toFixed(1)} s.`;
}

/** Paints what is chosen, after what is being painted. */
function paint() {
  if (!content) return;
  const mine = ++turn;
  queue = queue.then(() => (mine === turn ? painted(mine) : null)).catch(error => {
    if (mine === turn) status.textContent = `This can't be painted: ${error.message}.`;
  });
}

async function take(chosenFile) {
  if (!chosenFile) return;
  try {
    content = {image: await createImageBitmap(chosenFile), name: chosenFile.name};
    paint();
  } catch {
    status.textContent = `${chosenFile.name} isn't a picture that this browser can read.`;
  }
}

file.addEventListener("change", () => take(file.files[0]));
styles.addEventListener("change", paint);
size.addEventListener("change", paint);
for (const kind of ["dragenter", "dragover"]) {
  addEventListener(kind, event => {
    event.preventDefault();
    drop.classList.add("over");
  });
}
addEventListener("dragleave", event => event.relatedTarget || drop.classList.remove("over"));
addEventListener("drop", event => {
  event.preventDefault();
  drop.classList.remove("over");
  take(event.dataTransfer.files[0]);
});
