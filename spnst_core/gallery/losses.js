// Loss curves: every term of the objective against the step, on a logarithmic scale, as an SVG in the page's colours.
"use strict";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 240, TOP = 12, BOTTOM = 30, LEFT = 46, RIGHT = 60, LABEL = 15;

function drawn(tag, attributes, text) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text != null) element.textContent = text;
  return element;
}

/** The terms that say something: those with a value above 0. */
const termsOf = history => Object.keys(history).filter(name => name !== "step" && name !== "stage" && history[name].some(value => value > 0));

function lossCurves(history, width) {
  const terms = termsOf(history), steps = history.step ?? [];
  const values = terms.flatMap(term => history[term].filter(value => value > 0));
  let low = Math.log10(Math.min(...values)), high = Math.log10(Math.max(...values));
  if (high - low < 0.5) [low, high] = [low - 0.25, high + 0.25];
  const first = steps[0], last = steps.at(-1);
  const x = step => LEFT + (width - LEFT - RIGHT) * (last > first ? (step - first) / (last - first) : 0.5);
  const y = value => TOP + (HEIGHT - TOP - BOTTOM) * (high - Math.log10(value)) / (high - low);
  const svg = drawn("svg", {viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img", "aria-label": inWordsOf(history, terms)});

  for (const tick of ticks(low, high)) {
    svg.append(drawn("line", {class: "rule", x1: LEFT, x2: width - RIGHT, y1: y(tick), y2: y(tick)}));
    svg.append(drawn("text", {class: "tick", x: LEFT - 8, y: y(tick) + 4, "text-anchor": "end"}, written10(tick)));
  }
  const stages = history.stage ?? [];
  for (let index = 1; index < stages.length; index++) {
    if (stages[index] === stages[index - 1]) continue;
    svg.append(drawn("line", {class: "stage", x1: x(steps[index]), x2: x(steps[index]), y1: TOP, y2: HEIGHT - BOTTOM}));
  }
  svg.append(drawn("text", {class: "tick", x: LEFT, y: HEIGHT - 8}, `step ${first}`));
  if (last > first) svg.append(drawn("text", {class: "tick", x: width - RIGHT, y: HEIGHT - 8, "text-anchor": "end"}, last));

  const ends = [];
  for (const term of terms) {
    let path = "", pen = "M", end = null;
    history[term].forEach((value, index) => {
      if (!(value > 0)) { pen = "M"; return; }
      path += `${pen}${x(steps[index]).toFixed(1)} ${y(value).toFixed(1)}`;
      pen = "L"; end = value;
    });
    svg.append(drawn("path", {class: `curve ${term}`, d: path}));
    ends.push({term, at: y(end)});
  }
  // Labels stand at the ends of their curves, moved apart where they would touch.
  ends.sort((a, b) => a.at - b.at);
  ends.forEach((end, place) => { end.at = Math.max(end.at, place ? ends[place - 1].at + LABEL : TOP + 4); });
  const lowest = HEIGHT - BOTTOM;
  for (let place = ends.length - 1; place >= 0; place--) {
    const limit = place === ends.length - 1 ? lowest : ends[place + 1].at - LABEL;
    ends[place].at = Math.min(ends[place].at, limit);
  }
  for (const {term, at} of ends) svg.append(drawn("text", {class: `label ${term}`, x: width - RIGHT + 8, y: at + 4}, term === "tv" ? "TV" : term));
  return svg;
}

/** Decades; between them 2 and 5 where there are few. */
function ticks(low, high) {
  const factors = high - low > 2.2 ? [1] : [1, 2, 5];
  const found = [];
  for (let decade = Math.floor(low); decade <= Math.ceil(high); decade++) {
    for (const factor of factors) {
      const tick = factor * 10 ** decade;
      if (Math.log10(tick) >= low - 1e-9 && Math.log10(tick) <= high + 1e-9) found.push(tick);
    }
  }
  const every = Math.ceil(found.length / 6);
  return found.filter((_, place) => place % every === 0);
}

const written10 = value => (value >= 1e-3 && value < 1e4 ? String(Number(value.toPrecision(2))) : value.toExponential(0).replace("e+", "e").replace("-", "−"));

function inWordsOf(history, terms) {
  const told = terms.map(term => {
    const known = history[term].filter(value => value != null);
    return `${term} from ${written(known[0])} to ${written(known.at(-1))}`;
  });
  return `Losses over ${history.step.at(-1)} steps: ${told.join(", ")}`;
}
