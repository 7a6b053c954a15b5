// The call log: days, groups, calling back.

import { mayCall } from "./dial.js";
import { attribute, h, icon, keyed, press, setText } from "./dom.js";
import { dayKey, dayName, nameOf, relative, summary } from "./format.js";
import { groups, isSameItem, time } from "./store.js";

/** @typedef {import("./store.js").Item} Item */

/**
 * @param {Element} root
 * @param {Context} context
 * @returns {Part}
 */
export function callsPart(root, context) {
  const { t } = context;
  let missedOnly = false;
  const filters = [false, true].map((missed) => {
    const button = h("button", { type: "button", "aria-pressed": String(!missed) });
    press(button, { tap: () => choose(missed) });
    return button;
  });
  const list = h("ul", { class: "calls", "aria-label": t("calls") });
  const empty = h("p", { class: "empty" });
  const end = h("div", { class: "end", "aria-hidden": "true" });
  root.append(h("div", { class: "filters", role: "group", "aria-label": t("calls") }, ...filters), list, empty, end);
  const rows = keyed(list, (/** @type {Item} */ item) => item.key, (item) => make(item, context), isSameItem);
  let isNear = false;
  const observer = new IntersectionObserver((entries) => {
    isNear = entries.at(-1)?.isIntersecting ?? false;
    if (isNear) read();
  }, { rootMargin: "400px" });
  observer.observe(end);

  let isReading = false;
  // A filter may leave nothing of a page: go on while the end is in view.
  const read = async () => {
    if (isReading || !context.data.hasMore || !context.data.may.read || context.data.status !== "open") return;
    isReading = true;
    const before = context.all.rows.length;
    await context.more();
    isReading = false;
    if (context.all.rows.length > before) requestAnimationFrame(() => isNear && read());
  };
  /** @param {boolean} missed */
  const choose = (missed) => {
    missedOnly = missed;
    if (missed) context.markSeen();
    draw();
  };
  // Rows stay the same objects: their days are worked out once.
  /** @type {WeakMap<Row, string>} */
  const days = new WeakMap();
  const dayOf = (/** @type {Row} */ row) => {
    let day = days.get(row);
    if (day === undefined) days.set(row, (day = dayKey(context.hass, time(row.started_at))));
    return day;
  };
  let isLive = true;
  let today = "";
  let drawnFor = "";
  const draw = () => {
    const { data, hass } = context;
    const shown = data.may.read ? data.rows.filter((row) => !missedOnly || row.missed) : [];
    const items = groups(shown, dayOf);
    // Whether it can be pressed concerns each row; everything else only those that changed.
    today = dayKey(hass, context.now());
    const basis = `${JSON.stringify(data.may)} ${today}`;
    rows.draw(items, isLive !== context.live || drawnFor !== basis);
    isLive = context.live;
    drawnFor = basis;
    const unseen = data.rows.filter((row) => row.missed && !row.seen).length;
    filters.forEach((button, index) => {
      attribute(button, "aria-pressed", String(missedOnly === (index === 1)));
      setText(button, index ? (unseen ? t("with_count", { name: t("missed"), count: unseen }) : t("missed")) : t("all"));
    });
    attribute(empty, "hidden", items.length > 0 || (data.may.read && data.hasMore));
    // The state may have come anew, with the newest calls only.
    if (isNear) read();
    setText(empty, t(data.may.read ? (missedOnly ? "no_missed" : "no_calls") : "no_read"));
  };
  return {
    draw,
    tick() {
      // A new day changes the headings, too.
      if (today !== dayKey(context.hass, context.now())) draw();
      for (const { element, item } of rows.kept.values()) {
        const [row] = item.rows;
        const at = element.querySelector("time");
        if (row && at) setText(at, timeOf(row, context));
      }
    },
    close: () => observer.disconnect(),
  };
}

/**
 * @param {Row} row
 * @param {Context} context
 */
function timeOf(row, { hass, t, now }) {
  return relative(hass, t, time(row.started_at), now());
}

/**
 * @param {Item} item
 * @param {Context} context
 */
function make(item, context) {
  return item.rows.length ? callRow(item, context) : heading(context);
}

/** @param {Context} context */
function heading(context) {
  const title = h("h3", { dir: "auto" });
  return {
    element: h("li", { class: "day" }, title),
    /** @param {Item} item */
    draw(item) {
      setText(title, dayName(context.hass, context.t, dayStart(item, context), context.now()));
    },
  };
}

/**
 * @param {Item} item
 * @param {Context} context
 */
function dayStart(item, { data, hass }) {
  const row = data.rows.find((each) => dayKey(hass, time(each.started_at)) === item.day);
  return row ? time(row.started_at) : Date.parse(`${item.day}T12:00:00`);
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
      if (row.missed) context.markSeen();
      const target = targetOf(row, t);
      if (target && mayCall(context.data, target)) await context.call(target);
    },
    hold() {
      const target = item.rows[0] && targetOf(item.rows[0], t);
      if (target && mayCall(context.data, target)) return context.choose(target);
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
      const can = target && mayCall(context.data, target);
      const who = `${text}${many > 1 ? ` (${of})` : ""}`;
      attribute(button, "aria-label", [can ? t("call_back_name", { name: who }) : who, said, at.textContent].join(", "));
      attribute(button, "aria-disabled", context.live && (can || row.missed) ? null : "true");
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
