// What both pages share: elements, names of cells and how scores are written.
"use strict";

const gallery = window.gallery;
const [RECIPE, CONTENT, STYLE] = [0, 1, 2];
const keyOf = at => at.join(" ");
const cellsByKey = new Map(gallery.cells.map(cell => [keyOf(cell.at), cell]));
const gapsByKey = new Map(gallery.gaps.map(gap => [keyOf(gap.at), gap]));

/** A new element. Text children become text nodes, so that no name is ever read as markup. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.filter(child => child != null));
  return element;
}

/** A name on one line: cut with an ellipsis, whole in the tooltip, in its own direction. */
const named = (name, tag = "span") => make(tag, {class: "name", dir: "auto", title: name}, name);

const namesOf = at => ({
  recipe: gallery.recipes[at[RECIPE]].name,
  content: gallery.contents[at[CONTENT]].name,
  style: gallery.styles[at[STYLE]].name,
});

const addressOf = at => {
  const {recipe, content, style} = namesOf(at);
  return "cell.html#" + [recipe, content, style].map(encodeURIComponent).join("/");
};

const inWords = at => {
  const {recipe, content, style} = namesOf(at);
  return `${content} in the style of ${style}, by the recipe ${recipe}`;
};

/** Width and height in pixels of the copy that is shown, in which no pixel is invented. */
function shownAs(picture, {large = false} = {}) {
  const side = large || picture.thumbnail === picture.view ? gallery.sides.view : gallery.sides.thumbnail;
  const factor = Math.min(1, side / Math.max(picture.width, picture.height));
  return {width: Math.round(picture.width * factor), height: Math.round(picture.height * factor)};
}

/** The shape of a picture, and the size that the style sheet doesn't stretch it beyond: its copy's, or a lesser width. */
function extent(picture, {large = false, width: most = Infinity} = {}) {
  const {width, height} = shownAs(picture, {large});
  return `--ratio: ${width / height}; --most-width: ${Math.min(width, most)}px; --most-height: ${height}px`;
}

/** A picture that holds its place before it is loaded. */
function image(picture, alt, {large = false, eager = false} = {}) {
  return make("img", {
    src: large ? picture.view : picture.thumbnail, alt, width: picture.width, height: picture.height,
    style: extent(picture, {large}), loading: eager ? "eager" : "lazy", decoding: "async",
  });
}

/** Says above a box that scrolls sideways that there is more at its end, as long as there is. */
function hintAtMore(box) {
  const hint = make("p", {class: "more-hint", "aria-hidden": "true", hidden: true}, "more to the right →");
  box.before(hint);
  const look = () => {
    const more = box.scrollLeft + box.clientWidth < box.scrollWidth - 1;
    hint.hidden = box.scrollWidth <= box.clientWidth + 1;
    hint.classList.toggle("away", !more);
    box.classList.toggle("more", more);
  };
  box.addEventListener("scroll", look, {passive: true});
  new ResizeObserver(look).observe(box);
}

const arrow = metric => (metric.better === "lower" ? "↓" : "↑");

const explained = metric => (metric.unit ? `${metric.description} Unit: ${metric.unit}.` : metric.description);

/** A score with three significant digits, or a dash that carries the reason. */
function score(cell, place) {
  const value = cell.scores[place];
  if (value == null) {
    const reason = cell.missing[place];
    return make("span", {class: "absent", title: reason}, make("span", {"aria-hidden": "true"}, "–"), make("span", {class: "hidden"}, `missing: ${reason}`));
  }
  return make("span", {class: "score"}, written(value));
}

function written(value) {
  const size = Math.abs(value);
  const text = size !== 0 && (size < 1e-3 || size >= 1e5) ? value.toExponential(2) : Number(value.toPrecision(3)).toString();
  const padded = size >= 1e-3 && size < 100 ? value.toFixed(size < 10 ? 3 : 2) : text;
  return padded.replace("-", "−");
}

// The address holds what is shown, so a skip link moves the focus only.
document.querySelector(".skip").addEventListener("click", event => {
  event.preventDefault();
  document.querySelector("main").focus();
});
