import assert from "node:assert/strict";
import { test } from "node:test";

/** @type {any} */ (globalThis).HTMLElement = class {};
const { dashboard, PbxTelephoneStrategy } = await import("../../custom_components/pbx/frontend/strategy.js");
const { Connection, house } = await import("./house.js");

const entity = (/** @type {string} */ id, /** @type {string} */ key, device = "pbx", values = {}) =>
  [id, { entity_id: id, platform: "pbx", device_id: device, translation_key: key, ...values }];
const hass = house(new Connection(), {
  language: "fa",
  devices: {
    pbx: { id: "pbx", name: "Home" }, office: { id: "office", name: "Office" }, lamp: { id: "lamp", name: "Lamp" },
  },
  entities: Object.fromEntries([
    entity("sensor.active", "active_calls"), entity("binary_sensor.connected", "connected"),
    entity("sensor.hidden", "missed_calls", "pbx", { hidden: true }), entity("event.gone", "calls"),
    entity("sensor.office", "extension_state", "office"), entity("button.office", "call", "office"),
    entity("light.lamp", "connected", "lamp", { platform: "hue" }),
  ]),
  states: {
    "sensor.active": { state: "0" }, "binary_sensor.connected": { state: "on" }, "sensor.hidden": { state: "0" },
    "sensor.office": { state: "idle" }, "button.office": { state: "unknown" }, "light.lamp": { state: "on" },
    "event.gone": { state: "unavailable" },
  },
});

test("the dashboard has our card, and tiles of what is there", () => {
  const { title, views: [view] } = /** @type {any} */ (dashboard(hass));
  assert.equal(title, "تلفن");
  const [telephone, calls, ...tiles] = view.sections;
  assert.deepEqual([telephone, calls].map(({ cards }) => cards[1].show), [["now", "contacts", "keypad"], ["calls"]]);
  const shown = tiles.map((/** @type {any} */ { cards }) => cards.map((/** @type {any} */ card) => card.entity ?? card.heading));
  assert.deepEqual(shown, [["Home", "binary_sensor.connected", "sensor.active"], ["داخلی‌ها", "sensor.office"]]);
});

test("no tile says *Unknown*: it comes as its state is known", () => {
  const { views: [view] } = /** @type {any} */ (dashboard(hass));
  const tiles = view.sections.flatMap((/** @type {any} */ { cards }) => cards).filter((/** @type {any} */ { type }) => type === "tile");
  assert.equal(tiles.length, 3);
  // Nor is a heading alone.
  const [{ condition, conditions }] = view.sections[2].visibility;
  assert.deepEqual([condition, conditions.map((/** @type {any} */ each) => each.entity)], ["or", ["binary_sensor.connected", "sensor.active"]]);
  for (const { entity, visibility } of tiles)
    assert.deepEqual(visibility, [{ condition: "state", entity, state_not: ["unknown", "unavailable"] }]);
});

test("without a PBX, our card says so", () => {
  const { views: [view] } = /** @type {any} */ (dashboard({ ...hass, devices: {}, entities: {} }));
  assert.deepEqual(view.sections.map((/** @type {any} */ { cards }) => cards[1].type), ["custom:pbx-phone-card"]);
});

test("what the dialog of a new dashboard asks for", async () => {
  assert.deepEqual(PbxTelephoneStrategy.getCreateSuggestions(hass), { title: "تلفن", icon: "mdi:phone" });
  assert.deepEqual(await PbxTelephoneStrategy.generate({}, hass), dashboard(hass));
});
