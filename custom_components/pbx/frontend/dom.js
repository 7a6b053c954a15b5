// Elements: made once, filled with text only.

const SVG = "http://www.w3.org/2000/svg";

// Icons as lines: [path, width of the line].
/** @type {Record<string, [string, number][]>} */
const ICONS = {
  phone: [["M5.5 5.5C5.5 13 11 18.5 18.5 18.5", 2.4], ["M5.6 5.2v3.6M15.2 18.4h3.6", 4.4]],
  hang_up: [["M4 14.2C8.5 9.6 15.5 9.6 20 14.2", 2.4], ["M4.4 13l-.8 2.4M19.6 13l.8 2.4", 4]],
  incoming: [["M18 6L7 17M7 9v8h8", 2]],
  outgoing: [["M6 18L17 7M9 7h8v8", 2]],
  internal: [["M4 9h15l-4-4M20 15H5l4 4", 2]],
  missed: [["M4 8l8 7 8-7M4 14V8h6", 2]],
  menu: [["M12 5v.01M12 12v.01M12 19v.01", 3.6]],
  search: [["M16 16l5 5M10.5 17.5a7 7 0 1 0 0-14 7 7 0 0 0 0 14", 2]],
  person: [["M12 11.5a4 4 0 1 0 0-8 4 4 0 0 0 0 8M4.5 20c.5-3.5 3.5-5 7.5-5s7 1.5 7.5 5", 2]],
  clock: [["M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18M12 7v5.5l3.5 2", 2]],
  close: [["M6 6l12 12M18 6L6 18", 2]],
  erase: [["M9 6h11v12H9l-6-6zM12 9.5l5 5M17 9.5l-5 5", 1.8]],
};

/**
 * Make an element. `text` sets its text, a function listens to an event; children that are
 * text become text.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, any>} [props]
 * @param {...(Node | string | null | undefined)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (name === "text") element.textContent = value;
    else attribute(element, name, value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

/**
 * Set an attribute if it changed; null, undefined and false remove it.
 * @param {Element} element
 * @param {string} name
 * @param {string | number | boolean | null | undefined} value
 */
export function attribute(element, name, value) {
  if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else {
    const text = value === true ? "" : String(value);
    if (element.getAttribute(name) !== text) element.setAttribute(name, text);
  }
}

/**
 * Set the text of an element if it changed.
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @param {string} name */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", "icon");
  for (const [d, width] of ICONS[name] ?? []) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    path.setAttribute("stroke-width", String(width));
    svg.append(path);
  }
  return svg;
}

/**
 * A number, left to right in any language.
 * @param {string} number
 */
export function numberElement(number) {
  return h("bdi", { dir: "ltr", class: "number", text: number });
}

/**
 * What a part says where it has nothing to show.
 * @param {string} name of its icon
 * @param {string} [text]
 */
export function emptyState(name, text = "") {
  const words = h("p", { dir: "auto", text });
  const element = h("div", { class: "empty", role: "status", hidden: !text }, icon(name), words);
  return {
    element,
    /** @param {string} next hidden if empty */
    draw(next) {
      setText(words, next);
      attribute(element, "hidden", !next);
    },
  };
}

/**
 * A picture, or initials where there is none or it cannot be loaded.
 */
export function avatar() {
  const letters = h("span", { class: "letters", "aria-hidden": "true" });
  // Not lazy: a picture that is hidden until it has loaded would never load.
  const image = h("img", { alt: "", hidden: true });
  image.addEventListener("error", () => attribute(image, "hidden", true));
  image.addEventListener("load", () => attribute(image, "hidden", null));
  const element = h("span", { class: "avatar" }, letters, image);
  return {
    element,
    /**
     * @param {string} text
     * @param {string | null | undefined} picture
     */
    draw(text, picture) {
      setText(letters, text);
      if (picture && image.getAttribute("src") !== picture) image.src = picture;
      if (!picture) {
        image.removeAttribute("src");
        attribute(image, "hidden", true);
      }
    },
  };
}

const HOLD = 500;

/**
 * Make a button react to a tap, and to a long press; the click after a long press is dropped.
 * While what a tap began is not done, the button is busy and does nothing. The second click of
 * a double click is dropped, as something else may be there by then, unless the button `repeats`.
 * @param {HTMLElement} button
 * @param {{tap: () => unknown, hold?: () => unknown, repeats?: boolean}} actions
 */
export function press(button, { tap, hold, repeats = false }) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let held = false;
  const stop = () => clearTimeout(timer);
  const run = async (/** @type {() => unknown} */ action) => {
    if (isOff(button)) return;
    attribute(button, "aria-busy", "true");
    try {
      await action();
    } finally {
      attribute(button, "aria-busy", null);
    }
  };
  button.addEventListener("click", (event) => {
    if (held) held = false;
    else if (repeats || event.detail < 2) run(tap);
  });
  if (!repeats) button.addEventListener("keydown", dropRepeated);
  if (!hold) return;
  button.addEventListener("pointerdown", (event) => {
    held = false;
    stop();
    if (event.button) return;
    timer = setTimeout(() => {
      held = true;
      // The click comes right after the release, wherever that is; a later one is another.
      const free = () => setTimeout(() => (held = false), 100);
      for (const name of ["pointerup", "pointercancel"]) window.addEventListener(name, free, { once: true, capture: true });
      if (isOff(button)) return;
      button.dispatchEvent(new CustomEvent("haptic", { detail: "medium", bubbles: true, composed: true }));
      run(hold);
    }, HOLD);
  });
  for (const name of ["pointerup", "pointerleave", "pointercancel"]) button.addEventListener(name, stop);
  button.addEventListener("contextmenu", (event) => event.preventDefault());
  button.addEventListener("keydown", () => {
    held = false;
  });
}

/**
 * A key that is held down presses once, and does not answer what it has brought.
 * @param {KeyboardEvent} event
 */
function dropRepeated(event) {
  if (event.repeat && event.key === "Enter") event.preventDefault();
}

/** @param {Element} button */
function isOff(button) {
  return button.getAttribute("aria-busy") === "true" || button.getAttribute("aria-disabled") === "true";
}

/**
 * Keep the children of an element in step with a list. Each child is made once and kept by its
 * key; only those whose item is another one are drawn, and only new ones are moved, so that
 * focus and scroll position stay.
 * @template Item
 * @param {Element} parent
 * @param {(item: Item) => string} keyOf
 * @param {(item: Item) => {element: Element, draw: (item: Item) => void}} create
 * @param {(before: Item, after: Item) => boolean} [isSame]
 */
export function keyed(parent, keyOf, create, isSame = Object.is) {
  /** @type {Map<string, {element: Element, draw: (item: Item) => void, item: Item}>} */
  const kept = new Map();
  return {
    kept,
    /**
     * @param {readonly Item[]} items
     * @param {boolean} [all] draw those that did not change, too
     */
    draw(items, all = false) {
      const keys = new Set(items.map(keyOf));
      for (const [key, { element }] of kept) {
        if (keys.has(key)) continue;
        element.remove();
        kept.delete(key);
      }
      let place = parent.firstElementChild;
      for (const item of items) {
        const key = keyOf(item);
        let row = kept.get(key);
        if (!row) {
          row = { ...create(item), item };
          kept.set(key, row);
          row.draw(item);
        } else if (all || !isSame(row.item, item)) {
          row.item = item;
          row.draw(item);
        }
        if (row.element === place) place = place.nextElementSibling;
        else parent.insertBefore(row.element, place);
      }
    },
  };
}

/**
 * Ask something in a dialog.
 * @template Answer
 * @param {ParentNode} root
 * @param {string} title
 * @param {(close: (answer: Answer | null) => void) => Node[]} content
 * @returns {Promise<Answer | null>} null if it was closed without an answer
 */
export function ask(root, title, content) {
  return new Promise((resolve) => {
    /** @type {Answer | null} */
    let result = null;
    const dialog = h("dialog", { "aria-label": title });
    dialog.append(
      h("h2", {}, h("bdi", { text: title })),
      ...content((answer) => {
        result = answer;
        dialog.close();
      }),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(result);
    });
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) dialog.close();
    });
    // The second click of a double click was meant for what was there before.
    dialog.addEventListener("click", (event) => {
      if (event.detail > 1) event.stopImmediatePropagation();
    }, { capture: true });
    dialog.addEventListener("keydown", (event) => {
      // A key that is pressed here is not for the dashboard.
      event.stopPropagation();
      if (!(event.target instanceof HTMLTextAreaElement)) dropRepeated(event);
    });
    root.append(dialog);
    dialog.showModal();
  });
}
