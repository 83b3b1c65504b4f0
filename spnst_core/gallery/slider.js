// Two pictures in one frame, with a line between them that can be moved.
"use strict";

let split = 50;

/**
 * The content, or another recipe's pastiche, over the cell's own. The frame is a range input, so that mouse, touch and
 * keys all move the line.
 *
 * `pictures` are those that `comparable` lists, the cell's own first. All have the shape of the cell's own.
 */
function sliderOf([own, ...befores]) {
  let before = befores[0];
  const under = make("img", {class: "after", decoding: "async"}), over = make("img", {class: "before", decoding: "async"});
  const left = make("span", {class: "tag left", "aria-hidden": "true", dir: "auto"}), right = make("span", {class: "tag right", "aria-hidden": "true", dir: "auto"});
  const range = make("input", {type: "range", min: 0, max: 100, step: 0.5, id: "split"});
  const frame = make("div", {class: "frame", style: extent(own.layers.picture, {large: true})},
    under, over, make("span", {class: "line", "aria-hidden": "true"}), left, right, range);
  const originals = make("p", {class: "originals"});
  const move = () => {
    split = Number(range.value);
    frame.style.setProperty("--split", `${split}%`);
    range.setAttribute("aria-valuetext", `${Math.round(split)} % ${before.name}, ${Math.round(100 - split)} % ${own.name}`);
    left.classList.toggle("away", split < 15);
    right.classList.toggle("away", split > 85);
  };
  const show = layer => {
    const what = layer === "picture" ? "" : `${layer} of `;
    [over.src, under.src] = [before.layers[layer].view, own.layers[layer].view];
    [over.alt, under.alt] = [what + before.words, what + own.words];
    [left.textContent, right.textContent] = [before.name, own.name];
    range.setAttribute("aria-label", `How much of ${what}${before.name} covers ${what}the pastiche`);
    originals.replaceChildren("full size: ", make("a", {href: before.layers[layer].original, dir: "auto"}, before.name), " · ",
      make("a", {href: own.layers[layer].original, dir: "auto"}, own.name));
    move();
  };
  range.value = split;
  range.addEventListener("input", move);

  const choice = make("select", {id: "before"}, ...befores.map(({name}, place) => make("option", {value: place}, name)));
  const control = befores.length > 1 ? make("label", {class: "choice"}, make("span", {}, "Beside"), " ", choice) : null;
  return {
    body: make("div", {}, frame, originals), control, show,
    has: layer => Boolean(before.layers[layer] && own.layers[layer]),
    listen: changed => choice.addEventListener("change", () => { before = befores[Number(choice.value)]; changed(); }),
  };
}
