// The phone book: search, one tap calls.

import { mayCall } from "./dial.js";
import { attribute, avatar, emptyState, h, icon, keyed, numberElement, press, setText } from "./dom.js";
import { latinDigits, liveRows } from "./store.js";
import { initials } from "./words.js";

// What a phone does, where it is worth a word.
const STATES = ["ringing", "in_use", "paused", "offline"];

/**
 * @param {Element} root
 * @param {Context} context
 * @returns {Part}
 */
export function contactsPart(root, context) {
  const { t } = context;
  const search = h("input", {
    type: "search", autocomplete: "off", enterkeyhint: "search",
    placeholder: t("search"), "aria-label": t("search"), input: () => draw(),
    // The dashboard has shortcuts of its own.
    keydown: (/** @type {Event} */ event) => event.stopPropagation(),
  });
  const field = h("label", { class: "search" }, icon("search"), search);
  const list = h("ul", { class: "contacts", "aria-label": t("contacts") });
  const empty = emptyState("person");
  root.append(field, h("div", { class: "scroll" }, list, empty.element));
  const rows = keyed(list, (/** @type {Contact} */ each) => each.contact, (each) => contactRow(each, context));
  /** @type {unknown[]} */
  let drawn = [];

  const draw = () => {
    const { data, config, hass } = context;
    const collator = new Intl.Collator(hass.locale.language, { numeric: true });
    const ordered = config.contacts?.length
      ? data.contacts
      : [...data.contacts].sort((a, b) => collator.compare(a.name, b.name));
    const found = find(ordered, search.value);
    // What concerns all of them; everything else only those that changed.
    const basis = [data.may, context.live, context.people];
    rows.draw(found, basis.some((each, index) => each !== drawn[index]));
    drawn = basis;
    attribute(field, "hidden", data.contacts.length < 2);
    attribute(list, "hidden", !found.length);
    const none = config.contacts?.length ? "gone_contacts" : "no_contacts";
    empty.draw(found.length ? "" : t(data.contacts.length ? "no_match" : none));
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
      const shown = STATES.find((each) => each === contact.extension_state);
      const word = shown ? t(`state_${shown}`) : "";
      setText(state, word && contact.number ? ` · ${word}` : word);
      attribute(dot, "class", `dot ${shown ?? "none"}`);
      const can = mayCall(data, contact);
      const label = can ? t("call_name", { name: contact.name }) : contact.name;
      attribute(main, "aria-label", [label, contact.number, word].filter(Boolean).join(", "));
      attribute(menu, "aria-label", t("options_name", { name: contact.name }));
      attribute(menu, "title", t("options"));
      attribute(menu, "hidden", !can);
      for (const button of [main, menu]) attribute(button, "aria-disabled", live && can ? null : "true");
    },
  };
}

/**
 * Return the contacts that a search finds: by name, or by digits of the number.
 * @param {readonly Contact[]} contacts
 * @param {string} search
 */
export function find(contacts, search) {
  const text = fold(search);
  const digits = text.replace(/[\s\-()./]/g, "");
  if (!text) return contacts;
  return contacts.filter(
    (each) => fold(each.name).includes(text)
      || (/^[+*#0-9]+$/.test(digits) && each.number.replace(/[\s\-()./]/g, "").includes(digits)),
  );
}

/**
 * Letters without case and accents, Arabic letters as in Persian, digits as in English.
 * @param {string} text
 */
export function fold(text) {
  return latinDigits(text.normalize("NFKD"))
    .replace(/[\u0300-\u036f\u064b-\u065f\u200c]/g, "")
    .replaceAll("ي", "ی")
    .replaceAll("ك", "ک")
    .toLowerCase()
    .trim();
}

/**
 * Who is who, and what they look like, as a text that changes when that does.
 * @param {Hass} hass
 * @param {Data} data
 */
export function peopleOf(hass, { contacts, rows }) {
  const ids = new Set([...contacts, ...liveRows(rows)].map(({ person }) => person ?? ""));
  return [...ids]
    .map((id) => {
      const { user_id: user, entity_picture: picture } = hass.states[id]?.attributes ?? {};
      return `${id} ${user} ${picture}`;
    })
    .join();
}
