// The index: filters, the grid, and the same pastiches sorted by a score. What is shown is kept in the address.
"use strict";

const bar = document.getElementById("bar"), metricChoice = document.getElementById("metric");
const order = document.getElementById("order"), size = document.getElementById("size");
const sections = Object.fromEntries(["grid", "sorted", "comparison"].map(id => [id, document.getElementById(id)]));
const KINDS = ["recipes", "contents", "styles"];
const LABELS = {recipes: "Recipes", contents: "Contents", styles: "Styles"};
const LEAST_TILE = 112, MOST_TILE = 264, DENSE = 132;
const GUTTER = 22, BETWEEN = 10;
const SLICE = 240;

const everything = kind => new Set(gallery[kind].keys());
const usual = () => ({
  view: "grid", recipes: new Set([...gallery.recipes.keys()].slice(0, 2)),
  contents: everything("contents"), styles: everything("styles"), metric: 0, order: "best", size: null,
});
let state = usual();

// ------------------------------------------------------------------------------------------------- the address

function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  state = usual();
  if (given.get("view") in sections && sections[given.get("view")]) state.view = given.get("view");
  for (const kind of KINDS) {
    if (!given.has(kind)) continue;
    const names = new Set(given.getAll(kind));
    state[kind] = new Set([...gallery[kind].keys()].filter(place => names.has(gallery[kind][place].name)));
  }
  const metric = gallery.metrics.findIndex(entry => entry.key === given.get("metric"));
  if (metric >= 0) state.metric = metric;
  if (given.get("order") === "worst") state.order = "worst";
  if (Number(given.get("size")) >= Number(size.min)) state.size = Math.min(Number(given.get("size")), Number(size.max));
}

function writeAddress() {
  const fresh = usual(), told = new URLSearchParams();
  if (state.view !== fresh.view) told.set("view", state.view);
  for (const kind of KINDS) {
    if (sameSet(state[kind], fresh[kind])) continue;
    for (const place of state[kind]) told.append(kind, gallery[kind][place].name);
    if (!state[kind].size) told.append(kind, "");
  }
  if (state.metric) told.set("metric", gallery.metrics[state.metric].key);
  if (state.order !== fresh.order) told.set("order", state.order);
  if (state.size) told.set("size", state.size);
  history.replaceState(null, "", "#" + told);
}

const sameSet = (one, other) => one.size === other.size && [...one].every(entry => other.has(entry));

// --------------------------------------------------------------------------------------------------- the filters

const menus = {};

function menu(kind) {
  const summary = make("summary", {}, LABELS[kind], " ", make("output", {}));
  const find = gallery[kind].length > 8 ? make("input", {type: "search", placeholder: "Find", "aria-label": `Find in ${LABELS[kind].toLowerCase()}`}) : null;
  const boxes = gallery[kind].map((entry, place) => {
    const box = make("input", {type: "checkbox", name: kind, value: place});
    box.addEventListener("change", () => {
      box.checked ? state[kind].add(place) : state[kind].delete(place);
      state[kind] = new Set([...state[kind]].sort((a, b) => a - b));
      update();
    });
    const label = make("label", {}, box, named(entry.name));
    if (entry.description) label.append(make("small", {dir: "auto"}, entry.description));
    return {box, label, name: entry.name.toLowerCase()};
  });
  const shownBoxes = () => boxes.filter(({label}) => !label.hidden);
  const set = (text, checked) => {
    const button = make("button", {type: "button"}, text);
    button.addEventListener("click", () => {
      for (const {box} of shownBoxes()) checked ? state[kind].add(Number(box.value)) : state[kind].delete(Number(box.value));
      state[kind] = new Set([...state[kind]].sort((a, b) => a - b));
      update();
    });
    return button;
  };
  find?.addEventListener("input", () => {
    for (const {label, name} of boxes) label.hidden = !name.includes(find.value.toLowerCase());
  });
  const details = make("details", {class: "menu", id: `filter-${kind}`}, summary,
    make("div", {class: "panel", role: "group", "aria-label": LABELS[kind]}, find,
      make("div", {class: "options"}, ...boxes.map(({label}) => label)),
      make("div", {class: "buttons"}, set("all", true), set("none", false))));
  details.addEventListener("toggle", () => {
    if (!details.open) return;
    for (const other of Object.values(menus)) if (other.details !== details) other.details.open = false;
    const panel = details.querySelector(".panel");
    panel.style.removeProperty("transform");
    const over = panel.getBoundingClientRect().right - document.documentElement.clientWidth + 8;
    if (over > 0) panel.style.transform = `translateX(${-over}px)`;
  });
  details.addEventListener("keydown", event => {
    if (event.key === "Escape" && details.open) { details.open = false; summary.focus(); }
  });
  menus[kind] = {details, boxes, output: summary.querySelector("output")};
  return details;
}

function showFilters() {
  for (const kind of KINDS) {
    const total = gallery[kind].length, chosen = state[kind].size;
    menus[kind].output.textContent = chosen === total ? "all" : `${chosen} of ${total}`;
    menus[kind].details.classList.toggle("narrowed", chosen !== total);
    for (const {box} of menus[kind].boxes) box.checked = state[kind].has(Number(box.value));
  }
  for (const radio of bar.querySelectorAll("[name=view]")) radio.checked = radio.value === state.view;
  metricChoice.value = state.metric;
  order.value = state.order;
}

// ------------------------------------------------------------------------------------------------------ the grid

/** Adds an element for each entry: as many as a window shows at once, the others between frames, a slice at a time. */
function fill(parent, entries, slice, build) {
  const add = start => {
    if (start && !parent.isConnected) return;
    parent.append(...entries.slice(start, start + slice).map(build));
    if (start + slice < entries.length) setTimeout(() => requestAnimationFrame(() => add(start + slice)));
  };
  add(0);
}

/** Contents as rows, styles as columns; the recipes shown stand side by side in each cell. */
function drawGrid() {
  const recipes = [...state.recipes], contents = [...state.contents], styles = [...state.styles];
  const head = make("tr", {}, make("td", {class: "corner"}));
  for (const style of styles) {
    const {name, picture, note} = gallery.styles[style];
    head.append(make("th", {scope: "col"}, make("div", {class: "heading"},
      make("a", {class: "tile", href: picture.original, title: note ? `${name}: ${note}` : name}, image(picture, `The style ${name}`, {eager: true})), named(name))));
  }
  const body = make("tbody"), table = make("table", {}, make("thead", {}, head), body);
  table.style.setProperty("--across", Math.max(1, recipes.length <= 3 ? recipes.length : Math.ceil(recipes.length / 2)));
  table.style.setProperty("--columns", styles.length);
  table.style.setProperty("--gutter", `${GUTTER}px`);
  table.style.setProperty("--between", `${BETWEEN}px`);
  sections.grid.replaceChildren(make("div", {class: "scroll"}, table));
  fill(body, contents, Math.ceil(SLICE / Math.max(1, styles.length * recipes.length)), content => {
    const {name, picture, depth, edges} = gallery.contents[content];
    const maps = [[depth, "depth"], [edges, "edges"]].filter(([map]) => map);
    const row = make("tr", {}, make("th", {scope: "row"}, make("div", {class: "heading"},
      make("a", {class: "tile", href: picture.original, title: name}, image(picture, `The content ${name}`)),
      maps.length ? make("div", {class: "maps"}, ...maps.map(([map, word]) => make("a", {class: "tile", href: map.original, title: word}, image(map, `${word} of ${name}`)))) : null,
      named(name))));
    for (const style of styles) row.append(make("td", {}, make("div", {class: "recipes"}, ...recipes.map(recipe => tile([recipe, content, style], picture)))));
    return row;
  });
  sections.grid.querySelector("td a.tile")?.setAttribute("tabindex", "0");
  fit();
  hintAtMore(sections.grid.querySelector(".scroll"));
}

/** One cell by one recipe: a link to its page, or a gap that says why. */
function tile(at, shape) {
  const cell = cellsByKey.get(keyOf(at)), {recipe} = namesOf(at);
  const label = state.recipes.size > 1 ? named(recipe) : null;
  if (!cell) {
    const {reason} = gapsByKey.get(keyOf(at));
    const box = make("div", {class: "gap", style: `aspect-ratio: ${shape.width} / ${shape.height}`, title: reason}, make("span", {dir: "auto"}, reason));
    return make("figure", {class: "missing"}, box, make("figcaption", {}, label));
  }
  const link = make("a", {class: "tile", href: addressOf(at), tabindex: "-1"}, image(cell.picture, inWords(at)));
  return make("figure", {}, link, make("figcaption", {}, label, gallery.metrics.length ? score(cell, state.metric) : null));
}

/** As wide as fits, where that isn't too small; a larger grid scrolls in a box of its own, under its headings. */
function fit() {
  const table = sections.grid.querySelector("table");
  if (!table) return;
  const [across, columns] = ["--across", "--columns"].map(name => Number(table.style.getPropertyValue(name)));
  const room = sections.grid.clientWidth - 2 * parseFloat(getComputedStyle(sections.grid).paddingLeft);
  const head = Math.min(160, Math.max(96, room * 0.16));
  const wanted = Math.floor(((room - head) / Math.max(1, columns) - GUTTER - BETWEEN * (across - 1)) / across);
  const tile = state.size ?? Math.min(MOST_TILE, Math.max(LEAST_TILE, wanted));
  size.value = tile;
  document.documentElement.style.setProperty("--tile", `${tile}px`);
  // Beside small pastiches the content is small as well, and goes without its maps.
  const dense = tile < DENSE;
  table.classList.toggle("dense", dense);
  document.documentElement.style.setProperty("--head", `${dense ? Math.min(head, tile + GUTTER) : head}px`);
  const scroll = sections.grid.querySelector(".scroll");
  const boxed = table.offsetWidth > room + 1;
  scroll.classList.toggle("boxed", boxed);
  if (boxed) { scroll.setAttribute("role", "region"); scroll.setAttribute("aria-label", "Grid, scrolls both ways"); }
}

/** Arrow keys go from cell to cell; only one cell is a stop of the tab key. */
function moveInGrid(event) {
  const step = {ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1]}[event.key];
  const link = event.target.closest("td a.tile");
  if (!step || !link || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  const lines = [...sections.grid.querySelectorAll("tbody tr")].map(row => [...row.querySelectorAll("td figure")]);
  let row = lines.findIndex(line => line.includes(link.parentElement)), column = lines[row].indexOf(link.parentElement);
  for (;;) {
    column += step[0]; row += step[1];
    const figure = lines[row]?.[column];
    if (!figure) return;
    const target = figure.querySelector("a.tile");
    if (target) return focusOn(target);
  }
}

function focusOn(link) {
  sections.grid.querySelector("td a[tabindex='0']")?.setAttribute("tabindex", "-1");
  link.setAttribute("tabindex", "0");
  link.focus();
}

// ---------------------------------------------------------------------------------------------------- by a score

const isShown = ({at}) => KINDS.every((kind, place) => state[kind].has(at[place]));

/** All shown pastiches in the order of the score; those without it at the end. */
function drawSorted() {
  const cells = gallery.cells.filter(isShown), metric = gallery.metrics[state.metric];
  if (metric) {
    const sign = (metric.better === "lower" ? 1 : -1) * (state.order === "best" ? 1 : -1);
    const value = cell => cell.scores[state.metric];
    cells.sort((a, b) => (value(a) == null) - (value(b) == null) || sign * (value(a) - value(b)) || 0);
  }
  const cards = make("ol", {class: "cards"});
  sections.sorted.replaceChildren(cards);
  fill(cards, cells, SLICE, cell => {
    const {recipe, content, style} = namesOf(cell.at);
    return make("li", {},
      make("a", {class: "tile", href: addressOf(cell.at)}, image(cell.picture, inWords(cell.at))),
      make("p", {class: "pair", title: `${content} × ${style}`}, make("bdi", {}, content), " × ", make("bdi", {}, style)),
      make("p", {class: "by"}, named(recipe), metric ? score(cell, state.metric) : null));
  });
  if (!state.size) document.documentElement.style.setProperty("--tile", "176px");
}

// -------------------------------------------------------------------------------------------------------- update

function update() {
  writeAddress();
  draw();
}

function draw() {
  showFilters();
  for (const [id, section] of Object.entries(sections)) if (section) section.hidden = id !== state.view;
  document.body.dataset.view = state.view;
  sections[state.view === "grid" ? "sorted" : "grid"].replaceChildren();
  if (state.view === "grid") drawGrid();
  if (state.view === "sorted") drawSorted();
  const shown = gallery.cells.filter(isShown).length, gaps = gallery.gaps.filter(isShown).length;
  document.getElementById("count").textContent = `${shown} pastiche${shown === 1 ? "" : "s"}` + (gaps ? `, ${gaps} missing` : "");
  const metric = gallery.metrics[state.metric];
  if (metric) metricChoice.title = `${metric.description} ${metric.better === "lower" ? "Lower" : "Higher"} is better.`.trim();
}

document.getElementById("filters").append(...["contents", "styles", "recipes"].map(menu));
for (const [seen, label] of [[false, "Independent judges"], [true, "Seen by the optimiser"]]) {
  const options = gallery.metrics.flatMap((metric, place) => metric.seen === seen ? [make("option", {value: place, title: explained(metric)}, `${metric.label} ${arrow(metric)}`)] : []);
  if (options.length) metricChoice.append(make("optgroup", {label}, ...options));
}
document.getElementById("metric-choice").hidden = !gallery.metrics.length;
document.getElementById("order-choice").classList.toggle("unscored", !gallery.metrics.length);

for (const radio of bar.querySelectorAll("[name=view]")) radio.addEventListener("change", () => { state.view = radio.value; update(); });
metricChoice.addEventListener("change", () => { state.metric = Number(metricChoice.value); update(); });
order.addEventListener("change", () => { state.order = order.value; update(); });
size.addEventListener("input", () => {
  state.size = Number(size.value);
  document.documentElement.style.setProperty("--tile", `${state.size}px`);
  writeAddress();
  if (state.view === "grid") fit();
});
bar.addEventListener("submit", event => event.preventDefault());
sections.grid.addEventListener("keydown", moveInGrid);
document.addEventListener("click", event => {
  for (const {details} of Object.values(menus)) if (details.open && !details.contains(event.target)) details.open = false;
});
addEventListener("hashchange", () => { readAddress(); draw(); });
let width = innerWidth;
addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; fit(); } });
new ResizeObserver(() => {
  const height = getComputedStyle(bar).position === "sticky" ? bar.offsetHeight : 0;
  document.documentElement.style.setProperty("--bar", `${height}px`);
}).observe(bar);

for (const box of document.querySelectorAll("#comparison .scroll")) hintAtMore(box);
readAddress();
draw();
