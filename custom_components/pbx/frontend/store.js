// What the cards of a page know: pure functions, without a browser.

/** @type {Data} */
export const EMPTY = {
  status: "connecting",
  offset: 0,
  pbxs: [],
  rows: [],
  hasMore: false,
  contacts: [],
  may: { read: true, dial: false, call: [], hang_up: false },
  defaultCaller: null,
};

// How many rows the server sends with the state.
export const PAGE = 50;

/**
 * Newest first; calls that began together by their id.
 * @param {Row} a
 * @param {Row} b
 */
function byStart(a, b) {
  return time(b.started_at) - time(a.started_at) || (a.id < b.id ? 1 : -1);
}

/** @param {string | number} value */
export function time(value) {
  return typeof value === "number" ? value * 1000 : Date.parse(value);
}

/** @param {Row} row */
export function isLive(row) {
  return row.state !== "ended";
}

/**
 * Add rows, or replace those with the same id. Rows that did not change stay the same objects.
 * @param {readonly Row[]} rows
 * @param {readonly Row[]} added
 */
function merge(rows, added) {
  const ids = new Set(added.map((row) => row.id));
  return [...rows.filter((row) => !ids.has(row.id)), ...added].sort(byStart);
}

/**
 * Return the data after a change.
 * @param {Data} data
 * @param {Change} change
 * @param {number} now our time, in ms
 * @returns {Data}
 */
export function reduce(data, change, now) {
  switch (change.type) {
    case "state":
      return {
        status: "open",
        offset: time(change.now) - now,
        pbxs: change.pbxs,
        rows: keepSame(data.rows, change.rows),
        hasMore: change.rows.length >= PAGE,
        contacts: change.contacts,
        may: change.may,
        defaultCaller: change.default_caller,
      };
    case "row": {
      const last = data.rows.at(-1);
      // It is older than what was read: it comes with its page.
      if (data.hasMore && !isLive(change.row) && last && byStart(last, change.row) < 0 && last.id !== change.row.id)
        return data;
      return { ...data, rows: merge(data.rows, [change.row]) };
    }
    case "removed":
      return { ...data, rows: data.rows.filter((row) => row.id !== change.id) };
    case "page": {
      // What is known is newer than the page: it may have changed meanwhile.
      const known = new Set(data.rows.map((row) => row.id));
      return {
        ...data,
        rows: merge(data.rows, change.rows.filter((row) => !known.has(row.id))),
        hasMore: change.has_more,
      };
    }
    case "extension": {
      const { contact, extension_state } = change;
      const contacts = data.contacts.map((each) => (each.contact === contact ? { ...each, extension_state } : each));
      return { ...data, contacts };
    }
    case "status":
      return { ...data, status: change.status };
    default:
      return data;
  }
}

/**
 * Keep the object of each row that is sent again as it was: then it is not drawn again.
 * @param {readonly Row[]} before
 * @param {readonly Row[]} after
 */
function keepSame(before, after) {
  const known = new Map(before.map((row) => [row.id, row]));
  return after
    .map((row) => {
      const old = known.get(row.id);
      return old && JSON.stringify(old) === JSON.stringify(row) ? old : row;
    })
    .sort(byStart);
}

/**
 * Return the part of the data that a card shows.
 * @param {Data} data
 * @param {CardConfig} config
 * @returns {Data}
 */
export function select(data, config) {
  const { config_entry_id: entry, contacts: wanted } = config;
  /** @param {{config_entry_id: string}} item */
  const fits = (item) => !entry || item.config_entry_id === entry;
  let contacts = data.contacts.filter(fits);
  if (wanted?.length) {
    contacts = wanted.flatMap(
      (id) => contacts.find((each) => each.contact === id || each.name === id) ?? [],
    );
  }
  return { ...data, pbxs: data.pbxs.filter(fits), rows: data.rows.filter(fits), contacts };
}

/**
 * @param {boolean | string[] | undefined} right
 * @param {string} entry
 */
export function allows(right, entry) {
  return right === true || (Array.isArray(right) && right.includes(entry));
}

/**
 * @param {Data} data
 * @param {string} entry
 * @param {string} feature
 */
export function supports(data, entry, feature) {
  return data.pbxs.some((pbx) => pbx.config_entry_id === entry && pbx.features.includes(feature));
}

/**
 * Live calls: those that come in and ring first, then the newest.
 * @param {readonly Row[]} rows
 */
export function liveRows(rows) {
  const rings = (/** @type {Row} */ row) => Number(row.direction === "incoming" && row.state !== "connected");
  return rows.filter(isLive).sort((a, b) => rings(b) - rings(a) || byStart(a, b));
}

/**
 * Who a call is with, for grouping; empty if nobody can tell.
 * @param {Row} row
 */
function partyOf(row) {
  if (row.direction === "internal" && !row.number) return row.caller && row.callee && `${row.caller}>${row.callee}`;
  return row.contact || row.number || "";
}

/**
 * A heading, or calls with the same party in a row (the newest first).
 * @typedef {{key: string, day: string, rows: Row[]}} Item
 */

/**
 * Return the headings and the groups of calls that have ended.
 * @param {readonly Row[]} rows newest first
 * @param {(row: Row) => string} dayOf
 * @returns {Item[]}
 */
export function groups(rows, dayOf) {
  /** @type {Item[]} */
  const items = [];
  for (const row of rows) {
    if (isLive(row)) continue;
    const day = dayOf(row);
    const last = items.at(-1);
    const head = last?.rows[0];
    if (last?.day !== day) items.push({ key: `day ${day}`, day, rows: [] });
    else if (head && partyOf(row) && partyOf(row) === partyOf(head) && head.missed === row.missed
      && head.config_entry_id === row.config_entry_id) {
      last.rows.push(row);
      continue;
    }
    items.push({ key: row.id, day, rows: [row] });
  }
  return items;
}

/**
 * Return whether two items look the same.
 * @param {Item} a
 * @param {Item} b
 */
export function isSameItem(a, b) {
  return a.day === b.day && a.rows.length === b.rows.length && a.rows.every((row, index) => row === b.rows[index]);
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
 * Persian and Arabic digits as those that a PBX takes.
 * @param {string} text
 */
export function latinDigits(text) {
  return text.replace(/[٠-٩۰-۹]/g, (digit) => String((digit.codePointAt(0) ?? 0) & 15));
}

/**
 * What can be dialed of a text that was typed or pasted.
 * @param {string} text
 */
export function dialable(text) {
  return latinDigits(text).replace(/^tel:/i, "").replace(/[^0-9+*#]/g, "");
}
