// The phone book: search, one tap calls.

import { mayCall } from "./dial.js";
import { attribute, avatar, h, icon, keyed, numberElement, press, setText } from "./dom.js";
import { initials } from "./format.js";
import { find } from "./store.js";

/**
 * @param {Element} root
 * @param {Context} context
 * @returns {Part}
 */
export function contactsPart(root, context) {
  const { t } = context;
  const search = h("input", {
    type: "search", class: "search", dir: "auto", autocomplete: "off", enterkeyhint: "search",
    placeholder: t("search"), "aria-label": t("search"), input: () => draw(),
  });
  const list = h("ul", { class: "contacts", "aria-label": t("contacts") });
  const empty = h("p", { class: "empty", role: "status" });
  root.append(search, list, empty);
  const rows = keyed(list, (/** @type {Contact} */ each) => each.contact, (each) => contactRow(each, context));
  /** @type {unknown[]} */
  let drawn = [];

  const draw = () => {
    const { data, config, hass } = context;
    const collator = new Intl.Collator(hass.locale.language);
    const ordered = config.contacts?.length
      ? data.contacts
      : [...data.contacts].sort((a, b) => collator.compare(a.name, b.name));
    const found = find(ordered, search.value);
    // What concerns all of them; everything else only those that changed.
    const basis = [data.may, context.live, context.people];
    rows.draw(found, basis.some((each, index) => each !== drawn[index]));
    drawn = basis;
    attribute(search, "hidden", data.contacts.length < 2);
    attribute(empty, "hidden", found.length > 0);
    setText(empty, t(data.contacts.length ? "no_match" : "no_contacts"));
  };
  return { draw };
}

/**
 * @param {Contact} first
 * @param {Context} context
 */
function contactRow(first, context) {
  const { t } = context;
  const face = avatar();
  const dot = h("span", { class: "dot" });
  face.element.append(dot);
  const name = h("bdi", { class: "name" });
  const number = numberElement("");
  const state = h("span");
  const main = h("button", { type: "button", class: "row" }, face.element,
    h("span", { class: "lines" }, name, h("span", { class: "detail" }, number, state)));
  const menu = h("button", { type: "button", class: "round quiet", "aria-haspopup": "dialog" }, icon("menu"));
  let contact = first;
  press(main, { tap: () => context.call(contact), hold: () => context.choose(contact) });
  press(menu, { tap: () => context.choose(contact) });
  return {
    element: h("li", {}, main, menu),
    /** @param {Contact} next */
    draw(next) {
      contact = next;
      const { data, hass, live } = context;
      const person = contact.person ? hass.states[contact.person] : undefined;
      face.draw(initials(contact.name), contact.picture ?? person?.attributes.entity_picture);
      setText(name, contact.name);
      setText(number, contact.number);
      const key = { ringing: 1, in_use: 1, paused: 1, offline: 1 };
      const word = contact.extension_state && contact.extension_state in key ? t(`state_${contact.extension_state}`) : "";
      setText(state, word && ` · ${word}`);
      attribute(dot, "class", `dot ${contact.extension_state ?? "none"}`);
      const isOff = !live || !mayCall(data, contact);
      const label = t("call_name", { name: contact.name });
      attribute(main, "aria-label", [label, contact.number, word].filter(Boolean).join(", "));
      attribute(menu, "aria-label", t("options_name", { name: contact.name }));
      attribute(menu, "title", t("options"));
      for (const button of [main, menu]) attribute(button, "aria-disabled", isOff ? "true" : null);
    },
  };
}
