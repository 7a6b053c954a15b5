// Times, names and numbers as people read them.

import { time } from "./store.js";

/**
 * The time zone of the user's profile.
 * @param {Hass} hass
 */
function zone(hass) {
  return hass.locale.time_zone === "server" ? hass.config.time_zone : undefined;
}

/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();

/**
 * @param {Hass} hass
 * @param {Intl.DateTimeFormatOptions} options
 * @param {string} [language]
 */
function formatOf(hass, options, language = hass.locale.language) {
  const all = { ...options, timeZone: zone(hass) };
  const key = language + JSON.stringify(all);
  let format = formats.get(key);
  if (!format) formats.set(key, (format = new Intl.DateTimeFormat(language, all)));
  return format;
}

/**
 * The time of day, by the user's choice of 12 or 24 hours.
 * @param {Hass} hass
 * @param {number} at in ms
 */
export function clock(hass, at) {
  const choice = hass.locale.time_format;
  /** @type {Intl.DateTimeFormatOptions} */
  const options = { hour: "numeric", minute: "2-digit" };
  if (choice === "12") options.hour12 = true;
  if (choice === "24") options.hourCycle = "h23";
  return formatOf(hass, options, choice === "system" ? "default" : undefined).format(at);
}

/**
 * A day as a key that is the same for all moments of it.
 * @param {Hass} hass
 * @param {number} at in ms
 */
export function dayKey(hass, at) {
  return formatOf(hass, { year: "numeric", month: "2-digit", day: "2-digit", calendar: "iso8601" }, "en-CA").format(at);
}

const DAY = 86_400_000;

/**
 * Today, yesterday, a day of the week or a date.
 * @param {Hass} hass
 * @param {Words} t
 * @param {number} at in ms
 * @param {number} now in ms
 */
export function dayName(hass, t, at, now) {
  const day = dayKey(hass, at);
  if (day === dayKey(hass, now)) return t("today");
  if (day === dayKey(hass, now - DAY)) return t("yesterday");
  /** @type {Intl.DateTimeFormatOptions} */
  const options = { weekday: "long", day: "numeric", month: "long" };
  if (now - at > 300 * DAY) options.year = "numeric";
  return formatOf(hass, options).format(at);
}

/**
 * "5 minutes ago" within the hour, else the time of day; the day stands in the heading.
 * @param {Hass} hass
 * @param {Words} t
 * @param {number} at in ms
 * @param {number} now in ms
 */
export function relative(hass, t, at, now) {
  const minutes = Math.floor((now - at) / 60_000);
  if (minutes >= 60 || minutes < -1) return clock(hass, at);
  if (minutes < 1) return t("just_now");
  const format = new Intl.RelativeTimeFormat(hass.locale.language, { numeric: "always", style: "short" });
  return format.format(-minutes, "minute");
}

/**
 * Seconds as 0:05, 12:30 or 1:02:03, in the digits of the language.
 * @param {string} language
 * @param {number} seconds
 */
export function duration(language, seconds) {
  const all = Math.max(0, Math.floor(seconds));
  const two = new Intl.NumberFormat(language, { minimumIntegerDigits: 2 });
  const one = new Intl.NumberFormat(language);
  const [hours, minutes, rest] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  if (hours) return `${one.format(hours)}:${two.format(minutes)}:${two.format(rest)}`;
  return `${one.format(minutes)}:${two.format(rest)}`;
}

/**
 * Up to two letters for somebody without a picture.
 * @param {string} name
 */
export function initials(name) {
  const letters = name
    .split(/\s+/)
    .map((word) => [...word].find((letter) => /\p{L}/u.test(letter)) ?? "")
    .filter(Boolean);
  const [first = "", last = ""] = [letters[0], letters.length > 1 ? letters.at(-1) : ""];
  // Joined letters of Persian would become another word.
  return /^\p{Script=Arabic}/u.test(first) ? first : (first + last).toUpperCase();
}

/**
 * Who a call is with.
 * @param {Row} row
 * @param {Words} t
 */
export function nameOf(row, t) {
  if (row.name) return row.name;
  if (row.number) return row.number;
  if (row.anonymous) return t("anonymous");
  if (row.direction === "internal" && (row.caller || row.callee)) {
    return t("between", {
      caller: row.caller_contact ?? row.caller ?? t("unknown"),
      callee: row.callee_contact ?? row.callee ?? t("unknown"),
    });
  }
  return row.callee_contact ?? row.callee ?? t("unknown");
}

/**
 * The phone of the house that takes part in a call, if it is known; empty otherwise.
 * @param {Row} row
 */
export function houseOf(row) {
  if (row.answered_by) return row.answered_by_contact ?? row.answered_by;
  if (row.direction === "incoming") return row.callee_contact ?? row.callee ?? "";
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

/**
 * What became of a call, in words.
 * @param {Row} row
 * @param {Words} t
 * @param {string} language
 */
export function summary(row, t, language) {
  const parts = [];
  if (row.missed) parts.push(t("missed"));
  else if (row.result && row.result !== "answered") parts.push(t(row.result));
  else parts.push(t(row.direction ?? "outgoing"));
  const caller = row.direction === "incoming" ? null : (row.caller_contact ?? row.caller);
  if (caller && (row.name ?? row.number)) parts.push(t("from_phone", { name: caller }));
  if (row.answered_by && row.direction === "incoming")
    parts.push(t("answered_by", { name: row.answered_by_contact ?? row.answered_by }));
  if (row.talk_time) parts.push(duration(language, row.talk_time));
  if (row.voicemail) parts.push(t("voicemail"));
  const asked = row.asked_by && (row.asked_by.name || (row.asked_by.type === "user" ? "" : t(row.asked_by.type)));
  if (asked) parts.push(t("asked_by", { name: asked }));
  return parts.join(" · ");
}
