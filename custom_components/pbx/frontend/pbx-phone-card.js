// The telephone card: loaded by the integration on each page.

import { callsPart } from "./calls.js";
import { act, feedOf } from "./connection.js";
import { contactsPart } from "./contacts.js";
import { openOptions, placeCall } from "./dial.js";
import { attribute, h, press, setText } from "./dom.js";
import { keypadPart } from "./keypad.js";
import { nowPart } from "./now.js";
import { allows, EMPTY, liveRows, select } from "./store.js";
import { PbxTelephoneStrategy } from "./strategy.js";
import { STYLE } from "./style.js";
import { pageWords, words } from "./text.js";

const TYPE = "pbx-phone-card";
const STRATEGY = "pbx-telephone";
/** @type {PartName[]} */
const PARTS = ["now", "contacts", "keypad", "calls"];
const CONFIRM = ["never", "numbers", "always"];
const MAKE = { now: nowPart, contacts: contactsPart, keypad: keypadPart, calls: callsPart };

// From this width on, parts stand beside each other.
const WIDE = 760;

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
  /** @type {Hass | undefined} */
  #hass;
  #preview = false;
  #editMode = false;
  #isReady = false;
  /** @type {Map<PartName, {part: Part, panel: HTMLElement, tab: HTMLElement | null, badge: HTMLElement | null}>} */
  #parts = new Map();
  /** @type {PartName | null} */
  #tab = null;
  /** @type {(() => void) | null} */
  #unlisten = null;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  #ticks = 0;
  #isWide = false;
  /** @type {ResizeObserver | null} */
  #sizes = null;
  #card = h("div", { class: "card" });
  #notice = h("p", { class: "notice", role: "status", hidden: true });
  #error = h("div", { class: "notice error", role: "alert", hidden: true });

  constructor() {
    super();
    this.attachShadow({ mode: "open" }).append(h("style", { text: STYLE }), this.#card);
  }

  // What Home Assistant calls.

  /** @param {CardConfig} config */
  setConfig(config) {
    const t = pageWords();
    if (config.show !== undefined && !(Array.isArray(config.show) && config.show.every((part) => PARTS.includes(part))))
      throw new Error(t("invalid_show"));
    if (config.contacts !== undefined && !Array.isArray(config.contacts)) throw new Error(t("invalid_contacts"));
    if (config.confirm !== undefined && !CONFIRM.includes(config.confirm)) throw new Error(t("invalid_confirm"));
    this.config = config;
    this.#isReady = false;
    if (this.#hass) this.#update();
  }

  /** Called at each change of any state in the house. */
  set hass(/** @type {Hass} */ hass) {
    const before = this.#hass;
    this.#hass = hass;
    if (before?.language !== hass.language || before.locale !== hass.locale) this.#isReady = false;
    if (before?.connection !== hass.connection) {
      this.#unlisten?.();
      this.#unlisten = null;
      if (this.isConnected) this.#listen();
    }
    const people = this.#isReady && before?.states === hass.states ? this.people : this.#readPeople(hass);
    if (!this.#isReady || people !== this.people || before?.user !== hass.user) {
      this.people = people;
      this.#update();
    }
  }

  get hass() {
    return /** @type {Hass} */ (this.#hass);
  }

  // Nothing is dialed while a dashboard is edited.
  set preview(/** @type {boolean} */ value) {
    this.#preview = value;
    this.#update();
  }

  get preview() {
    return this.#preview;
  }

  set editMode(/** @type {boolean} */ value) {
    this.#editMode = value;
    this.#update();
  }

  get editMode() {
    return this.#editMode;
  }

  /** "grid" in a section, which sets the height. */
  set layout(/** @type {string | undefined} */ value) {
    this.#card.classList.toggle("fill", value === "grid" || value === "panel");
  }

  getCardSize() {
    return this.#shown().length > 1 ? 10 : 6;
  }

  getGridOptions() {
    const isNow = this.#shown().join() === "now";
    return { columns: 12, rows: isNow ? "auto" : 9, min_columns: 6, min_rows: isNow ? 1 : 4 };
  }

  static getStubConfig() {
    return {};
  }

  static getConfigForm() {
    const t = pageWords();
    const device = { integration: "pbx" };
    const options = (/** @type {string[]} */ values, prefix = "") =>
      values.map((value) => ({ value, label: t(prefix + value) }));
    return {
      schema: [
        { name: "title", selector: { text: {} } },
        { name: "config_entry_id", selector: { config_entry: { integration: "pbx" } } },
        { name: "show", selector: { select: { multiple: true, mode: "list", options: options(PARTS) } } },
        { name: "contacts", selector: { device: { multiple: true, filter: [{ ...device, model: "Contact" }, { ...device, model: "Extension" }] } } },
        { name: "caller", selector: { device: { filter: [{ ...device, model: "Extension" }] } } },
        { name: "confirm", selector: { select: { mode: "dropdown", options: options(CONFIRM, "confirm_") } } },
      ],
      computeLabel: (/** @type {{name: string}} */ { name }) => pageWords()(`form_${name}`),
      computeHelper: (/** @type {{name: string}} */ { name }) =>
        ["config_entry_id", "show", "contacts", "caller"].includes(name) ? pageWords()(`form_${name}_help`) : undefined,
      // A caller or contacts that are not devices can only be edited as YAML.
      assertConfig(/** @type {CardConfig} */ config) {
        if (config.show !== undefined && !Array.isArray(config.show)) throw new Error(pageWords()("invalid_show"));
        if (config.contacts !== undefined && !Array.isArray(config.contacts)) throw new Error(pageWords()("invalid_contacts"));
      },
    };
  }

  connectedCallback() {
    this.#listen();
    this.#timer = setInterval(() => this.#tick(), 1000);
    this.#sizes = new ResizeObserver(([entry]) => {
      const isWide = (entry?.contentRect.width ?? 0) >= WIDE;
      if (isWide === this.#isWide) return;
      this.#isWide = isWide;
      this.#draw();
    });
    this.#sizes.observe(this);
    this.#update();
  }

  disconnectedCallback() {
    this.#unlisten?.();
    this.#unlisten = null;
    clearInterval(this.#timer);
    this.#sizes?.disconnect();
    for (const { part } of this.#parts.values()) part.close?.();
    this.#isReady = false;
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
  async call(target, caller) {
    await this.#run(() => placeCall(this, this.#root, this.all.contacts, target, caller));
  }

  /** @param {Target} target */
  async choose(target) {
    await this.#run(() => openOptions(this, this.#root, this.all.contacts, target));
  }

  /**
   * The id of a row is not one of the PBX: its parties say which call it is.
   * @param {Row} row
   */
  async hangUp({ config_entry_id, caller, callee }) {
    const parties = { caller: caller ?? undefined, callee: callee ?? undefined };
    await this.#run(() => act(this.hass, "hang_up", { config_entry_id, ...parties }));
  }

  markSeen() {
    if (!this.live) return;
    const unseen = this.data.rows.filter((row) => row.missed && !row.seen).map((row) => row.config_entry_id);
    for (const entry of new Set(unseen)) {
      // Somebody who may only look leaves them as they are.
      if (allows(this.data.may.call, entry) || allows(this.data.may.dial, entry))
        act(this.hass, "mark_missed_calls_seen", { config_entry_id: entry }).catch(() => {});
    }
  }

  async more() {
    await (this.#hass && feedOf(this.#hass.connection).more().catch(() => {}));
  }

  // The rest.

  get #root() {
    return /** @type {ShadowRoot} */ (this.shadowRoot);
  }

  /** @returns {PartName[]} */
  #shown() {
    const { show } = this.config;
    return show?.length ? show : PARTS;
  }

  /**
   * Run something that a button began; its failure is shown.
   * @param {() => Promise<void>} action
   */
  async #run(action) {
    if (!this.live) return;
    attribute(this.#error, "hidden", true);
    try {
      await action();
    } catch (error) {
      const text = (error instanceof Error && error.message) || this.t("error");
      setText(/** @type {Element} */ (this.#error.firstElementChild), text);
      attribute(this.#error, "hidden", null);
    }
  }

  #listen() {
    if (!this.#hass || this.#unlisten) return;
    this.#unlisten = feedOf(this.#hass.connection).listen(() => this.#update());
  }

  /** @param {Hass} hass */
  #readPeople(hass) {
    const ids = new Set();
    for (const { person } of [...this.all.contacts, ...liveRows(this.all.rows)]) if (person) ids.add(person);
    return [...ids]
      .map((id) => {
        const { user_id: user, entity_picture: picture } = hass.states[id]?.attributes ?? {};
        return `${id} ${user} ${picture}`;
      })
      .join();
  }

  #update() {
    if (!this.#hass || !this.isConnected) return;
    if (!this.#isReady) this.#build();
    this.data = select(this.all, this.config);
    this.people = this.#readPeople(this.#hass);
    this.live = this.data.status === "open" && !this.#preview && !this.#editMode;
    this.#draw();
  }

  /** Make the elements: once for each configuration and language. */
  #build() {
    this.#isReady = true;
    this.t = words(this.hass.language);
    const { t } = this;
    for (const { part } of this.#parts.values()) part.close?.();
    this.#parts.clear();
    const shown = this.#shown();
    const panels = h("div", { class: "panels" });
    const tabs = h("div", { class: "tabs", role: "tablist" });
    const parts = h("div", { class: "parts" });
    const close = h("button", { type: "button", text: "✕", "aria-label": t("cancel") });
    press(close, { tap: () => attribute(this.#error, "hidden", true) });
    this.#error.replaceChildren(h("span", { dir: "auto" }), close);
    this.#card.replaceChildren(
      ...(this.config.title ? [h("h2", { dir: "auto", text: this.config.title })] : []), this.#notice, this.#error, parts,
    );
    if (!this.#tab || !shown.includes(this.#tab)) this.#tab = shown.find((name) => name !== "now") ?? null;
    for (const name of shown) {
      if (this.#parts.has(name)) continue;
      const isTab = name !== "now";
      const panel = h("div", { class: isTab ? "part panel" : "part now", id: `panel-${name}` });
      const badge = name === "calls" ? h("span", { class: "badge", hidden: true }) : null;
      const tab = isTab ? h("button", { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": panel.id }, t(name), badge) : null;
      if (tab) {
        press(tab, { tap: () => this.#open(name) });
        tabs.append(tab);
        panels.append(panel);
      } else parts.append(panel);
      this.#parts.set(name, { part: MAKE[name](panel, this), panel, tab, badge });
    }
    tabs.addEventListener("keydown", (event) => this.#moveTab(event));
    if (tabs.childElementCount) parts.append(tabs, panels);
  }

  /** @param {PartName} name */
  #open(name) {
    this.#tab = name;
    this.#draw();
    this.#parts.get(name)?.tab?.focus();
  }

  /** @param {KeyboardEvent} event */
  #moveTab(event) {
    const names = [...this.#parts].flatMap(([name, { tab }]) => (tab ? [name] : []));
    const isRtl = getComputedStyle(this).direction === "rtl";
    const step = { ArrowRight: isRtl ? -1 : 1, ArrowLeft: isRtl ? 1 : -1 }[event.key];
    if (!step || !this.#tab) return;
    event.preventDefault();
    const next = names.at((names.indexOf(this.#tab) + step) % names.length);
    if (next) this.#open(next);
  }

  #draw() {
    if (!this.#isReady) return;
    const { data, t } = this;
    const count = [...this.#parts.values()].filter(({ tab }) => tab).length;
    const isTabbed = count > 1 && !this.#isWide;
    const notice = this.#noticeText();
    attribute(this.#notice, "hidden", !notice);
    setText(this.#notice, notice);
    this.#card.classList.toggle("lost", data.status === "lost" || data.status === "missing");
    // Usually it takes a moment only, in which nothing should flash up.
    this.#card.classList.toggle("connecting", data.status === "connecting");
    this.#card.classList.toggle("wide", this.#isWide && count > 1);
    const unseen = data.may.read ? data.rows.filter((row) => row.missed && !row.seen).length : 0;
    const isKnown = data !== EMPTY && data.pbxs.length > 0;
    for (const [name, { part, panel, tab, badge }] of this.#parts) {
      const isOpen = !tab || !isTabbed || this.#tab === name;
      attribute(panel, "hidden", !isOpen || !isKnown);
      attribute(panel, "role", tab && isTabbed ? "tabpanel" : null);
      attribute(panel, "aria-labelledby", tab && isTabbed ? tab.id : null);
      if (tab) {
        attribute(tab, "aria-selected", String(this.#tab === name));
        attribute(tab, "tabindex", this.#tab === name ? 0 : -1);
        if (tab.parentElement) attribute(tab.parentElement, "hidden", !isTabbed || !isKnown);
      }
      if (badge) {
        attribute(badge, "hidden", !unseen);
        setText(badge, new Intl.NumberFormat(this.hass.locale.language).format(unseen));
        attribute(badge, "aria-label", t("unseen", { count: unseen }));
      }
      // What is hidden is drawn when it is opened.
      if (isOpen && isKnown) part.draw();
    }
  }

  /** What is missing, in words; empty if nothing is. */
  #noticeText() {
    const { data, t } = this;
    if (data.status === "connecting") return t("connecting");
    if (data.status === "lost") return t("lost");
    if (data.status === "denied") return t("no_read");
    if (data.status === "missing") return t("starting");
    if (!data.pbxs.length) return t("no_pbx");
    const starting = data.pbxs.filter((pbx) => !pbx.ready).map((pbx) => pbx.title);
    if (starting.length) return `${t("starting")}${data.pbxs.length > 1 ? ` (${starting.join(", ")})` : ""}`;
    const mayCall = data.pbxs.some((pbx) => allows(data.may.call, pbx.config_entry_id) || allows(data.may.dial, pbx.config_entry_id));
    if (!data.may.read && !mayCall) return t("no_read");
    const calls = this.#shown().some((name) => name === "contacts" || name === "keypad");
    return calls && !mayCall ? t("no_call") : "";
  }

  #tick() {
    if (this.data.status !== "open") return;
    this.#parts.get("now")?.part.tick?.();
    this.#ticks = (this.#ticks + 1) % 30;
    if (!this.#ticks) this.#parts.get("calls")?.part.tick?.();
  }
}

/**
 * Suggest the card for our entities.
 * @param {Hass} hass
 * @param {string} entityId
 */
export function suggest(hass, entityId) {
  const entity = hass.entities[entityId];
  if (entity?.platform !== "pbx") return null;
  const device = entity.device_id ? hass.devices[entity.device_id] : undefined;
  const entry = device?.primary_config_entry ?? device?.config_entries?.[0];
  return { config: { type: `custom:${TYPE}`, ...(entry && { config_entry_id: entry }) } };
}

/** @type {[string, CustomElementConstructor][]} */
const ELEMENTS = [[TYPE, PbxPhoneCard], [`ll-strategy-dashboard-${STRATEGY}`, PbxTelephoneStrategy]];

function defineAll() {
  for (const [tag, element] of ELEMENTS) if (!customElements.get(tag)) customElements.define(tag, element);
}

/**
 * Add to a list of the page, once, with a name in the language that the page has then.
 * @param {{type: string}[]} list
 * @param {{type: string, [key: string]: unknown}} item
 * @param {string} description the key of its text
 */
function offer(list, item, description) {
  if (list.some(({ type }) => type === item.type)) return;
  list.push(Object.defineProperties(item, {
    name: { enumerable: true, get: () => pageWords()("name") },
    description: { enumerable: true, get: () => pageWords()(description) },
  }));
}

const documentationURL = "https://github.com/seed-39570137/homeassistant-pbx";
offer(/** @type {{type: string}[]} */ (window.customCards ??= []),
  { type: TYPE, preview: true, documentationURL, getEntitySuggestion: suggest }, "description");
offer(/** @type {{type: string}[]} */ (window.customStrategies ??= []),
  { type: STRATEGY, strategyType: "dashboard", documentationURL }, "strategy_description");

// Before Home Assistant 2026.11 the page may replace its registry of elements after this module
// ran: define them again.
defineAll();
customElements.whenDefined("home-assistant").then(defineAll);
setTimeout(defineAll, 5000);
