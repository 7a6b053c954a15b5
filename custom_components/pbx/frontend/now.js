// The calls that are on: who rings, who talks, since when.

import { attribute, avatar, emptyState, h, icon, keyed, press, setText } from "./dom.js";
import { liveRows } from "./store.js";
import { duration, initials, nameOf, time } from "./words.js";

/**
 * @param {Element} root
 * @param {Context} context
 * @returns {Part}
 */
export function nowPart(root, context) {
  const { config: { show }, t } = context;
  const isAlone = Boolean(show?.length) && show?.every((part) => part === "now");
  // Told by a screen reader: a call that comes in at once, others after what it just says.
  const alert = h("div", { class: "aloud", role: "alert" });
  const status = h("div", { class: "aloud", role: "status" });
  const list = h("ul", { class: "live", "aria-label": t("now") });
  const empty = emptyState("phone");
  root.append(alert, status, list, empty.element);
  const rows = keyed(list, (/** @type {Row} */ row) => row.id, (row) => liveRow(row, context));

  const tick = () => {
    for (const { element, item } of rows.kept.values()) {
      const timer = element.querySelector(".timer");
      if (timer) setText(timer, duration(context.hass.locale.language, elapsed(item, context.now())));
    }
  };
  return {
    draw() {
      const { may, rows: all } = context.data;
      const live = may.read ? liveRows(all) : [];
      // Whether a call can be hung up depends on more than its row; there are few.
      rows.draw(live, true);
      attribute(list, "hidden", !live.length);
      // With other parts beside it, no call is nothing to say.
      empty.draw(isAlone && !live.length ? t(may.read ? "no_active" : "no_read") : "");
      const coming = live.filter(isComing);
      setText(alert, coming.map((row) => `${t("incoming_call")}: ${nameOf(row, t)}`).join(". "));
      setText(status, live.filter((row) => !isComing(row)).map((row) => `${nameOf(row, t)}: ${stateOf(row, t)}`).join(". "));
      tick();
    },
    tick,
  };
}

/** @param {Row} row */
function isComing(row) {
  return row.direction === "incoming" && row.state !== "connected";
}

/**
 * @param {Row} row
 * @param {Words} t
 */
function stateOf(row, t) {
  if (row.state === "connected") return t("talking");
  if (row.direction === "incoming") return t("incoming_call");
  return t(row.state === "placed" ? "calling" : "ringing");
}

/**
 * @param {Row} first
 * @param {Context} context
 */
function liveRow(first, context) {
  const { t } = context;
  const face = avatar();
  const name = h("bdi", { class: "name" });
  const state = h("span");
  const timer = h("span", { class: "timer", "aria-hidden": "true" });
  const button = h("button", { type: "button", class: "round hang-up" }, icon("hang_up"));
  let row = first;
  press(button, { tap: () => context.hangUp(row) });
  const element = h("li", {}, face.element,
    h("div", { class: "lines" }, h("span", { class: "title" }, name, timer), h("span", { class: "detail" }, state)),
    button);
  return {
    element,
    /** @param {Row} next */
    draw(next) {
      row = next;
      const text = nameOf(row, t);
      const picture = row.person && context.hass.states[row.person]?.attributes.entity_picture;
      face.draw(initials(row.name ?? ""), picture);
      setText(name, text);
      // A number runs left to right in any language.
      attribute(name, "dir", text === row.number ? "ltr" : null);
      setText(state, [stateOf(row, t), withWhom(row, t)].filter(Boolean).join(" · "));
      attribute(element, "class", isComing(row) ? "coming" : row.state);
      attribute(button, "aria-label", t("hang_up_name", { name: text }));
      attribute(button, "title", t("hang_up"));
      attribute(button, "hidden", !row.may_hang_up);
      attribute(button, "aria-disabled", context.live ? null : "true");
    },
  };
}

/**
 * The phone of the house that rings or talks.
 * @param {Row} row
 * @param {Words} t
 */
function withWhom(row, t) {
  const house = houseOf(row);
  if (!house || house === row.name || house === row.number) return "";
  if (row.direction !== "incoming") return t("from_phone", { name: house });
  return row.answered_by ? t("answered_by", { name: house }) : t("to", { name: house });
}

/**
 * The phone of the house that takes part in a call, if it is known; empty otherwise.
 * @param {Row} row
 */
export function houseOf(row) {
  if (row.direction === "incoming")
    return row.answered_by_contact ?? row.answered_by ?? row.callee_contact ?? row.callee ?? "";
  if (row.direction === "outgoing" || row.asked_by) return row.caller_contact ?? row.caller ?? "";
  return "";
}

/**
 * Seconds since a live call began, or since it is connected.
 * @param {Row} row
 * @param {number} now in ms
 */
export function elapsed(row, now) {
  const since = time(row.started_at) + (row.state === "connected" ? (row.ring_time ?? 0) * 1000 : 0);
  return (now - since) / 1000;
}
