// Any of a cell's pictures side by side, zoomed and moved together.
"use strict";

const STEP = 1.5, MOST_PERCENT = 800;
const AT_FIRST = 4;
let chosen = null;

/**
 * `pictures` are those that `comparable` lists. Which of them are shown stays the same from cell to cell. No pane is
 * wider than `width`, the width in pixels of the cell's own picture, so that pictures of one shape are of one size.
 */
function panesOf(pictures, width) {
  chosen ??= new Set(pictures.slice(0, AT_FIRST).map(({key}) => key));
  // At scale 1 pictures fit their panes; x and y are the shares of a picture's width and height that stay where they are.
  const view = {scale: 1, x: 0.5, y: 0.5};
  const body = make("div", {class: "panes"});
  const percent = make("output", {"aria-live": "polite"});
  let panes = [], layer = "picture";

  /** The scale at which one pixel of the cell's own picture is one of the screen. */
  const real = () => panes.length && panes[0].box.clientWidth ? width / panes[0].box.clientWidth : 1;
  const look = () => {
    for (const {box, img, picture} of panes) {
      img.style.transformOrigin = `${100 * view.x}% ${100 * view.y}%`;
      img.style.transform = `scale(${view.scale})`;
      const across = box.clientWidth * view.scale;
      img.classList.toggle("pixels", across >= 2 * picture.width);
      const copy = shownAs(picture, {large: true}).width;
      if (copy < picture.width && across > copy && !img.dataset.fine) { img.dataset.fine = "yes"; img.src = picture.original; }
      box.classList.toggle("zoomed", view.scale > 1);
    }
    percent.textContent = panes.length ? `${Math.round(100 * view.scale / real())} %` : "";
  };
  const zoom = (scale, x = view.x, y = view.y) => {
    const most = Math.max(1, MOST_PERCENT / 100 * real());
    Object.assign(view, {scale: Math.min(Math.max(scale, 1), most), x, y});
    if (view.scale === 1) [view.x, view.y] = [0.5, 0.5];
    look();
  };
  /** Moves the pictures by shares of a pane's width and height. */
  const shift = (right, down) => {
    if (view.scale === 1) return;
    const within = value => Math.min(1, Math.max(0, value));
    [view.x, view.y] = [within(view.x - right / (view.scale - 1)), within(view.y - down / (view.scale - 1))];
    look();
  };

  const pane = ({name, words, layers}) => {
    const shown = layers[layer] ? layer : "picture", picture = layers[shown];
    const told = (shown === "picture" ? "" : `${shown} of `) + words;
    const img = make("img", {src: picture.view, alt: told, draggable: "false", decoding: "async"});
    img.addEventListener("error", () => { if (img.dataset.fine) img.src = picture.view; }, {once: true});
    const box = make("div", {class: "pane", tabindex: "0", role: "group", "aria-label": `${told}. Plus and minus zoom, arrow keys move.`, style: extent(picture, {large: true, width})}, img);
    let last = null;
    box.addEventListener("pointerdown", event => {
      if (event.button || view.scale === 1) return;
      last = event;
      box.setPointerCapture(event.pointerId);
    });
    box.addEventListener("pointermove", event => {
      if (!last) return;
      shift((event.clientX - last.clientX) / box.clientWidth, (event.clientY - last.clientY) / box.clientHeight);
      last = event;
    });
    for (const end of ["pointerup", "pointercancel"]) box.addEventListener(end, () => { last = null; });
    const place = event => {
      // Where the pointer is, as shares of the picture.
      const area = img.getBoundingClientRect();
      return [(event.clientX - area.left) / area.width, (event.clientY - area.top) / area.height];
    };
    box.addEventListener("dblclick", event => view.scale > 1 ? zoom(1) : zoom(Math.max(2, real()), ...place(event)));
    box.addEventListener("wheel", event => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      const at = view.scale > 1 ? [view.x, view.y] : place(event);
      zoom(view.scale * STEP ** (-event.deltaY / 100), ...at);
    }, {passive: false});
    box.addEventListener("keydown", event => {
      const step = {ArrowLeft: [0.1, 0], ArrowRight: [-0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1]}[event.key];
      const factor = {"+": STEP, "=": STEP, "-": 1 / STEP, "0": 0}[event.key];
      if (event.ctrlKey || event.altKey || event.metaKey || (!step && factor == null)) return;
      if (step && view.scale === 1) return;
      event.preventDefault();
      event.stopPropagation();
      step ? shift(...step) : zoom(view.scale * factor);
    });
    const caption = make("figcaption", {}, make("a", {class: "name", href: picture.original, title: `${name}, full size`, dir: "auto"}, name),
      shown === layer ? null : make("span", {class: "faint"}, ` has no ${layer}`));
    return {box, img, picture, figure: make("figure", {}, box, caption)};
  };
  const show = wanted => {
    layer = wanted;
    panes = pictures.filter(({key}) => chosen.has(key)).map(pane);
    body.replaceChildren(...panes.map(({figure}) => figure), ...(panes.length ? [] : [make("p", {class: "faint"}, "Choose what to show.")]));
    look();
  };
  new ResizeObserver(look).observe(body);

  const boxes = pictures.map(({key, name}) => {
    const box = make("input", {type: "checkbox", name: "pane", value: key, checked: chosen.has(key)});
    box.addEventListener("change", () => { box.checked ? chosen.add(key) : chosen.delete(key); show(layer); });
    return make("label", {class: "choice"}, box, named(name));
  });
  const button = (text, label, press) => {
    const found = make("button", {type: "button", "aria-label": label, title: label}, text);
    found.addEventListener("click", press);
    return found;
  };
  const control = make("div", {class: "pane-controls"},
    make("fieldset", {class: "chosen"}, make("legend", {class: "hidden"}, "Pictures"), ...boxes),
    make("div", {class: "zoom", role: "group", "aria-label": "Zoom"},
      button("−", "zoom out", () => zoom(view.scale / STEP)), percent, button("+", "zoom in", () => zoom(view.scale * STEP)),
      button("fit", "fit the panes", () => zoom(1)), button("1:1", "one pixel of the picture for one of the screen", () => zoom(real()))));
  return {body, control, show, has: wanted => pictures.some(({key, layers}) => chosen.has(key) && layers[wanted]), listen: () => {}};
}
