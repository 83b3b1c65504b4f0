// A cell's page: its pictures under a slider, maps, scores beside other recipes, loss curves and provenance.
"use strict";

const main = document.getElementById("main");
const sequence = gallery.cells;

function shown() {
  const names = location.hash.slice(1).split("/").map(part => { try { return decodeURIComponent(part); } catch { return part; } });
  const at = ["recipes", "contents", "styles"].map((kind, place) => gallery[kind].findIndex(entry => entry.name === names[place]));
  return at.includes(-1) ? null : at;
}

function draw() {
  const at = shown();
  document.getElementById("previous").hidden = document.getElementById("next").hidden = true;
  document.getElementById("place").textContent = "";
  if (!at) {
    main.replaceChildren(make("h1", {}, "No such pastiche"), make("p", {}, "The address names no cell of this gallery. ", make("a", {href: "index.html"}, "See all")));
    return;
  }
  const names = namesOf(at), cell = cellsByKey.get(keyOf(at));
  document.title = `${names.content} × ${names.style} · ${names.recipe}`;
  steps(at);
  const heading = make("header", {class: "heading"},
    make("h1", {title: `${names.content} × ${names.style}`}, make("bdi", {}, names.content), " ", make("span", {class: "times"}, "×"), " ", make("bdi", {}, names.style)),
    make("p", {class: "lede"}, make("bdi", {}, names.recipe), gallery.recipes[at[RECIPE]].description ? make("span", {dir: "auto"}, gallery.recipes[at[RECIPE]].description) : null));
  if (!cell) {
    const {reason} = gapsByKey.get(keyOf(at));
    main.replaceChildren(heading, make("div", {class: "gap large"}, make("span", {dir: "auto"}, reason)), others(at) ?? "");
    return;
  }
  const losses = make("section", {class: "losses", hidden: true}), provenance = make("section", {class: "provenance", hidden: true});
  main.replaceChildren(heading,
    make("div", {class: "columns"},
      make("div", {}, comparison(at, cell), film(cell), maps(at, cell), losses),
      make("div", {}, styleOf(at), scores(at), others(at), provenance)));
  withDetails(cell, details => {
    drawLosses(losses, details.history);
    drawProvenance(provenance, details.provenance);
  });
}

// ------------------------------------------------------------------------------------------- previous and next

function steps(at) {
  const row = sequence.filter(cell => cell.at[RECIPE] === at[RECIPE]);
  const key = ({at: place}) => place[CONTENT] * gallery.styles.length + place[STYLE];
  const before = row.filter(cell => key(cell) < key({at})).at(-1), after = row.find(cell => key(cell) > key({at}));
  const number = row.findIndex(cell => keyOf(cell.at) === keyOf(at)) + 1;
  document.getElementById("place").textContent = number ? `${number} of ${row.length}` : "";
  for (const [id, cell] of [["previous", before], ["next", after]]) {
    const link = document.getElementById(id);
    link.hidden = !cell;
    if (!cell) continue;
    link.href = addressOf(cell.at);
    link.title = `${inWords(cell.at)} (${id === "next" ? "right" : "left"} arrow key)`;
    new Image().src = cell.picture.view;
  }
}

addEventListener("keydown", event => {
  const id = {ArrowLeft: "previous", ArrowRight: "next"}[event.key];
  if (!id || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
  if (event.target.closest("input, select, video, .scroll")) return;
  const link = document.getElementById(id);
  if (!link.hidden) { event.preventDefault(); location.replace(link.href); }
});

// ------------------------------------------------------------------------------------------------- the slider

const LAYERS = {picture: "picture", depth: "depth", edges: "edges"};
let layer = "picture", split = 50;

/** Before and after in one frame. The frame is a range input, so that mouse, touch and keys all move the line. */
function comparison(at, cell) {
  const names = namesOf(at), content = gallery.contents[at[CONTENT]];
  const rivals = gallery.recipes.flatMap((_, recipe) => {
    const rival = recipe !== at[RECIPE] && cellsByKey.get(keyOf([recipe, at[CONTENT], at[STYLE]]));
    return rival ? [[gallery.recipes[recipe].name, rival]] : [];
  });
  const befores = [["content", {picture: content.picture, depth: content.depth, edges: content.edges}], ...rivals];
  let before = befores[0];
  const available = () => Object.keys(LAYERS).filter(name => before[1][name] && cell[name]);

  const under = make("img", {class: "after", decoding: "async"}), over = make("img", {class: "before", decoding: "async"});
  const left = make("span", {class: "tag left", "aria-hidden": "true", dir: "auto"}), right = make("span", {class: "tag right", "aria-hidden": "true", dir: "auto"});
  const range = make("input", {type: "range", min: 0, max: 100, step: 0.5, id: "split"});
  const {width, height} = cell.picture;
  const frame = make("div", {class: "frame", style: `aspect-ratio: ${width} / ${height}; --ratio: ${width / height}`},
    under, over, make("span", {class: "line", "aria-hidden": "true"}), left, right, range);
  const move = () => {
    split = Number(range.value);
    frame.style.setProperty("--split", `${split}%`);
    range.setAttribute("aria-valuetext", `${Math.round(split)} % ${before[0]}, ${Math.round(100 - split)} % ${names.recipe}`);
    left.classList.toggle("away", split < 15);
    right.classList.toggle("away", split > 85);
  };
  const original = make("p", {class: "originals"});
  const show = () => {
    if (!available().includes(layer)) layer = available()[0] ?? "picture";
    const what = layer === "picture" ? "" : `${layer} of `;
    [over.src, under.src] = [before[1][layer].view, cell[layer].view];
    over.alt = before === befores[0] ? `${what}the content ${names.content}` : `${what}${names.content} in the style of ${names.style}, by the recipe ${before[0]}`;
    under.alt = what + inWords(at);
    left.textContent = before[0]; right.textContent = names.recipe;
    range.setAttribute("aria-label", `How much of ${what}${before[0]} covers ${what}the pastiche`);
    for (const radio of layers.querySelectorAll("input")) {
      radio.checked = radio.value === layer;
      radio.disabled = !available().includes(radio.value);
    }
    original.replaceChildren("full size: ", make("a", {href: before[1][layer].original, dir: "auto"}, before[0]), " · ",
      make("a", {href: cell[layer].original, dir: "auto"}, names.recipe), " · ", make("a", {href: gallery.styles[at[STYLE]].picture.original}, "style"));
    move();
  };
  range.value = split;
  range.addEventListener("input", move);
  const layers = make("fieldset", {class: "tabs small"}, make("legend", {class: "hidden"}, "Shown"),
    ...Object.entries(LAYERS).map(([value, text]) => make("label", {}, make("input", {type: "radio", name: "layer", value}), make("span", {}, text))));
  layers.addEventListener("change", event => { layer = event.target.value; show(); });
  const choice = make("select", {id: "before"}, ...befores.map(([name], place) => make("option", {value: place}, name)));
  choice.addEventListener("change", () => { before = befores[Number(choice.value)]; show(); });
  const controls = make("div", {class: "controls"},
    cell.depth || cell.edges ? layers : null,
    befores.length > 1 ? make("label", {class: "choice"}, make("span", {}, "Beside"), " ", choice) : null);
  show();
  return make("section", {class: "comparison", "aria-label": "Before and after"}, frame, controls, original);
}

// ---------------------------------------------------------------------------------------------------- the rest

function film(cell) {
  if (!cell.video) return null;
  return make("section", {class: "film"}, make("h2", {}, "Film"),
    make("video", {src: cell.video, poster: cell.picture.view, controls: true, muted: true, loop: true, playsinline: true, preload: "none", "aria-label": "The pastiche as it was made"}));
}

function maps(at, cell) {
  const content = gallery.contents[at[CONTENT]], {content: name} = namesOf(at);
  const pairs = [["depth", content.depth, cell.depth], ["edges", content.edges, cell.edges]].filter(([, first, second]) => first || second);
  if (!pairs.length) return null;
  return make("section", {class: "maps", "aria-label": "Depth and edges"}, ...pairs.flatMap(([word, first, second]) => [
    [first, `${word} of the content`, `${word} of the content ${name}`],
    [second, `${word} of the pastiche`, `${word} of ${inWords(at)}`],
  ].flatMap(([map, caption, alt]) => map ? [make("figure", {}, make("a", {href: map.original}, image(map, alt, {large: true})), make("figcaption", {}, caption))] : [])));
}

function styleOf(at) {
  const {name, picture} = gallery.styles[at[STYLE]];
  return make("figure", {class: "style"}, make("a", {href: picture.original}, image(picture, `The style ${name}`, {eager: true})), make("figcaption", {}, named(name)));
}

/** This recipe's scores, and those of the others on the same content and style; the best is marked, and so is every one that reads the same. */
function scores(at) {
  if (!gallery.metrics.length) return null;
  const columns = [at[RECIPE], ...gallery.recipes.keys()].filter((recipe, place, all) => all.indexOf(recipe) === place)
    .map(recipe => [recipe, cellsByKey.get(keyOf([recipe, at[CONTENT], at[STYLE]]))]).filter(([, cell]) => cell);
  const reasons = new Map();
  const row = (metric, place) => {
    const known = columns.map(([, cell]) => cell.scores[place]).filter(value => value != null);
    const best = metric.better === "lower" ? Math.min(...known) : Math.max(...known);
    return make("tr", {}, make("th", {scope: "row", title: explained(metric)}, make("bdi", {}, metric.label), " ",
      make("span", {class: "faint", title: `${metric.better} is better`}, make("span", {"aria-hidden": "true"}, arrow(metric)), make("span", {class: "hidden"}, `${metric.better} is better`))),
      ...columns.map(([, cell]) => {
        const value = cell.scores[place];
        if (value == null) reasons.set(metric.label, cell.missing[place]);
        return make("td", {class: columns.length > 1 && value != null && written(value) === written(best) ? "best" : null}, score(cell, place));
      }));
  };
  const groups = [[false, "Independent judges", "The optimiser never saw them"], [true, "Seen by the optimiser", "It minimised these, or close relatives"]].map(([seen, label, title]) => {
    const rows = gallery.metrics.flatMap((metric, place) => metric.seen === seen ? [row(metric, place)] : []);
    return rows.length ? make("tbody", {}, make("tr", {class: "group"}, make("th", {colspan: columns.length + 1, scope: "rowgroup", title}, label)), ...rows) : null;
  });
  const head = make("thead", {}, make("tr", {}, make("th", {}, make("span", {class: "hidden"}, "Metric")), ...columns.map(([recipe]) => make("th", {scope: "col"}, named(gallery.recipes[recipe].name)))));
  return make("section", {class: "scores"}, make("h2", {}, "Scores"),
    make("div", {class: "scroll"}, make("table", {class: "figures"}, head, ...groups.filter(group => group))),
    reasons.size ? make("p", {class: "faint"}, ...[...reasons].map(([label, reason]) => make("span", {class: "reason", dir: "auto"}, `– ${label}: ${reason}`))) : null);
}

function others(at) {
  const links = gallery.recipes.flatMap((entry, recipe) => {
    if (recipe === at[RECIPE]) return [];
    const place = [recipe, at[CONTENT], at[STYLE]], cell = cellsByKey.get(keyOf(place));
    if (!cell) return [make("li", {}, make("div", {class: "gap", title: gapsByKey.get(keyOf(place)).reason}, make("span", {dir: "auto"}, gapsByKey.get(keyOf(place)).reason)), named(entry.name))];
    return [make("li", {}, make("a", {class: "tile", href: addressOf(place)}, image(cell.picture, inWords(place))), named(entry.name))];
  });
  return links.length ? make("section", {class: "others"}, make("h2", {}, "By other recipes"), make("ul", {}, ...links)) : null;
}

/** Loads a cell's details, a script of its own: pages opened from disk can fetch nothing else. */
function withDetails(cell, use) {
  const current = location.hash;
  const ready = () => { const details = window.details?.[cell.details]; if (details && location.hash === current) use(details); };
  if (window.details?.[cell.details]) return ready();
  const script = make("script", {src: cell.details});
  script.addEventListener("load", ready);
  document.head.append(script);
}

function drawLosses(section, history) {
  if (!termsOf(history).length) return;
  section.hidden = false;
  const box = make("div", {class: "curves"});
  const staged = new Set(history.stage).size > 1;
  section.replaceChildren(make("h2", {}, "Losses"), box, staged ? make("p", {class: "faint"}, "Each term before it is weighted, and their weighted total. At a dotted line a new stage begins.") : "");
  new ResizeObserver(() => { if (box.clientWidth) box.replaceChildren(lossCurves(history, box.clientWidth)); }).observe(box);
}

function drawProvenance(section, provenance) {
  const entries = Object.entries(provenance);
  if (!entries.length) return;
  section.hidden = false;
  section.replaceChildren(make("h2", {}, "Provenance"), make("dl", {}, ...entries.flatMap(([label, text]) => [make("dt", {dir: "auto"}, label), make("dd", {dir: "auto"}, text)])));
}

addEventListener("hashchange", draw);
if (document.referrer.includes("index.html")) document.getElementById("back").addEventListener("click", event => { event.preventDefault(); history.back(); });
draw();
