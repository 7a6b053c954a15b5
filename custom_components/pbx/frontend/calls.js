// The call log: days, groups, calling back.

import { mayCall } from "./dial.js";
import { attribute, emptyState, h, icon, keyed, press, setText } from "./dom.js";
import { isLive } from "./store.js";
import { clock, dayKey, dayName, duration, nameOf, relative, time } from "./words.js";

/**
 * A heading without rows, or calls with the same party in a row (the newest first). `at` in ms.
 * @typedef {{key: string, day: string, at: number, rows: Row[]}} Item
 */

/**
 * @param {Element} root
 * @param {Context} context
 * @returns {Part}
 */
export function callsPart(root, context) {
  const { t } = context;
  let missedOnly = false;
  const filters = filterButtons(t, (missed) => {
    missedOnly = missed;
    if (missed) context.markSeen();
    draw();
  });
  const list = h("ul", { class: "calls", "aria-label": t("calls") });
  const empty = emptyState("clock");
  const scroll = h("div", { class: "scroll" }, list, empty.element);
  root.append(filters.element, scroll);
  const rows = keyed(list, (/** @type {Item} */ item) => item.key,
    (item) => (item.rows.length ? callRow(item, context) : heading(context)), isSameItem);
  const pages = pager(scroll, context);
  const dayOf = days(context);
  let today = "";
  let drawnFor = "";

  const draw = () => {
    const { data: { hasMore, may, rows: all }, hass, live } = context;
    const items = groups(may.read ? all.filter((row) => !missedOnly || row.missed) : [], dayOf);
    // What concerns all rows; everything else only those that changed.
    today = dayKey(hass, context.now());
    const basis = JSON.stringify([may, live, today]);
    rows.draw(items, basis !== drawnFor);
    drawnFor = basis;
    filters.draw(missedOnly, all.filter((row) => row.missed && !row.seen).length);
    pages.read();
    const nothing = may.read ? (missedOnly ? "no_missed" : "no_calls") : "no_read";
    empty.draw(items.length || (may.read && hasMore) ? "" : t(nothing));
  };
  return {
    draw,
    tick() {
      // A new day changes the headings, too.
      if (today !== dayKey(context.hass, context.now())) draw();
      for (const { element, item: { rows: [row] } } of rows.kept.values()) {
        const at = element.querySelector("time");
        if (row && at) setText(at, timeOf(row, context));
      }
    },
    close: pages.close,
  };
}

/**
 * All calls, or those that were missed.
 * @param {Words} t
 * @param {(missed: boolean) => void} choose
 */
function filterButtons(t, choose) {
  const all = h("button", { type: "button", text: t("all") });
  const missed = h("button", { type: "button" });
  press(all, { tap: () => choose(false) });
  press(missed, { tap: () => choose(true) });
  return {
    element: h("div", { class: "filters", role: "group", "aria-label": t("calls") }, all, missed),
    /**
     * @param {boolean} missedOnly
     * @param {number} unseen
     */
    draw(missedOnly, unseen) {
      attribute(all, "aria-pressed", String(!missedOnly));
      attribute(missed, "aria-pressed", String(missedOnly));
      setText(missed, unseen ? t("with_count", { name: t("missed"), count: unseen }) : t("missed"));
    },
  };
}

/**
 * Read older calls while the end of the list is in view, or near.
 * @param {Element} scroll
 * @param {Context} context
 */
function pager(scroll, context) {
  const end = h("div", { class: "end", "aria-hidden": "true" });
  scroll.append(end);
  let isNear = false;
  let isReading = false;
  const read = async () => {
    const { data: { hasMore, may, status } } = context;
    if (!isNear || isReading || !hasMore || !may.read || status !== "open") return;
    isReading = true;
    const before = context.all.rows.length;
    await context.more();
    isReading = false;
    // A filter may leave nothing of a page.
    if (context.all.rows.length > before) requestAnimationFrame(read);
  };
  const observer = new IntersectionObserver((entries) => {
    isNear = entries.at(-1)?.isIntersecting ?? false;
    read();
  }, { root: scroll, rootMargin: "400px" });
  observer.observe(end);
  return { read, close: () => observer.disconnect() };
}

/**
 * Rows stay the same objects: the day of each is worked out once.
 * @param {Context} context
 */
function days({ hass }) {
  /** @type {WeakMap<Row, string>} */
  const known = new WeakMap();
  return (/** @type {Row} */ row) => {
    const day = known.get(row) ?? dayKey(hass, time(row.started_at));
    known.set(row, day);
    return day;
  };
}

/**
 * @param {Row} row
 * @param {Context} context
 */
function timeOf(row, { hass, t, now }) {
  return relative(hass, t, time(row.started_at), now());
}

/** @param {Context} context */
function heading(context) {
  const title = h("h3");
  return {
    element: h("li", { class: "day" }, title),
    /** @param {Item} item */
    draw(item) {
      setText(title, dayName(context.hass, context.t, item.at, context.now()));
    },
  };
}

/**
 * @param {Item} first
 * @param {Context} context
 */
function callRow(first, context) {
  const { t } = context;
  const sign = h("span", { class: "sign" });
  const name = h("bdi", { class: "name" });
  const count = h("span", { class: "count" });
  const detail = h("span", { class: "detail" });
  const at = h("time", { class: "time" });
  const button = h("button", { type: "button", class: "row" }, sign,
    h("span", { class: "lines" }, h("span", { class: "title" }, name, count), detail), at);
  let item = first;
  press(button, {
    async tap() {
      const [row] = item.rows;
      if (!row) return;
      if (item.rows.some((each) => each.missed && !each.seen)) context.markSeen();
      const target = targetOf(row, t);
      if (target && mayCall(context.all, target)) await context.call(target);
    },
    hold() {
      const target = item.rows[0] && targetOf(item.rows[0], t);
      if (target && mayCall(context.all, target)) return context.choose(target);
      return undefined;
    },
  });
  return {
    element: h("li", {}, button),
    /** @param {Item} next */
    draw(next) {
      item = next;
      const [row] = item.rows;
      if (!row) return;
      const text = nameOf(row, t);
      const kind = row.missed ? "missed" : (row.direction ?? "outgoing");
      if (sign.dataset.kind !== kind) {
        sign.dataset.kind = kind;
        sign.replaceChildren(icon(kind));
      }
      setText(name, text);
      // A number runs left to right in any language.
      attribute(name, "dir", text === row.number ? "ltr" : null);
      const many = item.rows.length;
      const of = new Intl.NumberFormat(context.hass.locale.language).format(many);
      setText(count, many > 1 ? ` (${of})` : "");
      const said = summary(row, t, context.hass.locale.language);
      setText(detail, said);
      setText(at, timeOf(row, context));
      attribute(at, "datetime", row.started_at);
      attribute(button, "class", `row${row.missed ? " missed" : ""}${item.rows.some((each) => each.missed && !each.seen) ? " unseen" : ""}`);
      const target = targetOf(row, t);
      const { all, data: { may } } = context;
      const can = target && mayCall(all, target);
      const mayMark = may.mark_seen.includes(row.config_entry_id);
      const who = `${text}${many > 1 ? ` (${of})` : ""}`;
      const label = [can ? t("call_back_name", { name: who }) : who, directionOf(row, t), said, clock(context.hass, time(row.started_at))];
      attribute(button, "aria-label", [...new Set(label)].join(", "));
      attribute(button, "aria-disabled", context.live && (can || (row.missed && mayMark)) ? null : "true");
    },
  };
}

/**
 * Whom to call back; null where nobody can tell.
 * @param {Row} row
 * @param {Words} t
 * @returns {Target | null}
 */
function targetOf(row, t) {
  if (!row.number && !row.contact) return null;
  return { config_entry_id: row.config_entry_id, name: nameOf(row, t), number: row.number ?? "", contact: row.contact };
}

/**
 * Who a call is with, for grouping; empty if nobody can tell.
 * @param {Row} row
 */
function partyOf(row) {
  if (row.direction === "internal" && !row.number) return row.caller && row.callee && `${row.caller}>${row.callee}`;
  return row.contact || row.number || "";
}

/**
 * Return the headings and the groups of calls that have ended.
 * @param {readonly Row[]} rows newest first
 * @param {(row: Row) => string} dayOf
 * @returns {Item[]}
 */
export function groups(rows, dayOf) {
  /** @type {Item[]} */
  const items = [];
  for (const row of rows) {
    if (isLive(row)) continue;
    const day = dayOf(row);
    const at = time(row.started_at);
    const last = items.at(-1);
    const head = last?.rows[0];
    if (last?.day !== day) items.push({ key: `day ${day}`, day, at, rows: [] });
    else if (head && partyOf(row) && partyOf(row) === partyOf(head) && head.missed === row.missed
      && head.config_entry_id === row.config_entry_id) {
      last.rows.push(row);
      continue;
    }
    items.push({ key: row.id, day, at, rows: [row] });
  }
  return items;
}

/**
 * Return whether two items look the same.
 * @param {Item} a
 * @param {Item} b
 */
export function isSameItem(a, b) {
  return a.day === b.day && a.rows.length === b.rows.length && a.rows.every((row, index) => row === b.rows[index]);
}

/**
 * @param {Row} row
 * @param {Words} t
 */
export function directionOf(row, t) {
  return t(row.direction ?? "outgoing");
}

/**
 * What became of a call, in words; its direction has an icon.
 * @param {Row} row
 * @param {Words} t
 * @param {string} language
 */
export function summary(row, t, language) {
  const parts = [];
  if (row.missed) parts.push(t("missed"));
  else if (row.result && row.result !== "answered") parts.push(t(row.result));
  const caller = row.direction === "incoming" ? null : (row.caller_contact ?? row.caller);
  if (caller && (row.name ?? row.number)) parts.push(t("from_phone", { name: caller }));
  if (row.answered_by && row.direction === "incoming")
    parts.push(t("answered_by", { name: row.answered_by_contact ?? row.answered_by }));
  if (row.talk_time) parts.push(duration(language, row.talk_time));
  if (row.voicemail) parts.push(t("voicemail"));
  const asked = row.asked_by && (row.asked_by.name || (row.asked_by.type === "user" ? "" : t(row.asked_by.type)));
  if (asked) parts.push(t("asked_by", { name: asked }));
  return parts.join(" · ") || directionOf(row, t);
}
