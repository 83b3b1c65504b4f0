// A cell's page: its picture beside others, maps, scores beside other recipes, loss curves and provenance.
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
      comparison(at, cell),
      make("div", {class: "rest"}, maps(at, cell), film(cell), losses),
      make("div", {class: "aside"}, styleOf(at), scores(at), others(at), provenance)));
  for (const box of main.querySelectorAll(".scroll")) hintAtMore(box);
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
  if (event.target.closest("input, select, video, .scroll, .pane.zoomed")) return;
  const link = document.getElementById(id);
  if (!link.hidden) { event.preventDefault(); location.replace(link.href); }
});

// ------------------------------------------------------------------------------------- the pictures, two or more

const MODES = {slider: "slider", panes: "side by side"}, LAYERS = ["picture", "depth", "edges"];
let mode = "slider", layer = "picture";

/** What the cell can be compared with, the cell's own picture first, each with its maps. */
function comparable(at, cell) {
  const names = namesOf(at), content = gallery.contents[at[CONTENT]];
  const rivals = gallery.recipes.flatMap((recipe, place) => {
    const rival = place !== at[RECIPE] && [place, at[CONTENT], at[STYLE]], found = rival && cellsByKey.get(keyOf(rival));
    return found ? [{key: `recipe ${place}`, name: recipe.name, words: inWords(rival), layers: found}] : [];
  });
  return {
    own: {key: `recipe ${at[RECIPE]}`, name: names.recipe, words: inWords(at), layers: cell},
    content: {key: "content", name: "content", words: `the content ${names.content}`, layers: content},
    style: {key: "style", name: "style", words: `the style ${names.style}`, layers: {picture: gallery.styles[at[STYLE]].picture}},
    rivals,
  };
}

/** The cell's picture and others: under a slider, or side by side. */
function comparison(at, cell) {
  const {own, content, style, rivals} = comparable(at, cell);
  const views = {slider: sliderOf([own, content, ...rivals]), panes: panesOf([content, own, ...rivals, style], cell.picture.width)};
  const body = make("div", {}), control = make("div", {class: "of-view"});
  const radios = (name, values, words, picked) => {
    const inputs = values.map(value => make("input", {type: "radio", name, value}));
    const field = make("fieldset", {class: "tabs small"}, make("legend", {class: "hidden"}, words),
      ...inputs.map((input, place) => make("label", {}, input, make("span", {}, MODES[values[place]] ?? values[place]))));
    field.addEventListener("change", event => { picked(event.target.value); show(); });
    return {field, inputs};
  };
  const modes = radios("mode", Object.keys(MODES), "View", value => { mode = value; });
  const layers = radios("layer", LAYERS, "Shown", value => { layer = value; });
  const show = () => {
    const view = views[mode];
    if (!view.has(layer)) layer = LAYERS.find(view.has) ?? "picture";
    for (const input of modes.inputs) input.checked = input.value === mode;
    for (const input of layers.inputs) [input.checked, input.disabled] = [input.value === layer, !view.has(input.value)];
    if (body.firstChild !== view.body) { body.replaceChildren(view.body); control.replaceChildren(...(view.control ? [view.control] : [])); }
    view.show(layer);
  };
  for (const view of Object.values(views)) view.listen(show);
  const section = make("section", {class: "comparison", "aria-label": "Before and after"},
    make("div", {class: "controls"}, modes.field, cell.depth || cell.edges ? layers.field : null, control), body);
  show();
  return section;
}

// ---------------------------------------------------------------------------------------------------- the rest

function film(cell) {
  if (!cell.video) return null;
  return make("section", {class: "film"}, make("h2", {}, "Film"),
    make("video", {src: cell.video, poster: cell.picture.view, style: extent(cell.picture, {large: true}), controls: true, muted: true, loop: true, playsinline: true, preload: "none", "aria-label": "The pastiche as it was made"}));
}

function maps(at, cell) {
  const content = gallery.contents[at[CONTENT]], {content: name} = namesOf(at);
  const pairs = [["depth", content.depth, cell.depth], ["edges", content.edges, cell.edges]].filter(([, first, second]) => first || second);
  if (!pairs.length && !cell.regions) return null;
  return make("section", {class: "maps", "aria-label": "Depth, edges and regions"}, ...pairs.flatMap(([word, first, second]) => [
    [first, `${word} of the content`, `${word} of the content ${name}`],
    [second, `${word} of the pastiche`, `${word} of ${inWords(at)}`],
  ].flatMap(([map, caption, alt]) => map ? [make("figure", {}, make("a", {href: map.original}, image(map, alt, {large: true})), make("figcaption", {}, caption))] : [])), regionsOf(name, cell.regions));
}

/** The regions of the content, each in the colour that the legend gives it. */
function regionsOf(content, regions) {
  if (!regions) return null;
  const names = Object.entries(regions.tints).map(([name, tint]) => make("li", {}, make("span", {class: "tint", style: `background: ${tint}`}), named(name)));
  return make("figure", {}, make("a", {href: regions.picture.original}, image(regions.picture, `regions of the content ${content}`, {large: true})),
    make("figcaption", {}, "regions of the content", make("ul", {class: "legend"}, ...names)));
}

function styleOf(at) {
  const {name, picture, note} = gallery.styles[at[STYLE]];
  return make("figure", {class: "style"}, make("a", {href: picture.original}, image(picture, `The style ${name}`, {eager: true})), make("figcaption", {}, named(name), note ? `: ${note}` : ""));
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
  const told = [termsOf(history).includes("total") ? "Each term before it is weighted, and their weighted total." : "Each term before it is weighted."];
  if (new Set(history.stage).size > 1) told.push("At a dotted line a new stage begins.");
  section.replaceChildren(make("h2", {}, "Losses"), box, make("p", {class: "faint"}, told.join(" ")));
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
