// One subscription for all cards of a page, and the actions.

import { EMPTY, PAGE, reduce } from "./store.js";

// Milliseconds until a failed subscription is tried again, and until one that no card needs
// any more is ended: a change of the view takes all cards away for a moment.
const RETRY = 3000;
const LINGER = 5000;

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
    this.#page ??= this.#readPage(last.id).finally(() => {
      this.#page = null;
    });
    return this.#page;
  }

  /** @param {string} before */
  async #readPage(before) {
    const attempt = this.#attempt;
    /** @type {{rows: Row[], has_more: boolean}} */
    const page = await this.connection.sendMessagePromise({ type: "pbx/calls", before, limit: PAGE });
    if (attempt === this.#attempt) this.#apply({ type: "page", ...page });
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
      if (attempt === this.#attempt) this.#apply(message);
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
 * @throws {Error} with a message in the user's language
 */
export async function act(hass, service, data) {
  const given = Object.fromEntries(Object.entries(data).filter(([, value]) => value !== undefined));
  try {
    await hass.callService("pbx", service, given, undefined, false);
  } catch (error) {
    throw new Error(await messageOf(hass, error), { cause: error });
  }
}

/**
 * The message of a failed action is English: its key leads to the user's language.
 * @param {Hass} hass
 * @param {any} error
 * @returns {Promise<string>} empty if nothing is known
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
  return error?.message ? String(error.message) : "";
}
