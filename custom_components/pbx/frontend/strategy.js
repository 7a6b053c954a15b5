// The dashboard "Telephone": built from the PBXs and contacts that are there.

import { words } from "./words.js";

const CARD = "custom:pbx-phone-card";
// Home Assistant's own tiles, in this order. Our card shows the rest.
const TILES = ["connected", "active_calls", "missed_calls"];

/** @param {string} entity */
function isKnown(entity) {
  return { condition: "state", entity, state_not: ["unknown", "unavailable"] };
}

/**
 * A tile that is not there while there is nothing to show in it.
 * @param {HassEntity} entity
 * @param {"entity" | "device"} name whose name it has
 */
function tile({ entity_id: entity }, name) {
  return { type: "tile", entity, name: { type: name }, visibility: [isKnown(entity)] };
}

/**
 * Tiles with a heading, as long as there is one to show.
 * @param {string} heading
 * @param {string} icon
 * @param {{entity: string}[]} cards
 */
function tiles(heading, icon, cards) {
  const conditions = cards.map(({ entity }) => isKnown(entity));
  return cards.length ? [{ ...section(heading, icon, ...cards), visibility: [{ condition: "or", conditions }] }] : [];
}

/**
 * The entities of a device that have one of these kinds, in their order.
 * @param {Hass} hass
 * @param {HassDevice} device
 * @param {string[]} kinds
 */
function entitiesOf(hass, device, kinds) {
  const own = Object.values(hass.entities)
    .filter((each) => each.platform === "pbx" && each.device_id === device.id && !each.hidden && each.entity_id in hass.states);
  return kinds.flatMap((kind) => own.filter((each) => each.translation_key === kind));
}

/** @param {HassDevice} device */
function nameOf(device) {
  return device.name_by_user || device.name || "PBX";
}

/**
 * Return our devices by their names.
 * @param {Hass} hass
 */
function devicesOf(hass) {
  const ours = new Set(Object.values(hass.entities).map((each) => each.platform === "pbx" && each.device_id));
  const collator = new Intl.Collator(hass.language);
  return Object.values(hass.devices)
    .filter(({ id }) => ours.has(id))
    .sort((a, b) => collator.compare(nameOf(a), nameOf(b)));
}

/**
 * @param {string} heading
 * @param {string} icon
 * @param {...object} cards
 */
function section(heading, icon, ...cards) {
  return { type: "grid", cards: [{ type: "heading", heading, icon }, ...cards] };
}

/** @param {string[]} show */
function phone(...show) {
  return { type: CARD, show, grid_options: { columns: 12, rows: 10 } };
}

/**
 * Return the configuration of the dashboard.
 * @param {Hass} hass
 */
export function dashboard(hass) {
  const t = words(hass.language);
  const devices = devicesOf(hass);
  const states = (/** @type {HassDevice} */ device) => entitiesOf(hass, device, TILES).map((each) => tile(each, "entity"));
  const extensions = devices.flatMap((device) => entitiesOf(hass, device, ["extension_state"]).map((each) => tile(each, "device")));
  const sections = [
    section(t("name"), "mdi:phone", phone("now", "contacts", "keypad")),
    section(t("calls"), "mdi:history", phone("calls")),
    ...devices.flatMap((device) => tiles(nameOf(device), "mdi:phone-classic", states(device))),
    ...tiles(t("extensions"), "mdi:deskphone", extensions),
  ];
  return {
    title: t("name"),
    views: [{
      title: t("name"), path: "telephone", icon: "mdi:phone", type: "sections", max_columns: 3, dense_section_placement: true,
      // Without a PBX, the card says what to do.
      sections: devices.length ? sections : sections.slice(0, 1),
    }],
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
