// A number of nobody: keys, or a field to paste into.

import { usualCaller } from "./dial.js";
import { attribute, emptyState, h, icon, press, setText } from "./dom.js";
import { dialable } from "./store.js";

const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"];
const LETTERS = ["", "ABC", "DEF", "GHI", "JKL", "MNO", "PQRS", "TUV", "WXYZ", "", "+", ""];
const MOST = 32;

/**
 * @param {Element} root
 * @param {Context} context
 * @returns {Part}
 */
export function keypadPart(root, context) {
  const { t } = context;
  let last = "";
  const field = numberField(t, () => callKey.click());
  const choice = h("select", { "aria-label": t("pbx"), change: () => draw() });
  const fromText = h("span", { dir: "auto" });
  const from = h("button", { type: "button", class: "from", "aria-haspopup": "dialog", title: t("from_choose") },
    icon("phone"), fromText);
  const callKey = h("button", { type: "button", class: "round call", "aria-label": t("call"), title: t("call") }, icon("phone"));
  const keypad = h("div", { class: "keypad" }, field, choice, from, keys(field, callKey, t));
  const refused = emptyState("phone", t("no_dial"));
  root.append(h("div", { class: "scroll" }, keypad, refused.element));

  const target = () => {
    const number = dialable(field.value);
    return { config_entry_id: choice.value, name: number, number, contact: null };
  };
  const call = async () => {
    const wanted = target();
    if (!wanted.number) field.value = last || newest(context.data.rows);
    else if (context.live) {
      last = wanted.number;
      await context.call(wanted);
    }
  };
  const choose = () => (target().number ? context.choose(target()) : field.focus());
  press(callKey, { tap: call, hold: choose });
  press(from, { tap: choose });

  const draw = () => {
    const { data, live } = context;
    const pbxs = data.pbxs.filter((pbx) => data.may.dial.includes(pbx.config_entry_id));
    drawChoices(choice, pbxs);
    attribute(keypad, "hidden", !pbxs.length);
    attribute(refused.element, "hidden", pbxs.length > 0);
    for (const button of [callKey, from]) attribute(button, "aria-disabled", live ? null : "true");
    const usual = usualCaller(context, choice.value);
    setText(fromText, usual ? t("from", { name: usual.label }) : t("from_choose"));
  };
  return { draw };
}

/**
 * A real field, so that pasting needs no permission; the keys are ours, not the screen's keyboard.
 * @param {Words} t
 * @param {() => void} enter
 */
function numberField(t, enter) {
  const field = h("input", {
    type: "tel", inputmode: "none", dir: "ltr", class: "digits", autocomplete: "off", maxlength: MOST * 2,
    "aria-label": t("number"), placeholder: t("number"),
  });
  field.addEventListener("input", () => {
    const clean = dialable(field.value).slice(0, MOST);
    if (clean !== field.value) field.value = clean;
  });
  field.addEventListener("keydown", (event) => {
    // The dashboard has shortcuts of its own.
    event.stopPropagation();
    if (event.key !== "Enter") return;
    // The same press must not answer the question that it brings.
    event.preventDefault();
    if (!event.repeat) enter();
  });
  return field;
}

/**
 * @param {HTMLInputElement} field
 * @param {Element} callKey
 * @param {Words} t
 */
function keys(field, callKey, t) {
  /** @param {string} text */
  const type = (text) => {
    const { value, selectionStart: start, selectionEnd: end } = field;
    if (value.length < MOST) field.setRangeText(text, start ?? value.length, end ?? value.length, "end");
  };
  const erase = () => {
    const [start, end] = [field.selectionStart ?? 0, field.selectionEnd ?? 0];
    field.setRangeText("", start === end ? Math.max(0, start - 1) : start, end, "end");
  };
  const digits = KEYS.map((key, index) => {
    const button = h("button", { type: "button", class: "key", "aria-label": key },
      h("span", { text: key }), h("small", { text: LETTERS[index] ?? "" }));
    press(button, { repeats: true, tap: () => type(key), ...(key === "0" && { hold: () => type("+") }) });
    return button;
  });
  const plusKey = h("button", { type: "button", class: "round quiet", text: "+", "aria-label": "+" });
  const eraseKey = h("button", { type: "button", class: "round quiet", "aria-label": t("erase"), title: t("erase") }, icon("erase"));
  press(plusKey, { repeats: true, tap: () => type("+") });
  press(eraseKey, { repeats: true, tap: erase, hold: () => field.setRangeText("", 0, field.value.length) });
  return h("div", { class: "pad", dir: "ltr", role: "group", "aria-label": t("keypad") }, ...digits, plusKey, callKey, eraseKey);
}

/**
 * Offer the PBXs at which the user may dial, where there are several.
 * @param {HTMLSelectElement} choice
 * @param {readonly Pbx[]} pbxs
 */
function drawChoices(choice, pbxs) {
  const before = choice.value;
  const is = (/** @type {Pbx} */ pbx, /** @type {number} */ index) =>
    choice.options[index]?.value === pbx.config_entry_id && choice.options[index]?.text === pbx.title;
  if (choice.options.length !== pbxs.length || !pbxs.every(is)) {
    choice.replaceChildren(...pbxs.map((pbx) => h("option", { value: pbx.config_entry_id, text: pbx.title })));
    if (pbxs.some((pbx) => pbx.config_entry_id === before)) choice.value = before;
  }
  attribute(choice, "hidden", pbxs.length < 2);
}

/**
 * The number that was called last from here.
 * @param {readonly Row[]} rows newest first
 */
function newest(rows) {
  return rows.find((row) => row.direction === "outgoing" && row.number)?.number ?? "";
}
