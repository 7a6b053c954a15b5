// A number of nobody: keys, or a field to paste into.

import { attribute, h, icon, press, setText } from "./dom.js";
import { usualCaller } from "./dial.js";
import { allows, dialable } from "./store.js";

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
  // A real field, so that pasting needs no permission; the keys are here, not on the screen's keyboard.
  const field = h("input", {
    type: "tel", inputmode: "none", dir: "ltr", class: "digits", autocomplete: "off", maxlength: MOST * 2,
    "aria-label": t("number"), placeholder: t("number"),
  });
  const choice = h("select", { "aria-label": t("pbx") });
  const from = h("button", { type: "button", class: "from", "aria-haspopup": "dialog", title: t("from_choose") });
  const callKey = h("button", { type: "button", class: "round call" }, icon("phone"));
  const eraseKey = h("button", { type: "button", class: "round quiet", "aria-label": t("erase"), title: t("erase") }, icon("erase"));
  const plusKey = h("button", { type: "button", class: "round quiet", text: "+", "aria-label": "+" });
  const refused = h("p", { class: "empty", role: "status" });
  const keys = KEYS.map((key, index) => {
    const button = h("button", { type: "button", class: "key", "aria-label": key },
      h("span", { text: key }), h("small", { text: LETTERS[index] ?? "" }));
    press(button, { tap: () => type(key), ...(key === "0" && { hold: () => type("+") }) });
    return button;
  });
  const pad = h("div", { class: "pad", dir: "ltr", role: "group", "aria-label": t("keypad") },
    ...keys, plusKey, callKey, eraseKey);
  const all = h("div", { class: "keypad" }, field, choice, from, pad);
  root.append(all, refused);

  const entry = () => choice.value || (entries()[0]?.config_entry_id ?? "");
  const entries = () => context.data.pbxs.filter((pbx) => allows(context.data.may.dial, pbx.config_entry_id));
  const target = () => {
    const number = dialable(field.value);
    return { config_entry_id: entry(), name: number, number, contact: null };
  };
  /** @param {string} text */
  const type = (text) => {
    const [start, end] = [field.selectionStart ?? field.value.length, field.selectionEnd ?? field.value.length];
    if (field.value.length < MOST) field.setRangeText(text, start, end, "end");
  };
  const call = async () => {
    const wanted = target();
    if (!wanted.number) {
      field.value = last || newest(context.data.rows);
      return;
    }
    if (!context.live) return;
    last = wanted.number;
    await context.call(wanted);
  };
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
    if (!event.repeat) callKey.click();
  });
  choice.addEventListener("change", () => drawFrom());
  press(plusKey, { tap: () => type("+") });
  press(callKey, { tap: call, hold: () => (target().number ? context.choose(target()) : undefined) });
  press(eraseKey, {
    tap() {
      const [start, end] = [field.selectionStart ?? 0, field.selectionEnd ?? 0];
      field.setRangeText("", start === end ? Math.max(0, start - 1) : start, end, "end");
    },
    hold() {
      field.value = "";
    },
  });
  press(from, { tap: () => (target().number ? context.choose(target()) : field.focus()) });

  const drawFrom = () => {
    const usual = usualCaller(context, entry(), context.all.contacts);
    setText(from, usual ? t("from", { name: usual.label }) : t("from_choose"));
  };
  return {
    draw() {
      const { live } = context;
      const choices = entries();
      const ids = choices.map((pbx) => pbx.config_entry_id).join();
      if (choice.dataset.ids !== ids || choices.some((pbx, index) => choice.options[index]?.text !== pbx.title)) {
        const before = choice.value;
        choice.replaceChildren(...choices.map((pbx) => h("option", { value: pbx.config_entry_id, text: pbx.title })));
        choice.dataset.ids = ids;
        if (choices.some((pbx) => pbx.config_entry_id === before)) choice.value = before;
      }
      attribute(choice, "hidden", choices.length < 2);
      attribute(all, "hidden", !choices.length);
      attribute(refused, "hidden", choices.length > 0);
      setText(refused, t("no_dial"));
      attribute(callKey, "aria-label", t("call"));
      attribute(callKey, "title", t("call"));
      attribute(callKey, "aria-disabled", live ? null : "true");
      attribute(from, "aria-disabled", live ? null : "true");
      drawFrom();
    },
  };
}

/**
 * The number that was called last from here.
 * @param {readonly Row[]} rows newest first
 */
function newest(rows) {
  return rows.find((row) => row.direction === "outgoing" && row.number)?.number ?? "";
}
