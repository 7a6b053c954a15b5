// The telephone card, custom:pbx-phone-card: loaded by the integration on each page.

import { callsPart } from "./calls.js";
import { check, configForm, offerAll, PARTS, STRATEGY, TYPE } from "./config.js";
import { contactsPart, peopleOf } from "./contacts.js";
import { openOptions, placeCall } from "./dial.js";
import { attribute, emptyState, h, icon, press, setText } from "./dom.js";
import { keypadPart } from "./keypad.js";
import { nowPart } from "./now.js";
import { act, EMPTY, feedOf, select } from "./store.js";
import { PbxTelephoneStrategy } from "./strategy.js";
import { STYLE } from "./style.js";
import { missing, pageWords, words } from "./words.js";

/** @type {Record<PartName, (root: Element, context: Context) => Part>} */
const MAKE = { now: nowPart, contacts: contactsPart, keypad: keypadPart, calls: callsPart };

// Pixels that a part needs: parts stand beside or below each other where there is room for all.
const COLUMN = 280;
const STACKED = 420;

/** @implements {Context} */
export class PbxPhoneCard extends HTMLElement {
  /** @type {CardConfig} */
  config = {};
  /** @type {Data} */
  data = EMPTY;
  people = "";
  /** @type {Words} */
  t = pageWords();
  live = false;
  root = this.attachShadow({ mode: "open" });
  /** @type {Hass | undefined} */
  #hass;
  #preview = false;
  #editMode = false;
  #isBuilt = false;
  /** @type {Map<PartName, {part: Part, panel: HTMLElement, tab: HTMLElement | null}>} */
  #parts = new Map();
  /** @type {PartName | null} */
  #tab = null;
  /** @type {(() => void) | null} */
  #unlisten = null;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  #ticks = 0;
  #size = { width: 0, height: 0 };
  #observer = new ResizeObserver(([entry]) => entry && this.#resize(entry.contentRect));
  #card = h("div", { class: "card" });
  #notice = h("p", { class: "notice", role: "status", dir: "auto", hidden: true });
  #nothing = emptyState("phone");
  #error = h("div", { class: "notice error", role: "alert", hidden: true });
  #tabs = h("div", { class: "tabs", role: "tablist", keydown: (/** @type {KeyboardEvent} */ event) => this.#moveTab(event) });
  #panels = h("div");
  #badge = h("span", { class: "badge", hidden: true });

  constructor() {
    super();
    this.root.append(h("style", { text: STYLE }), this.#card);
  }

  // What Home Assistant calls.

  /** @param {CardConfig} config */
  setConfig(config) {
    check(config);
    this.config = config;
    this.#isBuilt = false;
    this.#update();
  }

  /** Called at each change of any state in the house. */
  set hass(/** @type {Hass} */ hass) {
    const before = this.#hass;
    this.#hass = hass;
    if (before?.connection !== hass.connection) {
      this.#unlisten?.();
      this.#unlisten = null;
      if (this.isConnected) this.#listen();
    }
    if (before?.language !== hass.language || before.locale !== hass.locale) this.#isBuilt = false;
    const isSame = this.#isBuilt && before?.user === hass.user
      && (before?.states === hass.states || peopleOf(this.hass, this.all) === this.people);
    if (!isSame) this.#update();
  }

  get hass() {
    return /** @type {Hass} */ (this.#hass);
  }

  // Nothing is dialed while a dashboard is edited.
  set preview(/** @type {boolean} */ value) {
    this.#preview = value;
    this.#update();
  }

  set editMode(/** @type {boolean} */ value) {
    this.#editMode = value;
    this.#update();
  }

  /** "grid" in a section, which sets the height. */
  set layout(/** @type {string | undefined} */ value) {
    this.#card.classList.toggle("fill", value === "grid" || value === "panel");
  }

  getCardSize() {
    return this.#wanted().length > 1 ? 10 : 6;
  }

  getGridOptions() {
    const isNow = this.#wanted().join() === "now";
    return { columns: 12, rows: isNow ? "auto" : 9, min_columns: 6, min_rows: isNow ? 1 : 4 };
  }

  static getStubConfig() {
    return {};
  }

  static getConfigForm() {
    return configForm();
  }

  connectedCallback() {
    this.#listen();
    this.#timer = setInterval(() => this.#tick(), 1000);
    this.#observer.observe(this);
    this.#update();
  }

  disconnectedCallback() {
    this.#unlisten?.();
    this.#unlisten = null;
    clearInterval(this.#timer);
    this.#observer.disconnect();
    this.#closeParts();
    this.#isBuilt = false;
  }

  // What the parts use.

  get all() {
    return this.#hass ? feedOf(this.#hass.connection).data : EMPTY;
  }

  now = () => Date.now() + this.data.offset;

  /**
   * @param {Target} target
   * @param {Caller | null} [caller]
   */
  call(target, caller) {
    return this.#run(() => placeCall(this, target, caller));
  }

  /** @param {Target} target */
  choose(target) {
    return this.#run(() => openOptions(this, target));
  }

  /** @param {Row} row */
  hangUp({ config_entry_id, id }) {
    return this.#run(() => act(this.hass, "hang_up", { config_entry_id, originated_call_id: id }));
  }

  /** For somebody who may only look, they stay as they are. */
  markSeen() {
    const { hasMore, may, pbxs, rows } = this.data;
    if (!this.#canAct()) return;
    for (const { config_entry_id: entry } of pbxs) {
      const isUnseen = hasMore || rows.some((row) => row.config_entry_id === entry && row.missed && !row.seen);
      if (isUnseen && may.mark_seen.includes(entry))
        act(this.hass, "mark_missed_calls_seen", { config_entry_id: entry }).catch(() => {});
    }
  }

  async more() {
    await (this.#hass && feedOf(this.#hass.connection).more().catch(() => {}));
  }

  // The rest.

  /** @returns {PartName[]} */
  #wanted() {
    const { show } = this.config;
    return show?.length ? [...new Set(show)] : PARTS;
  }

  /** The dialog that offers cards says nothing of a preview, but lets no touch through. */
  #canAct() {
    return this.live && getComputedStyle(this).pointerEvents !== "none";
  }

  /**
   * Run something that a button began; its failure is shown.
   * @param {() => Promise<void>} action
   */
  async #run(action) {
    if (!this.#canAct()) return;
    attribute(this.#error, "hidden", true);
    try {
      await action();
    } catch (error) {
      setText(/** @type {Element} */ (this.#error.firstElementChild), error instanceof Error ? error.message : this.t("error"));
      attribute(this.#error, "hidden", null);
    }
  }

  #listen() {
    if (!this.#hass || this.#unlisten) return;
    this.#unlisten = feedOf(this.#hass.connection).listen(() => this.#update());
  }

  #update() {
    if (!this.#hass || !this.isConnected) return;
    this.data = select(this.all, this.config);
    this.people = peopleOf(this.hass, this.all);
    this.live = this.data.status === "open" && !this.#preview && !this.#editMode;
    if (!this.#isBuilt) this.#build();
    this.#draw();
  }

  /** Make the elements: once for each configuration and language. */
  #build() {
    this.#isBuilt = true;
    this.t = words(this.hass.language);
    this.#closeParts();
    const { t, config: { title } } = this;
    const close = h("button", { type: "button", "aria-label": t("close"), title: t("close") }, icon("close"));
    press(close, { tap: () => attribute(this.#error, "hidden", true) });
    this.#error.replaceChildren(h("span", { dir: "auto" }), close);
    this.#tabs.replaceChildren();
    const panels = h("div", { class: "panels" });
    const parts = this.#panels = h("div", { class: "parts" }, this.#tabs, panels);
    for (const name of this.#wanted()) {
      if (name === "now") {
        const panel = h("div", { class: "now" });
        parts.prepend(panel);
        this.#parts.set(name, { part: nowPart(panel, this), panel, tab: null });
      } else this.#buildTab(name, panels);
    }
    this.#card.replaceChildren(
      ...(title ? [h("h1", {}, h("bdi", { text: title }))] : []), this.#notice, this.#error, this.#nothing.element, parts,
    );
  }

  /**
   * @param {PartName} name
   * @param {Element} panels
   */
  #buildTab(name, panels) {
    const { t } = this;
    const panel = h("section", { class: "panel", id: `panel-${name}` }, h("h2", { text: t(name) }));
    const tab = h("button", { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": panel.id }, t(name));
    if (name === "calls") tab.append(this.#badge);
    press(tab, { tap: () => this.#open(name) });
    this.#tabs.append(tab);
    panels.append(panel);
    this.#parts.set(name, { part: MAKE[name](panel, this), panel, tab });
  }

  #closeParts() {
    for (const { part } of this.#parts.values()) part.close?.();
    this.#parts.clear();
  }

  /** @param {PartName} name */
  #open(name) {
    this.#tab = name;
    this.#draw();
    this.#parts.get(name)?.tab?.focus();
  }

  /** @param {KeyboardEvent} event */
  #moveTab(event) {
    const names = this.#tabNames();
    const isRtl = getComputedStyle(this).direction === "rtl";
    const index = names.indexOf(this.#current(names));
    const next = {
      ArrowRight: index + (isRtl ? -1 : 1), ArrowLeft: index + (isRtl ? 1 : -1), Home: 0, End: names.length - 1,
    }[event.key];
    const name = next === undefined ? undefined : names.at(next % names.length);
    if (!name) return;
    event.preventDefault();
    this.#open(name);
  }

  /**
   * The parts under tabs; no keypad for those who may not dial, where there is something else.
   * @returns {PartName[]}
   */
  #tabNames() {
    const names = this.#wanted().filter((name) => name !== "now");
    const mayDial = this.data.pbxs.some((pbx) => this.data.may.dial.includes(pbx.config_entry_id));
    return mayDial || names.length < 2 ? names : names.filter((name) => name !== "keypad");
  }

  /** @param {PartName[]} names */
  #current(names) {
    return /** @type {PartName} */ (this.#tab && names.includes(this.#tab) ? this.#tab : names[0]);
  }

  /** @param {DOMRectReadOnly} size */
  #resize({ width, height }) {
    const before = this.#arrangement();
    this.#size = { width, height };
    if (this.#arrangement() !== before) this.#draw();
  }

  #arrangement() {
    const { length } = this.#tabNames();
    if (length < 2) return "single";
    if (this.#size.width >= COLUMN * length) return "beside";
    return this.#size.height >= STACKED * length ? "stacked" : "tabbed";
  }

  #draw() {
    if (!this.#isBuilt) return;
    const { data, t } = this;
    const hasParts = data.pbxs.length > 0;
    const notice = missing(data, this.#wanted(), t, this.all.pbxs.length, this.hass.user?.is_admin);
    attribute(this.#notice, "hidden", !notice || !hasParts);
    setText(this.#notice, hasParts ? notice : "");
    this.#nothing.draw(hasParts ? "" : notice);
    attribute(this.#panels, "hidden", !hasParts);
    attribute(this.#card, "data-status", data.status);
    if (hasParts) this.#drawParts();
  }

  #drawParts() {
    const arrangement = this.#arrangement();
    const isTabbed = arrangement === "tabbed";
    const names = this.#tabNames();
    attribute(this.#card, "data-arrangement", arrangement);
    attribute(this.#tabs, "hidden", !isTabbed);
    this.#drawBadge();
    for (const [name, { part, panel, tab }] of this.#parts) {
      const isCurrent = name === this.#current(names);
      const isOpen = !tab || (names.includes(name) && (isCurrent || !isTabbed));
      attribute(panel, "hidden", !isOpen);
      if (tab) {
        attribute(tab, "hidden", !names.includes(name));
        attribute(tab, "aria-selected", String(isCurrent));
        attribute(tab, "tabindex", isCurrent ? 0 : -1);
        attribute(panel, "role", isTabbed ? "tabpanel" : null);
        attribute(panel, "aria-labelledby", tab.id);
      }
      // What is hidden is drawn when it is opened.
      if (isOpen) part.draw();
    }
  }

  #drawBadge() {
    const { data: { may, rows }, hass, t } = this;
    const unseen = may.read ? rows.filter((row) => row.missed && !row.seen).length : 0;
    attribute(this.#badge, "hidden", !unseen);
    setText(this.#badge, new Intl.NumberFormat(hass.locale.language).format(unseen));
    attribute(this.#badge, "aria-label", t("unseen", { count: unseen }));
  }

  #tick() {
    if (this.data.status !== "open") return;
    this.#parts.get("now")?.part.tick?.();
    this.#ticks = (this.#ticks + 1) % 30;
    if (!this.#ticks) this.#parts.get("calls")?.part.tick?.();
  }
}

/** @type {[string, CustomElementConstructor][]} */
const ELEMENTS = [[TYPE, PbxPhoneCard], [`ll-strategy-dashboard-${STRATEGY}`, PbxTelephoneStrategy]];

function defineAll() {
  for (const [tag, element] of ELEMENTS) if (!customElements.get(tag)) customElements.define(tag, element);
}

offerAll();
// Before Home Assistant 2026.11 the page may replace its registry of elements after this module
// ran: define them again.
defineAll();
customElements.whenDefined("home-assistant").then(defineAll);
setTimeout(defineAll, 5000);
