// The dashboard "Telephone": built from the PBXs and contacts that are there.

import { words } from "./text.js";

const CARD = "custom:pbx-phone-card";
// Home Assistant's own tiles, in this order.
const TILES = ["connected", "active_calls", "missed_calls", "calls", "hang_up"];

/** @param {Hass} hass @param {HassEntity} entity */
function isUsable(hass, { entity_id: id, hidden }) {
  const state = hass.states[id]?.state;
  return !hidden && state !== undefined && state !== "unavailable";
}

/**
 * The tiles of the entities of a device that have one of these kinds.
 * @param {Hass} hass
 * @param {HassDevice} device
 * @param {string[]} kinds
 * @param {"entity" | "device"} name whose name they have
 */
function tiles(hass, device, kinds, name) {
  return Object.values(hass.entities)
    .filter((each) => each.platform === "pbx" && each.device_id === device.id && isUsable(hass, each))
    .filter((each) => kinds.includes(each.translation_key ?? ""))
    .sort((a, b) => kinds.indexOf(a.translation_key ?? "") - kinds.indexOf(b.translation_key ?? ""))
    .map((each) => ({ type: "tile", entity: each.entity_id, name: { type: name } }));
}

/** @param {HassDevice} device */
function nameOf(device) {
  return device.name_by_user || device.name || "PBX";
}

/**
 * Return the configuration of the dashboard.
 * @param {Hass} hass
 */
export function dashboard(hass) {
  const t = words(hass.language);
  const ours = new Set(Object.values(hass.entities).filter(({ platform }) => platform === "pbx").map((each) => each.device_id));
  const collator = new Intl.Collator(hass.language);
  const devices = Object.values(hass.devices)
    .filter(({ id }) => ours.has(id))
    .sort((a, b) => collator.compare(nameOf(a), nameOf(b)));
  const section = (/** @type {object[]} */ ...cards) => ({ type: "grid", cards });
  const heading = (/** @type {string} */ text, icon = "mdi:phone") => ({ type: "heading", heading: text, icon });
  const sections = [
    section({ type: CARD, show: ["now", "contacts", "keypad"], grid_options: { columns: 12, rows: 10 } }),
    section({ type: CARD, show: ["calls"], grid_options: { columns: 12, rows: 10 } }),
  ];
  const extensions = devices.flatMap((device) => tiles(hass, device, ["extension_state"], "device"));
  const states = devices.flatMap((device) => {
    const cards = tiles(hass, device, TILES, "entity");
    return cards.length ? [heading(nameOf(device), "mdi:phone-classic"), ...cards] : [];
  });
  if (extensions.length) states.push(heading(t("extensions"), "mdi:deskphone"), ...extensions);
  if (!devices.length) sections.unshift(section({ type: "markdown", content: t("no_pbx") }));
  if (states.length) sections.push(section(...states));
  return {
    title: t("name"),
    views: [{ title: t("name"), path: "telephone", icon: "mdi:phone", type: "sections", max_columns: 3, sections }],
  };
}

/** Built anew when an entity or a device is added or renamed. */
export class PbxTelephoneStrategy extends HTMLElement {
  static registryDependencies = ["entities", "devices"];
  static noEditor = true;

  /**
   * @param {object} _config
   * @param {Hass} hass
   */
  static async generate(_config, hass) {
    return dashboard(hass);
  }

  /** @param {Hass} hass */
  static getCreateSuggestions(hass) {
    return { title: words(hass.language)("name"), icon: "mdi:phone" };
  }
}
