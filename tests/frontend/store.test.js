import assert from "node:assert/strict";
import { test } from "node:test";

import { groups, isSameItem } from "../../custom_components/pbx/frontend/calls.js";
import { find } from "../../custom_components/pbx/frontend/contacts.js";
import * as store from "../../custom_components/pbx/frontend/store.js";
import { contact, row, state } from "./house.js";

const NOW = Date.parse("2026-11-20T12:00:00Z");
const minute = (/** @type {number} */ n) => `2026-11-20T10:${String(n).padStart(2, "0")}:00+00:00`;
const ids = (/** @type {Data} */ data) => data.rows.map(({ id }) => id);
const reduce = (/** @type {Data} */ data, /** @type {Change} */ change) => store.reduce(data, change, NOW);
const loaded = (/** @type {Row[]} */ ...rows) => reduce(store.EMPTY, state({ rows }));

test("the state replaces everything, the server's clock is kept as an offset", () => {
  const data = reduce(store.EMPTY, state({ now: "2026-11-20T12:00:07Z", rows: [row({})] }));
  assert.equal(data.offset, 7000);
  assert.equal(data.status, "open");
  assert.equal(data.hasMore, false);
});

test("50 rows: there may be more", () => {
  const rows = Array.from({ length: 50 }, (_, n) => row({ id: String(n), started_at: minute(n) }));
  assert.equal(loaded(...rows).hasMore, true);
});

test("a row stands where its call began, and is replaced by its id", () => {
  let data = loaded(row({ id: "a", started_at: minute(1) }), row({ id: "c", started_at: minute(3) }));
  data = reduce(data, { type: "row", row: row({ id: "b", started_at: minute(2) }) });
  assert.deepEqual(ids(data), ["c", "b", "a"]);
  const [c, , a] = data.rows;
  data = reduce(data, { type: "row", row: row({ id: "b", started_at: minute(2), missed: true }) });
  assert.deepEqual(ids(data), ["c", "b", "a"]);
  assert.equal(data.rows[1]?.missed, true);
  assert.ok(data.rows[0] === c && data.rows[2] === a, "other rows stay the same objects");
});

test("a row that is sent again unchanged stays the same object", () => {
  const before = loaded(row({ id: "a" }), row({ id: "b", started_at: minute(1) }));
  const after = reduce(before, state({ rows: [row({ id: "a" }), row({ id: "b", started_at: minute(1), name: "Mum" })] }));
  const [changed, same] = after.rows;
  assert.equal(same, before.rows.find(({ id }) => id === "a"));
  assert.equal(changed?.name, "Mum");
});

test("an old row waits for its page, a live one does not", () => {
  const rows = Array.from({ length: 50 }, (_, n) => row({ id: String(n), started_at: minute(n + 5) }));
  const data = loaded(...rows);
  const late = row({ id: "late", started_at: minute(0) });
  assert.equal(reduce(data, { type: "row", row: late }), data);
  const live = reduce(data, { type: "row", row: { ...late, state: "connected", ended_at: null } });
  assert.equal(live.rows.length, 51);
  // The last one is known: it changes.
  const seen = reduce(data, { type: "row", row: row({ id: "0", started_at: minute(5), name: "Mum" }) });
  assert.equal(seen.rows.at(-1)?.name, "Mum");
});

test("a page does not overwrite what came meanwhile", () => {
  const data = loaded(row({ id: "a", started_at: minute(9), missed: false }));
  const paged = reduce(data, {
    type: "page", has_more: true, before: "a", asked: data.rows,
    rows: [row({ id: "a", started_at: minute(9), missed: true }), row({ id: "b", started_at: minute(8) })],
  });
  assert.deepEqual(ids(paged), ["a", "b"]);
  assert.equal(paged.rows[0]?.missed, false);
  assert.equal(paged.hasMore, true);
  assert.equal(reduce(data, { type: "page", has_more: false, before: "gone", asked: data.rows, rows: [] }), data);
});

test("removed, lost", () => {
  const data = loaded(row({ id: "a" }), row({ id: "b" }));
  assert.deepEqual(ids(reduce(data, { type: "removed", id: "a" })), ["b"]);
  const lost = reduce(data, { type: "status", status: "lost" });
  assert.equal(lost.status, "lost");
  assert.equal(lost.rows, data.rows);
  assert.equal(reduce(data, /** @type {any} */ ({ type: "news" })), data, "an unknown message changes nothing");
});

test("a card shows one PBX, and contacts in its order", () => {
  const data = reduce(store.EMPTY, state({
    rows: [row({ id: "a" }), row({ id: "b", config_entry_id: "pbx2" })],
    contacts: [contact({}), contact({ contact: "dad", name: "Dad" }), contact({ contact: "x", config_entry_id: "pbx2" })],
  }));
  const shown = store.select(data, { config_entry_id: "pbx1", contacts: ["Dad", "gone", "mum", "x"] });
  assert.deepEqual(ids(shown), ["a"]);
  assert.deepEqual(shown.contacts.map((each) => each.contact), ["dad", "mum"]);
  assert.equal(store.select(data, {}).contacts.length, 3);
});

test("what rings comes first", () => {
  const live = { state: /** @type {const} */ ("connected"), ended_at: null };
  const rows = store.liveRows([
    row({ id: "new", ...live, started_at: minute(9) }), row({ id: "done" }),
    row({ id: "talks", ...live, started_at: minute(1) }),
    row({ id: "rings", ...live, state: "ringing_callee", started_at: minute(0) }),
  ]);
  assert.deepEqual(rows.map(({ id }) => id), ["rings", "new", "talks"]);
});

test("calls with the same party in a row are one group, by day, not missed with answered", () => {
  const day = (/** @type {Row} */ { started_at: at }) => at.slice(0, 10);
  const items = groups([
    row({ id: "live", state: "connected", ended_at: null }),
    row({ id: "a", contact: "mum" }), row({ id: "b", contact: "mum", number: "2" }),
    row({ id: "c", contact: "mum", missed: true }),
    row({ id: "d", number: null, anonymous: true }), row({ id: "e", number: null, anonymous: true }),
    row({ id: "f", started_at: "2026-11-19T10:00:00Z" }), row({ id: "g", started_at: "2026-11-19T09:00:00Z", config_entry_id: "pbx2" }),
  ], day);
  assert.deepEqual(items.map(({ key, rows }) => [key, rows.length]), [
    ["day 2026-11-20", 0], ["a", 2], ["c", 1], ["d", 1], ["e", 1], ["day 2026-11-19", 0], ["f", 1], ["g", 1],
  ]);
  assert.ok(isSameItem(/** @type {any} */ (items[1]), { .../** @type {any} */ (items[1]) }));
  assert.ok(!isSameItem(/** @type {any} */ (items[1]), /** @type {any} */ (items[2])));
});

test("what a phone does changes one contact", () => {
  const data = loaded();
  const after = reduce(data, { type: "extension", contact: "kitchen", extension_state: "ringing" });
  assert.deepEqual(after.contacts.map((each) => each.extension_state), [null, "ringing", "in_use"]);
  assert.equal(after.contacts[2], data.contacts[2]);
});

test("search finds names without case and accents, and digits of any script in numbers", () => {
  const people = [contact({ name: "José" }), contact({ contact: "2", name: "علي", number: "+98 21-8800" })];
  const found = (/** @type {string} */ text) => find(people, text).map(({ name }) => name);
  assert.deepEqual(found(" jose "), ["José"]);
  assert.deepEqual(found("علی"), ["علي"]);
  assert.deepEqual(found("۲۱ ۸۸"), ["علي"]);
  assert.deepEqual(found("0912"), ["José"]);
  assert.deepEqual(found("nobody"), []);
  assert.equal(found("").length, 2);
});

test("what can be dialed of a text", () => {
  assert.equal(store.dialable("tel:+98 (21) ۸۸۰-٠٠*#"), "+9821880" + "00*#");
  assert.equal(store.dialable("call me"), "");
});

test("what a PBX can do", () => {
  const data = loaded();
  assert.equal(store.supports(data, "pbx1", "speech"), true);
  assert.equal(store.supports(data, "pbx1", "keys"), false);
});
