// The calls that are on: who rings, who talks, since when.

import { attribute, avatar, h, icon, keyed, press, setText } from "./dom.js";
import { duration, elapsed, houseOf, initials, nameOf } from "./format.js";
import { allows, liveRows, supports } from "./store.js";

/**
 * @param {Element} root
 * @param {Context} context
 * @returns {Part}
 */
export function nowPart(root, context) {
  const { t } = context;
  // Told by a screen reader: a call that comes in at once, others after what it just says.
  const alert = h("div", { class: "aloud", role: "alert" });
  const status = h("div", { class: "aloud", role: "status" });
  const list = h("ul", { class: "live", "aria-label": t("now") });
  const empty = h("p", { class: "empty", text: t("no_active") });
  root.append(alert, status, list, empty);
  const rows = keyed(list, (/** @type {Row} */ row) => row.id, (row) => liveRow(row, context));

  const tick = () => {
    for (const { element, item } of rows.kept.values()) {
      const timer = element.querySelector(".timer");
      if (timer) setText(timer, duration(context.hass.locale.language, elapsed(item, context.now())));
    }
  };
  return {
    draw() {
      const live = context.data.may.read ? liveRows(context.data.rows) : [];
      // Whether a call can be hung up depends on more than its row; there are few.
      rows.draw(live, true);
      attribute(list, "hidden", !live.length);
      // With other parts beside it, no call is nothing to say.
      attribute(empty, "hidden", live.length > 0 || !context.data.may.read || (context.config.show?.length ?? 4) > 1);
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
    h("div", { class: "lines" }, name, h("span", { class: "detail" }, state, " · ", timer)),
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
      setText(state, [stateOf(row, t), withWhom(row, t)].filter(Boolean).join(" · "));
      attribute(element, "class", isComing(row) ? "coming" : row.state);
      attribute(button, "aria-label", t("hang_up_name", { name: text }));
      attribute(button, "title", t("hang_up"));
      attribute(button, "hidden", !canHangUp(row, context.data));
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
 * Only calls that Home Assistant has placed can be hung up.
 * @param {Row} row
 * @param {Data} data
 */
function canHangUp(row, data) {
  const entry = row.config_entry_id;
  return row.asked_by !== null && Boolean(row.caller || row.callee) && allows(data.may.hang_up, entry) && supports(data, entry, "hang_up");
}
