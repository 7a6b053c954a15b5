// What a card can be set to: the form of its editor, and what Home Assistant offers.

import { pageWords } from "./words.js";

export const TYPE = "pbx-phone-card";
export const STRATEGY = "pbx-telephone";
const documentationURL =
  "https://github.com/seed-39570137/homeassistant-pbx/blob/main/docs/dashboard.md";
/** @type {PartName[]} */
export const PARTS = ["now", "contacts", "keypad", "calls"];
const CONFIRM = ["never", "numbers", "always"];

/**
 * @param {CardConfig} config
 * @throws {Error} with what is wrong
 */
export function check({ confirm, contacts, show }) {
  const t = pageWords();
  const isShow = show === undefined || (Array.isArray(show) && show.every((part) => PARTS.includes(part)));
  if (!isShow) throw new Error(t("invalid_show"));
  if (contacts !== undefined && !Array.isArray(contacts)) throw new Error(t("invalid_contacts"));
  if (confirm !== undefined && !CONFIRM.includes(confirm)) throw new Error(t("invalid_confirm"));
}

/** The form of the editor. Lists that are none can only be edited as YAML. */
export function configForm() {
  const t = pageWords();
  const device = (/** @type {string[]} */ ...models) => models.map((model) => ({ integration: "pbx", model }));
  const options = (/** @type {string[]} */ values, prefix = "") =>
    values.map((value) => ({ value, label: t(prefix + value) }));
  return {
    schema: [
      { name: "title", selector: { text: {} } },
      { name: "config_entry_id", selector: { config_entry: { integration: "pbx" } } },
      { name: "show", selector: { select: { multiple: true, mode: "list", options: options(PARTS) } } },
      { name: "contacts", selector: { device: { multiple: true, filter: device("Contact", "Extension") } } },
      { name: "caller", selector: { device: { filter: device("Extension") } } },
      { name: "confirm", default: "numbers", selector: { select: { mode: "dropdown", options: options(CONFIRM, "confirm_") } } },
    ],
    computeLabel: (/** @type {{name: string}} */ { name }) => pageWords()(`form_${name}`),
    computeHelper: (/** @type {{name: string}} */ { name }) =>
      (name === "title" ? undefined : pageWords()(`form_${name}_help`)),
    assertConfig: check,
  };
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

/** Offer the card and the dashboard in Home Assistant's dialogs. */
export function offerAll() {
  offer(/** @type {{type: string}[]} */ (window.customCards ??= []),
    { type: TYPE, preview: true, documentationURL, getEntitySuggestion: suggest }, "description");
  offer(/** @type {{type: string}[]} */ (window.customStrategies ??= []),
    { type: STRATEGY, strategyType: "dashboard", documentationURL }, "strategy_description");
}
