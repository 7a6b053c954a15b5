// Placing a call: who rings first, confirmation, announcement.

import { ask, h, numberElement } from "./dom.js";
import { act, supports } from "./store.js";

/**
 * Return the phones that can ring first for a call at a PBX.
 * @param {Context} context
 * @param {string} entry
 * @returns {Caller[]}
 */
export function callers(context, entry) {
  const list = context.all.contacts
    .filter((each) => each.is_extension && each.config_entry_id === entry)
    .map(asCaller);
  const usual = usualCaller(context, entry);
  if (usual && !list.some((each) => isSame(each, usual))) list.unshift(usual);
  return list;
}

/**
 * Return who rings first if nobody chooses, as far as the card has a say in it: the card's
 * caller, or the phone of the person who is signed in. Null leaves it to the PBX: the contact
 * that is called may have a caller of its own.
 * @param {Context} context
 * @param {string} entry
 * @returns {Caller | null}
 */
export function ownCaller(context, entry) {
  const { all: { contacts }, config: { caller }, hass } = context;
  const isElsewhere = contacts.some((each) => each.contact === caller && each.config_entry_id !== entry);
  // A number in YAML may be without quotation marks.
  if (caller && !isElsewhere) return named(context, entry, String(caller));
  const own = contacts.find((each) => each.config_entry_id === entry && each.is_extension && isSignedIn(hass, each.person));
  return own ? asCaller(own) : null;
}

/**
 * Return who rings first if nobody chooses: the default of the PBX counts last.
 * @param {Context} context
 * @param {string} entry
 */
export function usualCaller(context, entry) {
  const usual = context.all.defaultCaller[entry];
  return ownCaller(context, entry) ?? (usual ? named(context, entry, usual) : null);
}

/**
 * @param {Hass} hass
 * @param {string | null} person
 */
function isSignedIn(hass, person) {
  return Boolean(person && hass.user && hass.states[person]?.attributes.user_id === hass.user.id);
}

/**
 * @param {Context} context
 * @param {string} entry
 * @param {string} text id of a contact, number or name
 * @returns {Caller}
 */
function named({ all }, entry, text) {
  const found = all.contacts.find(
    (each) => each.config_entry_id === entry && [each.contact, each.number, each.name].includes(text),
  );
  return found ? asCaller(found) : { label: text, contact: null, number: text };
}

/**
 * @param {Contact} contact
 * @returns {Caller}
 */
function asCaller({ name, contact, number }) {
  return { label: name, contact, number };
}

/**
 * @param {{contact: string | null, number: string}} a
 * @param {{contact: string | null, number: string}} b
 */
function isSame(a, b) {
  return a.contact || b.contact ? a.contact === b.contact : a.number === b.number;
}

/**
 * Return the phones that can call it: none calls itself.
 * @param {Context} context
 * @param {Target} target
 */
function others(context, target) {
  return callers(context, target.config_entry_id).filter((each) => !isSame(each, target));
}

/**
 * Return whether the user may call it.
 * @param {Data} data
 * @param {Target} target
 */
export function mayCall(data, target) {
  const { config_entry_id: entry, contact } = target;
  if (!contact) return data.may.dial.includes(entry);
  const known = data.contacts.find((each) => each.contact === contact);
  return data.may.call.includes(entry) && known?.button_entity_id !== null;
}

/**
 * Place a call, after asking where the card is set so.
 * @param {Context} context
 * @param {Target} target
 * @param {Caller | null} [chosen] who rings first this time
 */
export async function placeCall(context, target, chosen) {
  const { config, hass, root, t } = context;
  const entry = target.config_entry_id;
  let caller = chosen ?? ownCaller(context, entry);
  const usual = caller ?? usualCaller(context, entry);
  if ((!usual || isSame(usual, target)) && others(context, target).length) {
    caller = await chooseCaller(context, target);
    if (!caller) return;
  }
  const wanted = config.confirm ?? "numbers";
  const asks = wanted === "always" || (wanted === "numbers" && !target.contact);
  if (asks && !(await confirm(root, t, target))) return;
  await act(hass, "originate", {
    config_entry_id: entry,
    ...calleeOf(target),
    caller: caller?.contact ? undefined : caller?.number,
    caller_contact: caller?.contact ?? undefined,
  });
}

/** @param {Target} target */
function calleeOf({ contact, number }) {
  return contact ? { callee_contact: contact } : { callee: number };
}

/**
 * @param {ParentNode} root
 * @param {Words} t
 * @param {Target} target
 * @returns {Promise<true | null>}
 */
function confirm(root, t, target) {
  return ask(root, t("confirm", { name: target.name }), (close) => [
    ...(target.name === target.number ? [] : [h("p", {}, numberElement(target.number))]),
    h("div", { class: "buttons" },
      h("button", { type: "button", text: t("cancel"), click: () => close(null) }),
      h("button", { type: "button", class: "main", autofocus: true, text: t("call"), click: () => close(true) })),
  ]);
}

/**
 * @param {Context} context
 * @param {Target} target
 * @returns {Promise<Caller | null>}
 */
function chooseCaller(context, target) {
  const choices = others(context, target);
  return ask(context.root, context.t("choose_caller"), (close) => [
    menu(choices.map((each) => ({ label: each.label, choose: () => close(each) }))),
    cancelRow(context.t, () => close(null)),
  ]);
}

/**
 * Everything that can be done with a contact.
 * @param {Context} context
 * @param {Target} target
 */
export async function openOptions(context, target) {
  const { data, root, t } = context;
  /** @type {{caller?: Caller, announce?: boolean} | null} */
  const choice = await ask(root, target.name, (close) => {
    const list = others(context, target)
      .map((each) => ({ label: t("call_from", { name: each.label }), choose: () => close({ caller: each }) }));
    if (!list.length) list.push({ label: t("call"), choose: () => close({}) });
    if (supports(data, target.config_entry_id, "speech"))
      list.push({ label: t("announce"), choose: () => close({ announce: true }) });
    const isNamed = target.number && target.name !== target.number;
    return [...(isNamed ? [h("p", {}, numberElement(target.number))] : []), menu(list), cancelRow(t, () => close(null))];
  });
  if (choice?.announce) await announce(context, target);
  else if (choice) await placeCall(context, target, choice.caller);
}

/**
 * @param {Context} context
 * @param {Target} target
 */
async function announce({ hass, root, t }, target) {
  /** @type {string | null} */
  const message = await ask(root, t("announce_to", { name: target.name }), (close) => {
    const field = h("textarea", { rows: 3, dir: "auto", "aria-label": t("message"), placeholder: t("message"), autofocus: true, required: true });
    const form = h("form", { method: "dialog" }, field,
      h("div", { class: "buttons" },
        h("button", { type: "button", text: t("cancel"), click: () => close(null) }),
        h("button", { class: "main", text: t("send") })));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (field.value.trim()) close(field.value.trim());
    });
    return [form];
  });
  if (message) await act(hass, "announce", { config_entry_id: target.config_entry_id, ...calleeOf(target), message });
}

/** @param {{label: string, choose: () => void}[]} items */
function menu(items) {
  return h("ul", { class: "menu" },
    ...items.map(({ label, choose }) => h("li", {}, h("button", { type: "button", click: choose }, h("bdi", { text: label })))));
}

/**
 * @param {Words} t
 * @param {() => void} close
 */
function cancelRow(t, close) {
  return h("div", { class: "buttons" }, h("button", { type: "button", text: t("cancel"), click: close }));
}
