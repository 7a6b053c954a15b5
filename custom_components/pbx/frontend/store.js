// What the cards of a page know: one subscription for all of them, and the actions.

import { time, words } from "./words.js";

/** @type {Data} */
export const EMPTY = {
  status: "connecting",
  offset: 0,
  pbxs: [],
  rows: [],
  hasMore: false,
  contacts: [],
  may: { read: true, dial: [], call: [], hang_up: [], mark_seen: [] },
  defaultCaller: {},
};

// How many rows the server sends with the state.
export const PAGE = 50;
// How many it sends at most when older ones are read.
const MAX_PAGE = 500;

/**
 * Newest first; calls that began together by their id.
 * @param {Row} a
 * @param {Row} b
 */
function byStart(a, b) {
  return time(b.started_at) - time(a.started_at) || (a.id < b.id ? 1 : -1);
}

/** @param {Row} row */
export function isLive(row) {
  return row.state !== "ended";
}

/**
 * Return the data after a change. Rows that did not change stay the same objects.
 * @param {Data} data
 * @param {Change} change
 * @param {number} now our time, in ms
 * @returns {Data}
 */
export function reduce(data, change, now) {
  switch (change.type) {
    case "state": return withState(data, change, now);
    case "row": return withRow(data, change.row);
    case "removed": return { ...data, rows: data.rows.filter((row) => row.id !== change.id) };
    case "page": return withPage(data, change);
    case "extension": {
      const { contact, extension_state } = change;
      const contacts = data.contacts.map((each) => (each.contact === contact ? { ...each, extension_state } : each));
      return { ...data, contacts };
    }
    case "status": return { ...data, status: change.status };
    default: return data;
  }
}

/**
 * The state has the newest rows only. Older ones that were read stay, until they are read again.
 * @param {Data} data
 * @param {StateMessage} state
 * @param {number} now
 * @returns {Data}
 */
function withState(data, state, now) {
  const hasMore = state.rows.length >= PAGE;
  const rows = keepSame(data.rows, state.rows);
  const last = rows.at(-1);
  const entries = new Set(state.pbxs.map((pbx) => pbx.config_entry_id));
  const older = data.rows.filter((row) => last && hasMore && byStart(row, last) > 0 && entries.has(row.config_entry_id));
  return {
    status: "open",
    offset: time(state.now) - now,
    pbxs: state.pbxs,
    rows: [...rows, ...older],
    hasMore: older.length ? data.hasMore : hasMore,
    contacts: state.contacts,
    may: state.may,
    defaultCaller: state.default_caller,
  };
}

/**
 * @param {Data} data
 * @param {Row} row
 * @returns {Data}
 */
function withRow(data, row) {
  const rows = data.rows.filter((each) => each.id !== row.id);
  const index = rows.findIndex((each) => byStart(each, row) > 0);
  // It is older than what was read: it comes with its page.
  if (index < 0 && data.hasMore && !isLive(row) && rows.length === data.rows.length && rows.length) return data;
  return { ...data, rows: rows.toSpliced(index < 0 ? rows.length : index, 0, row) };
}

/**
 * A page takes the place of the rows that were known when it was asked for and that are older
 * than `before`. What came meanwhile is newer than the page.
 * @param {Data} data
 * @param {Page} page
 * @returns {Data}
 */
function withPage(data, { before, asked, rows, has_more: hasMore }) {
  const first = data.rows.find((row) => row.id === before);
  // The log was emptied meanwhile.
  if (!first) return data;
  const known = new Set(asked);
  const stays = data.rows.filter((row) => !known.has(row) || byStart(row, first) <= 0);
  const ids = new Set(stays.map((row) => row.id));
  const added = keepSame(data.rows, rows).filter((row) => !ids.has(row.id));
  return { ...data, rows: [...stays, ...added].sort(byStart), hasMore };
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
  if (!entry && !wanted?.length) return data;
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

// Milliseconds until a failed subscription is tried again, and until one that no card needs
// any more is ended: a change of the view takes all cards away for a moment.
const RETRY = 3000;
const LINGER = 5000;
// The code with which all that is under way fails as the connection ends.
const CONNECTION_LOST = 3;

/** @type {WeakMap<HassConnection, Feed>} */
const feeds = new WeakMap();

/**
 * Return the data of a connection to Home Assistant.
 * @param {HassConnection} connection
 */
export function feedOf(connection) {
  let feed = feeds.get(connection);
  if (!feed) feeds.set(connection, (feed = new Feed(connection)));
  return feed;
}

/** The data of all PBXs, kept up to date while somebody listens. */
export class Feed {
  /** @type {Set<() => void>} */
  #listeners = new Set();
  /** @type {(() => Promise<void>) | null} */
  #unsubscribe = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retry;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #linger;
  /** @type {Promise<void> | null} */
  #page = null;
  // What was begun before another beginning is of no interest any more.
  #attempt = 0;
  #isOpen = false;

  /** @param {HassConnection} connection */
  constructor(connection) {
    this.connection = connection;
    this.data = EMPTY;
  }

  /**
   * Call a function after each change, until the returned function is called.
   * @param {() => void} listener
   */
  listen(listener) {
    this.#listeners.add(listener);
    clearTimeout(this.#linger);
    if (!this.#isOpen) this.#open();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size) return;
      clearTimeout(this.#linger);
      this.#linger = setTimeout(() => this.#close(), LINGER);
    };
  }

  /** Read older calls; the same reading for all who ask meanwhile. */
  more() {
    const last = this.data.rows.at(-1);
    if (!last || !this.data.hasMore || this.data.status !== "open") return Promise.resolve();
    return this.#read(last.id, PAGE);
  }

  /**
   * @param {string} before
   * @param {number} limit
   */
  #read(before, limit) {
    this.#page ??= this.#readPage(before, limit).finally(() => {
      this.#page = null;
    });
    return this.#page;
  }

  /**
   * @param {string} before
   * @param {number} limit
   */
  async #readPage(before, limit) {
    const attempt = this.#attempt;
    const asked = this.data.rows;
    /** @type {{rows: Row[], has_more: boolean}} */
    const page = await this.connection.sendMessagePromise({ type: "pbx/calls", before, limit });
    if (attempt === this.#attempt) this.#apply({ type: "page", before, asked, ...page });
  }

  /**
   * Names and numbers of older calls may have changed together with the state.
   * @param {number} count of the rows that the state had
   */
  #readAgain(count) {
    const read = () => {
      const older = this.data.rows.length - count;
      const before = this.data.rows[count - 1];
      if (before && older > 0) this.#read(before.id, Math.min(older, MAX_PAGE)).catch(() => {});
    };
    if (this.#page) this.#page.then(read, read);
    else read();
  }

  #open() {
    this.#isOpen = true;
    // Home Assistant's own resubscription ends without a word if we are not set up yet.
    this.connection.addEventListener("ready", this.#subscribe);
    this.connection.addEventListener("disconnected", this.#lost);
    if (this.connection.connected === false) this.#lost();
    else this.#subscribe();
  }

  #close() {
    this.#isOpen = false;
    this.#attempt += 1;
    clearTimeout(this.#retry);
    this.connection.removeEventListener("ready", this.#subscribe);
    this.connection.removeEventListener("disconnected", this.#lost);
    this.#unsubscribe?.().catch(() => {});
    this.#unsubscribe = null;
    this.data = EMPTY;
  }

  #subscribe = async () => {
    const attempt = ++this.#attempt;
    clearTimeout(this.#retry);
    this.#unsubscribe = null;
    /** @param {Message} message */
    const receive = (message) => {
      if (attempt !== this.#attempt) return;
      this.#apply(message);
      if (message.type === "state") this.#readAgain(message.rows.length);
    };
    try {
      const unsubscribe = await this.connection.subscribeMessage(
        receive, { type: "pbx/subscribe" }, { resubscribe: false },
      );
      if (attempt === this.#attempt) this.#unsubscribe = unsubscribe;
      else await unsubscribe().catch(() => {});
    } catch (error) {
      if (attempt !== this.#attempt) return;
      const code = /** @type {{code?: string | number}} */ (error)?.code;
      this.#apply({ type: "status", status: code === "unauthorized" ? "denied" : "missing" });
      this.#retry = setTimeout(this.#subscribe, RETRY);
    }
  };

  #lost = () => {
    this.#attempt += 1;
    clearTimeout(this.#retry);
    this.#unsubscribe = null;
    this.#apply({ type: "status", status: "lost" });
  };

  /** @param {Change} change */
  #apply(change) {
    const data = reduce(this.data, change, Date.now());
    if (data === this.data) return;
    this.data = data;
    for (const listener of [...this.#listeners]) listener();
  }
}

/**
 * Run an action of ours.
 * @param {Hass} hass
 * @param {string} service
 * @param {Record<string, unknown>} data without those that are undefined
 * @param {boolean} [hasResponse]
 * @returns {Promise<any>} its response
 * @throws {Error} with a message in the user's language
 */
export async function act(hass, service, data, hasResponse = false) {
  const given = Object.fromEntries(Object.entries(data).filter(([, value]) => value !== undefined));
  try {
    const answer = await hass.callService("pbx", service, given, undefined, false, hasResponse);
    return answer?.response;
  } catch (error) {
    throw new Error(await messageOf(hass, error), { cause: error });
  }
}

/**
 * The message of a failed action is English: its key leads to the user's language.
 * @param {Hass} hass
 * @param {any} error
 * @returns {Promise<string>}
 */
export async function messageOf(hass, error) {
  const { translation_key: key, translation_domain: domain, translation_placeholders: values } = error ?? {};
  if (key && (!domain || domain === "pbx")) {
    try {
      const localize = await hass.loadBackendTranslation("exceptions", "pbx");
      const text = localize(`component.pbx.exceptions.${key}.message`, values ?? {});
      if (text) return text;
    } catch {
      // The English message is better than none.
    }
  }
  const t = words(hass.language);
  // Home Assistant's own errors have no key.
  if (error?.code === "unauthorized") return t("unauthorized");
  if (error?.error?.code === CONNECTION_LOST) return t("lost");
  return error?.message ? String(error.message) : t("error");
}
