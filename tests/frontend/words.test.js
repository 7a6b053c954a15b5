import assert from "node:assert/strict";
import { test } from "node:test";

import { summary } from "../../custom_components/pbx/frontend/calls.js";
import { callers, mayCall, ownCaller, usualCaller } from "../../custom_components/pbx/frontend/dial.js";
import { elapsed, houseOf } from "../../custom_components/pbx/frontend/now.js";
import * as format from "../../custom_components/pbx/frontend/words.js";
import { EMPTY, reduce } from "../../custom_components/pbx/frontend/store.js";
import { TEXTS, words } from "../../custom_components/pbx/frontend/words.js";
import { Connection, contact, house, row, state } from "./house.js";

const hass = house(new Connection());
const fa = { ...hass, language: "fa", locale: { ...hass.locale, language: "fa" } };
const t = words("en");
const at = Date.parse("2026-11-20T10:05:00Z");

test("both languages have the same keys and placeholders", () => {
  const holders = (/** @type {string} */ text) => (text.match(/\{\w+\}/g) ?? []).sort();
  assert.deepEqual(Object.keys(/** @type {any} */ (TEXTS.fa)), Object.keys(/** @type {any} */ (TEXTS.en)));
  for (const [key, text] of Object.entries(/** @type {any} */ (TEXTS.en)))
    assert.deepEqual(holders(/** @type {any} */ (TEXTS.fa)[key]), holders(/** @type {string} */ (text)), key);
});

test("words: plural forms, isolated values, English where a language is not known", () => {
  assert.equal(t("unseen", { count: 1 }), "1 new missed call");
  assert.equal(t("unseen", { count: 2 }), "2 new missed calls");
  assert.equal(t("call_name", { name: "<b>" }), "Call \u2068<b>\u2069");
  assert.equal(words("fa")("unseen", { count: 12 }), "۱۲ تماس بی‌پاسخ تازه");
  assert.equal(words("de")("calls"), "Calls");
  assert.equal(words("en-GB")("calls"), "Calls");
  assert.equal(t("not_there"), "not_there");
});

test("times by the language, the user's choice and the house's time zone", () => {
  assert.equal(format.clock(hass, at).replace(/\s/g, " "), "10:05 AM");
  const tehran = { ...hass, config: { time_zone: "Asia/Tehran" }, locale: { ...hass.locale, time_format: "24" } };
  assert.equal(format.clock(tehran, at), "13:35");
  assert.equal(format.dayKey(tehran, Date.parse("2026-11-20T21:00:00Z")), "2026-11-21");
  assert.equal(format.dayName(hass, t, at, at), "Today");
  assert.equal(format.dayName(hass, t, at, at + 86_400_000), "Yesterday");
  assert.equal(format.dayName(hass, t, at, at + 3 * 86_400_000), "Friday, November 20");
  assert.match(format.dayName(fa, words("fa"), at, at + 3 * 86_400_000), /آبان/);
  assert.match(format.dayName(hass, t, at, at + 400 * 86_400_000), /2026/);
  assert.equal(format.relative(hass, t, at, at + 30_000), "just now");
  assert.equal(format.relative(hass, t, at, at + 300_000), "5 min. ago");
  assert.equal(format.relative(hass, t, at, at + 7_200_000).replace(/\s/g, " "), "10:05 AM");
});

test("durations", () => {
  assert.equal(format.duration("en", 5.9), "0:05");
  assert.equal(format.duration("en", -1), "0:00");
  assert.equal(format.duration("en", 3723), "1:02:03");
  assert.equal(format.duration("fa", 65), "۱:۰۵");
  assert.equal(elapsed(row({ state: "connected", ring_time: 10 }), Date.parse("2026-11-20T10:00:15Z")), 5);
  assert.equal(elapsed(row({ state: "ringing_callee", ring_time: null }), Date.parse("2026-11-20T10:00:15Z")), 15);
});

test("names, initials, what became of a call", () => {
  assert.equal(format.initials("anna maria Berg"), "AB");
  assert.equal(format.initials("مادر بزرگ"), "م");
  assert.equal(format.initials("+98 21"), "");
  assert.equal(format.nameOf(row({ name: "Mum" }), t), "Mum");
  assert.equal(format.nameOf(row({}), t), "09121234567");
  assert.equal(format.nameOf(row({ number: null, anonymous: true }), t), "Withheld number");
  assert.equal(format.nameOf(row({ number: null, direction: "internal", caller: "101", callee_contact: "Office" }), t),
    "\u2068101\u2069 and \u2068Office\u2069");
  assert.equal(summary(row({ missed: true, result: "no_answer", talk_time: 0, voicemail: true }), t, "en"), "Missed · Voicemail");
  assert.equal(summary(row({ answered_by: "101", answered_by_contact: "Kitchen" }), t, "en"),
    "answered by \u2068Kitchen\u2069 · 0:55");
  assert.equal(summary(row({ talk_time: null }), t, "en"), "Incoming");
  assert.equal(summary(row({ direction: "outgoing", result: "busy", talk_time: null, asked_by: { type: "automation" } }), t, "en"),
    "Busy · from \u206809121234567\u2069 · by \u2068automation\u2069");
  assert.equal(houseOf(row({ callee_contact: "Kitchen" })), "Kitchen");
  assert.equal(houseOf(row({ direction: "outgoing", caller: "102" })), "102");
  for (const result of ["no_answer", "busy", "declined", "failed", "caller_unreachable", "undetermined"])
    assert.ok(result in /** @type {any} */ (TEXTS.en), result);
});

test("who rings first: the card's caller, the phone of who is signed in, the default", () => {
  const own = contact({ contact: "desk", name: "Desk", number: "103", is_extension: true, person: "person.anna" });
  const loaded = reduce(EMPTY, state({ contacts: [...state().contacts, own] }), 0);
  const signedIn = { "person.anna": { attributes: { user_id: "u1" } } };
  /** @param {CardConfig} config @param {Partial<Data>} [data] @param {any} [states] @returns {any} */
  const context = (config, data = {}, states = {}) => ({ hass: { ...hass, states }, config, all: { ...loaded, ...data } });
  const usual = (/** @type {any} */ each) => usualCaller(each, "pbx1")?.number;
  assert.equal(usual(context({})), "101");
  assert.equal(ownCaller(context({}), "pbx1"), null, "the default is left to the PBX: a contact may have another");
  assert.equal(ownCaller(context({}, {}, signedIn), "pbx1")?.number, "103");
  assert.equal(ownCaller(context({ caller: "office" }, {}, signedIn), "pbx1")?.number, "102");
  assert.equal(usual(context({ caller: "555" }, {}, signedIn)), "555");
  assert.equal(usual(context({}, { defaultCaller: { pbx1: "102", pbx2: "1" } })), "102");
  assert.equal(usual(context({}, { defaultCaller: { pbx1: null } })), undefined);
  const numbers = (/** @type {CardConfig} */ config) => callers(context(config), "pbx1").map(({ number }) => number);
  assert.deepEqual(numbers({ caller: "555" }), ["555", "101", "102", "103"]);
  assert.deepEqual(numbers({}), ["101", "102", "103"]);
  assert.deepEqual(callers(context({ caller: "kitchen" }), "pbx2"), [], "a phone of another PBX");
});

test("a contact is called by who may press its button, another number by who may dial", () => {
  const contacts = [contact({}), contact({ contact: "door", button_entity_id: null })];
  const data = reduce(EMPTY, state({ contacts, may: { read: true, dial: ["pbx2"], call: ["pbx1"], hang_up: [], mark_seen: [] } }), 0);
  /** @param {string | null} id @param {string} [entry] */
  const may = (id, entry = "pbx1") => mayCall(data, { config_entry_id: entry, name: "", number: "1", contact: id });
  assert.equal(may("mum"), true);
  assert.equal(may("door"), false);
  assert.equal(may("not in this card"), true);
  assert.equal(may("mum", "pbx2"), false);
  assert.equal(may(null), false);
  assert.equal(may(null, "pbx2"), true);
});

test("what is missing is said in words", () => {
  const of = (/** @type {Partial<StateMessage>} */ values, /** @type {PartName[]} */ parts = ["contacts"]) =>
    format.missing(reduce(EMPTY, state(values), 0), parts, t);
  const none = { read: true, dial: [], call: [], hang_up: [], mark_seen: [] };
  const [pbx] = /** @type {[Pbx]} */ (state().pbxs);
  assert.equal(of({}), "");
  assert.match(format.missing(EMPTY, [], t), /^Connecting/);
  assert.match(format.missing({ ...EMPTY, status: "lost" }, [], t), /^Connection lost/);
  assert.match(format.missing({ ...EMPTY, status: "missing" }, [], t), /starting/);
  assert.match(format.missing({ ...EMPTY, status: "denied" }, [], t), /permission to see/);
  assert.match(of({ pbxs: [] }), /^No PBX/);
  assert.match(of({ pbxs: [{ ...pbx, ready: false }] }), /^The PBX is starting/);
  assert.equal(of({ pbxs: [pbx, { ...pbx, config_entry_id: "pbx2", title: "Office", ready: false }] }), "Starting: \u2068Office\u2069…");
  assert.match(of({ may: none }), /permission to call/);
  assert.equal(of({ may: none }, ["calls"]), "");
  assert.match(of({ may: { ...none, read: false } }, ["calls"]), /permission to see/);
});
