import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { act, feedOf, messageOf } from "../../custom_components/pbx/frontend/store.js";
import { Connection, house, row, state } from "./house.js";

const settled = () => new Promise((resolve) => setImmediate(resolve));

test("one subscription for all cards, ended a while after the last one", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const connection = new Connection();
    connection.first = state();
    const feed = feedOf(connection);
    assert.equal(feedOf(connection), feed);
    let changes = 0;
    const first = feed.listen(() => (changes += 1));
    const second = feed.listen(() => {});
    await settled();
    assert.deepEqual(connection.sent, [{ type: "pbx/subscribe", options: { resubscribe: false } }]);
    assert.equal(feed.data.status, "open");
    connection.send({ type: "row", row: row({}) });
    assert.equal(changes, 2);
    first();
    second();
    mock.timers.tick(4000);
    const third = feed.listen(() => {});
    mock.timers.tick(60_000);
    assert.equal(connection.unsubscribed, 0, "a change of the view is no reason to begin anew");
    third();
    mock.timers.tick(5000);
    assert.equal(connection.unsubscribed, 1);
    assert.equal(feed.data.status, "connecting");
    connection.send({ type: "removed", id: "1" });
    assert.equal(feed.data.rows.length, 0);
    feed.listen(() => {});
    await settled();
    assert.equal(connection.sent.length, 2);
    assert.equal(feed.data.status, "open");
  } finally {
    mock.timers.reset();
  }
});

test("a refused subscription is tried again until it succeeds, after a restart, too", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const connection = new Connection();
    connection.refusal = { code: "unknown_command" };
    const feed = feedOf(connection);
    feed.listen(() => {});
    await settled();
    assert.equal(feed.data.status, "missing");
    mock.timers.tick(3000);
    await settled();
    assert.equal(connection.sent.length, 2);
    connection.refusal = { code: "unauthorized" };
    mock.timers.tick(3000);
    await settled();
    assert.equal(feed.data.status, "denied");
    connection.refusal = null;
    connection.first = state();
    mock.timers.tick(3000);
    await settled();
    assert.equal(feed.data.status, "open");
    connection.fire("disconnected");
    assert.equal(feed.data.status, "lost");
    mock.timers.tick(60_000);
    assert.equal(connection.sent.length, 4, "nothing is tried while there is no connection");
    connection.refusal = { code: "unknown_command" };
    connection.fire("ready");
    await settled();
    assert.equal(feed.data.status, "missing");
    connection.refusal = null;
    mock.timers.tick(3000);
    await settled();
    assert.equal(feed.data.status, "open");
    // What an earlier subscription still sends is of no interest.
    connection.subscribers[0]?.({ type: "row", row: row({ id: "stale" }) });
    assert.equal(feed.data.rows.length, 0);
  } finally {
    mock.timers.reset();
  }
});

test("older calls are read once for all who ask", async () => {
  const connection = new Connection();
  const rows = Array.from({ length: 50 }, (_, n) => row({ id: String(n), started_at: `2026-11-20T10:${n + 5}:00Z` }));
  connection.first = state({ rows: [...rows].map((each, n) => ({ ...each, started_at: new Date(2e12 + n * 1000).toISOString() })) });
  const feed = feedOf(connection);
  feed.listen(() => {});
  await settled();
  connection.page = { rows: [row({ id: "old" })], has_more: false };
  await Promise.all([feed.more(), feed.more()]);
  assert.deepEqual(connection.sent.slice(1), [{ type: "pbx/calls", before: "0", limit: 50 }]);
  assert.equal(feed.data.rows.at(-1)?.id, "old");
  await feed.more();
  assert.equal(connection.sent.length, 2, "there is no more");
});

test("as the state is sent again, older calls stay, and are read again", async () => {
  const connection = new Connection();
  const rows = Array.from({ length: 120 }, (_, n) => row({ id: String(n), started_at: new Date(2e12 - n * 1000).toISOString() }));
  connection.first = state({ rows: rows.slice(0, 50) });
  const feed = feedOf(connection);
  feed.listen(() => {});
  await settled();
  connection.page = { rows: rows.slice(50), has_more: true };
  await feed.more();
  const [, , kept] = feed.data.rows;
  connection.page = { rows: rows.slice(50).map((each) => (each.id === "60" ? { ...each, name: "Mum" } : each)).filter(({ id }) => id !== "70"), has_more: true };
  connection.send(state({ rows: rows.slice(0, 50).map((each) => ({ ...each })) }));
  assert.equal(feed.data.rows.length, 120, "nothing is gone meanwhile");
  assert.equal(feed.data.rows[2], kept);
  assert.deepEqual(connection.sent.at(-1), { type: "pbx/calls", before: "49", limit: 70 });
  connection.send({ type: "row", row: { ...rows[80], name: "Dad" } });
  await settled();
  assert.equal(feed.data.rows.length, 119);
  const of = (/** @type {string} */ id) => feed.data.rows.find((each) => each.id === id);
  assert.equal(of("60")?.name, "Mum");
  assert.equal(of("70"), undefined);
  assert.equal(of("80")?.name, "Dad", "what came meanwhile is newer");
  assert.equal(feed.data.hasMore, true);
  // A log that was emptied, and a PBX that was removed, leave nothing.
  connection.send(state({ rows: rows.slice(0, 3) }));
  assert.equal(feed.data.rows.length, 3);
});

test("an action leaves out what is undefined, and fails in the user's language", async () => {
  const connection = new Connection();
  const hass = house(connection);
  await act(hass, "originate", { callee: "101", caller: undefined });
  assert.deepEqual(hass.calls, [["pbx", "originate", { callee: "101" }, undefined, false, false]]);
  const fails = { code: "service_validation_error", message: "Only contacts.", translation_domain: "pbx", translation_key: "contacts_only" };
  await assert.rejects(act(house(connection, { fails }), "originate", {}), { message: "Nur Kontakte." });
  const other = { ...fails, translation_domain: "homeassistant" };
  assert.equal(await messageOf(hass, other), "Only contacts.");
  assert.equal(await messageOf(hass, { ...fails, translation_key: "not_there" }), "Only contacts.");
  assert.equal(await messageOf(hass, { translation_key: "contacts_only" }), "Nur Kontakte.");
  assert.equal(await messageOf({ ...hass, loadBackendTranslation: () => Promise.reject(new Error()) }, fails), "Only contacts.");
  // Home Assistant's own refusal has no key, and neither has the end of a connection.
  assert.match(await messageOf(hass, { code: "unauthorized", message: "Unauthorized" }), /^You do not have permission/);
  assert.match(await messageOf({ ...hass, language: "fa" }, { code: "unauthorized" }), /اجازه/);
  assert.match(await messageOf(hass, { type: "result", error: { code: 3, message: "Connection lost" } }), /^Connection lost/);
  assert.match(await messageOf(hass, undefined), /^The action failed/);
});
