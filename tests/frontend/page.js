// Draws the card of page.html. What the query may say: lang, dark, tab, case, config (as JSON), layout,
// rows (older calls), fails, lost, press (what is clicked).

import "../../custom_components/pbx/frontend/pbx-phone-card.js";
import { Connection, contact, house, row, state } from "./house.js";

const query = new URLSearchParams(location.search);
const language = query.get("lang") ?? "en";
const isPersian = language === "fa";
document.documentElement.lang = language;
document.dir = isPersian ? "rtl" : "ltr";
document.documentElement.classList.toggle("dark", query.has("dark"));

const ago = (/** @type {number} */ minutes) => new Date(Date.now() - minutes * 60_000).toISOString();
const mum = isPersian ? "مامان" : "Mum";
const kitchen = isPersian ? "آشپزخانه" : "Kitchen";
const office = isPersian ? "دفتر" : "Office";
const called = { name: mum, contact: "mum", number: "+989121234567", answered_by: "101", answered_by_contact: kitchen };

const older = Array.from({ length: Number(query.get("rows") ?? 0) }, (_, n) =>
  row({ id: `old${n}`, started_at: ago(9000 + n * 50), name: `Caller ${n}`, contact: `c${n}`, missed: n % 3 === 0 }));
const rows = [
  row({ id: "in", state: "ringing_callee", started_at: ago(0.2), ended_at: null, ...called, answered_by: null, answered_by_contact: null, callee: "101", callee_contact: kitchen }),
  row({ id: "talk", state: "connected", direction: "outgoing", started_at: ago(62), ended_at: null, ring_time: 8, number: "02188881234", callee: "02188881234", caller: "102", caller_contact: office, asked_by: { type: "automation" }, may_hang_up: true }),
  row({ id: "m1", missed: true, seen: false, result: "no_answer", talk_time: null, started_at: ago(4), ...called, answered_by: null }),
  row({ id: "m2", missed: true, seen: true, result: "no_answer", talk_time: null, started_at: ago(30), ...called, answered_by: null }),
  row({ id: "x", started_at: ago(75), name: "<img src=x onerror=\"document.title='HACKED'\"><script>alert(1)</script>", answered_by: "102", answered_by_contact: office }),
  row({ id: "o", direction: "outgoing", started_at: ago(180), number: "+982188881234", result: "busy", talk_time: null, asked_by: { type: "user", name: "Anna" } }),
  row({ id: "y", started_at: ago(1500), number: null, anonymous: true, missed: true, result: "no_answer", talk_time: null, voicemail: true }),
  row({ id: "z", started_at: ago(1600), ...called, talk_time: 754 }),
  row({ id: "i", direction: "internal", started_at: ago(4600), number: null, caller: "101", caller_contact: kitchen, callee: "102", callee_contact: office }),
  ...older,
];
const contacts = [
  contact({ name: mum, number: "+989121234567", person: "person.mum" }),
  contact({ contact: "kitchen", name: kitchen, number: "101", is_extension: true, extension_state: "idle" }),
  contact({ contact: "office", name: office, number: "102", is_extension: true, extension_state: "in_use" }),
  contact({ contact: "door", name: isPersian ? "در ورودی" : "Door station with a name that is far too long for a phone", number: "103", is_extension: true, extension_state: "offline" }),
  contact({ contact: "dad", name: "Dad Ebrahimi", number: "02144556677" }),
];
/** @type {Record<string, Partial<StateMessage>>} */
const cases = {
  full: { rows, contacts },
  quiet: { rows: rows.slice(2), contacts },
  empty: { rows: [], contacts: [] },
  no_pbx: { pbxs: [], rows: [], contacts: [] },
  starting: { pbxs: [{ ...state().pbxs[0], ready: false, title: "Home" }].map((each) => /** @type {Pbx} */ (each)), rows: rows.slice(2), contacts },
  reader: { rows: rows.slice(2), contacts, may: { read: true, dial: [], call: [], hang_up: [], mark_seen: [] } },
  blind: { rows: [], contacts, may: { read: false, dial: ["pbx1"], call: ["pbx1"], hang_up: ["pbx1"], mark_seen: ["pbx1"] } },
};
const connection = new Connection();
connection.first = state(cases[query.get("case") ?? "full"]);
/** @type {any} */
const values = { language, locale: { language, time_format: "language", time_zone: "local" } };
if (query.has("fails")) values.fails = { message: isPersian ? "این شماره مجاز نیست." : "The number is not allowed. Ask an administrator to add it." };
const hass = house(connection, values);
const card = /** @type {any} */ (document.createElement("pbx-phone-card"));
if (query.has("layout")) card.layout = query.get("layout");
card.setConfig(JSON.parse(query.get("config") ?? "{}"));
card.hass = hass;
document.body.append(card);
Object.assign(window, { card, hass, connection, ago, row });

await new Promise((resolve) => setTimeout(resolve, 50));
const tab = query.get("tab");
if (tab) card.shadowRoot.getElementById(`tab-${tab}`).click();
const press = query.get("press");
if (press) card.shadowRoot.querySelector(press).click();
if (query.has("lost")) connection.fire("disconnected");
