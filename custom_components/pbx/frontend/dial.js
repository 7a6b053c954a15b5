// Placing a call: who rings first, confirmation, announcement.

import { act } from "./connection.js";
import { ask, h, numberElement } from "./dom.js";
import { allows, supports } from "./store.js";

/**
 * Return the phones that can ring first for a call at a PBX.
 * @param {Context} context
 * @param {string} entry
 * @param {readonly Contact[]} contacts all of the page
 * @returns {Caller[]}
 */
export function callers(context, entry, contacts) {
  /** @type {Caller[]} */
  const list = contacts
    .filter((each) => each.is_extension && each.config_entry_id === entry)
    .map((each) => ({ label: each.name, contact: each.contact, number: each.number }));
  const usual = usualCaller(context, entry, contacts);
  if (usual && !list.some((each) => each.number === usual.number && each.contact === usual.contact)) list.unshift(usual);
  return list;
}

/**
 * Return who rings first if nobody chooses: the card's caller, the phone of the person who is
 * signed in, the default of the PBX.
 * @param {Context} context
 * @param {string} entry
 * @param {readonly Contact[]} contacts all of the page
 * @returns {Caller | null}
 */
export function usualCaller(context, entry, contacts) {
  const { config, data, hass } = context;
  const here = contacts.filter((each) => each.config_entry_id === entry);
  /** @param {Contact} each */
  const asCaller = (each) => ({ label: each.name, contact: each.contact, number: each.number });
  /** @param {string} text */
  const named = (text) => {
    const found = here.find((each) => [each.contact, each.number, each.name].includes(text));
    return found ? asCaller(found) : { label: text, contact: null, number: text };
  };
  if (config.caller) {
    const isElsewhere = contacts.some((each) => each.contact === config.caller && each.config_entry_id !== entry);
    if (!isElsewhere) return named(config.caller);
  }
  const user = hass.user?.id;
  const own = here.find(
    (each) => each.is_extension && each.person && user && hass.states[each.person]?.attributes.user_id === user,
  );
  if (own) return asCaller(own);
  const usual = data.defaultCaller;
  const text = usual && typeof usual === "object" ? usual[entry] : usual;
  return text ? named(text) : null;
}

/**
 * @param {Caller | null} caller
 * @param {Target} target
 */
function isTarget(caller, target) {
  return Boolean(caller && (caller.contact ? caller.contact === target.contact : caller.number === target.number));
}

/**
 * Return the phones that can call it.
 * @param {Context} context
 * @param {readonly Contact[]} contacts
 * @param {Target} target
 */
function others(context, contacts, target) {
  return callers(context, target.config_entry_id, contacts).filter((each) => !isTarget(each, target));
}

/**
 * Return whether the user may call it.
 * @param {Data} data
 * @param {Target} target
 */
export function mayCall(data, target) {
  const { config_entry_id: entry, contact } = target;
  if (!contact) return allows(data.may.dial, entry);
  const known = data.contacts.find((each) => each.contact === contact);
  return allows(data.may.call, entry) && known?.button_entity_id !== null;
}

/**
 * Place a call, after asking where the card is set so.
 * @param {Context} context
 * @param {ParentNode} root
 * @param {readonly Contact[]} contacts
 * @param {Target} target
 * @param {Caller | null} [chosen] who rings first this time
 */
export async function placeCall(context, root, contacts, target, chosen) {
  const { config, hass, t } = context;
  const usual = usualCaller(context, target.config_entry_id, contacts);
  // A phone does not call itself.
  let caller = chosen ?? (isTarget(usual, target) ? null : usual);
  if (!caller && others(context, contacts, target).length) {
    caller = await chooseCaller(context, root, contacts, target);
    if (!caller) return;
  }
  const wanted = config.confirm ?? "numbers";
  const asks = wanted === "always" || (wanted === "numbers" && !target.contact);
  if (asks && !(await confirm(root, t, target))) return;
  await act(hass, "originate", {
    config_entry_id: target.config_entry_id,
    callee: target.contact ? undefined : target.number,
    callee_contact: target.contact ?? undefined,
    caller: caller && !caller.contact ? caller.number : undefined,
    caller_contact: caller?.contact ?? undefined,
  });
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
 * @param {ParentNode} root
 * @param {readonly Contact[]} contacts
 * @param {Target} target
 * @returns {Promise<Caller | null>}
 */
function chooseCaller(context, root, contacts, target) {
  const choices = others(context, contacts, target);
  return ask(root, context.t("choose_caller"), (close) => [
    menu(choices.map((each) => ({ label: each.label, choose: () => close(each) }))),
    cancelRow(context.t, () => close(null)),
  ]);
}

/**
 * Everything that can be done with a contact.
 * @param {Context} context
 * @param {ParentNode} root
 * @param {readonly Contact[]} contacts
 * @param {Target} target
 */
export async function openOptions(context, root, contacts, target) {
  const { data, t } = context;
  const entry = target.config_entry_id;
  /** @type {{caller?: Caller, announce?: boolean} | null} */
  const choice = await ask(root, target.name, (close) => {
    const list = others(context, contacts, target)
      .map((each) => ({ label: t("call_from", { name: each.label }), choose: () => close({ caller: each }) }));
    if (!list.length) list.push({ label: t("call"), choose: () => close({}) });
    if (supports(data, entry, "speech")) list.push({ label: t("announce"), choose: () => close({ announce: true }) });
    return [h("p", {}, numberElement(target.number)), menu(list), cancelRow(t, () => close(null))];
  });
  if (choice?.announce) await announce(context, root, target);
  else if (choice) await placeCall(context, root, contacts, target, choice.caller);
}

/**
 * @param {Context} context
 * @param {ParentNode} root
 * @param {Target} target
 */
async function announce({ hass, t }, root, target) {
  /** @type {string | null} */
  const message = await ask(root, t("announce_to", { name: target.name }), (close) => {
    const field = h("textarea", { rows: 3, dir: "auto", "aria-label": t("message"), autofocus: true, required: true });
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
  if (!message) return;
  await act(hass, "announce", {
    config_entry_id: target.config_entry_id,
    callee: target.contact ? undefined : target.number,
    callee_contact: target.contact ?? undefined,
    message,
  });
}

/** @param {{label: string, choose: () => void}[]} items */
function menu(items) {
  return h("ul", { class: "menu" },
    ...items.map(({ label, choose }) => h("li", {}, h("button", { type: "button", text: label, click: choose }))));
}

/**
 * @param {Words} t
 * @param {() => void} close
 */
function cancelRow(t, close) {
  return h("div", { class: "buttons" }, h("button", { type: "button", text: t("cancel"), click: close }));
}
