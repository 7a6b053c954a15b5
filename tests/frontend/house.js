// A house for the tests and the test page: a fake `hass` and what the server would send.

/** @param {Partial<Row>} values @returns {Row} */
export function row(values) {
  return {
    id: "1", config_entry_id: "pbx1", state: "ended", direction: "incoming", missed: false, seen: true,
    anonymous: false, result: "answered", started_at: "2026-11-20T10:00:00+00:00",
    ended_at: "2026-11-20T10:01:00+00:00", ring_time: 5, talk_time: 55, caller: "09121234567",
    caller_contact: null, callee: "101", callee_contact: null, number: "09121234567", name: null, contact: null,
    person: null, answered_by: null, answered_by_contact: null, voicemail: false, asked_by: null, may_hang_up: false,
    ...values,
  };
}

/** @param {Partial<Contact>} values @returns {Contact} */
export function contact(values) {
  return {
    contact: "mum", config_entry_id: "pbx1", name: "Mum", number: "09121234567", person: null, picture: null,
    is_extension: false, extension_state: null, button_entity_id: "button.mum", ...values,
  };
}

/** @param {Partial<StateMessage>} [values] @returns {StateMessage} */
export function state(values = {}) {
  return {
    type: "state", now: new Date().toISOString(),
    pbxs: [{ config_entry_id: "pbx1", title: "Home", kind: "asterisk", features: ["hang_up", "speech"], ready: true }],
    rows: [],
    contacts: [
      contact({}),
      contact({ contact: "kitchen", name: "Kitchen", number: "101", is_extension: true, extension_state: "idle" }),
      contact({ contact: "office", name: "Office", number: "102", is_extension: true, extension_state: "in_use" }),
    ],
    may: { read: true, dial: ["pbx1"], call: ["pbx1"], hang_up: ["pbx1"], mark_seen: ["pbx1"] },
    default_caller: { pbx1: "kitchen" }, ...values,
  };
}

/** A connection that a test drives. */
export class Connection {
  connected = true;
  /** @type {Map<string, Set<() => void>>} */
  #listeners = new Map();
  /** @type {((message: any) => void)[]} */
  subscribers = [];
  /** @type {any} */
  refusal = null;
  /** @type {any[]} */
  sent = [];
  /** @type {any} */
  page = { rows: [], has_more: false };
  unsubscribed = 0;
  /** @type {StateMessage | null} */
  first = null;

  /** @param {string} type @param {() => void} listener */
  addEventListener(type, listener) {
    this.#listeners.set(type, (this.#listeners.get(type) ?? new Set()).add(listener));
  }

  /** @param {string} type @param {() => void} listener */
  removeEventListener(type, listener) {
    this.#listeners.get(type)?.delete(listener);
  }

  /** @param {string} type */
  fire(type) {
    this.connected = type === "ready";
    for (const listener of this.#listeners.get(type) ?? []) listener();
  }

  /** @param {(message: any) => void} listener @param {object} message @param {object} [options] */
  async subscribeMessage(listener, message, options) {
    this.sent.push({ ...message, options });
    if (this.refusal) throw this.refusal;
    this.subscribers.push(listener);
    if (this.first) listener(this.first);
    return async () => {
      this.unsubscribed += 1;
    };
  }

  /** @param {object} message */
  async sendMessagePromise(message) {
    this.sent.push(message);
    return this.page;
  }

  /** @param {any} message */
  send(message) {
    this.subscribers.at(-1)?.(message);
  }
}

/**
 * @param {Connection} connection
 * @param {Record<string, any>} [values]
 * @returns {any}
 */
export function house(connection, values = {}) {
  /** @type {any[]} */
  const calls = [];
  return {
    connection, calls, states: {}, entities: {}, devices: {}, user: { id: "u1", name: "Anna", is_admin: true },
    language: "en", locale: { language: "en", time_format: "language", time_zone: "server" },
    config: { time_zone: "UTC" }, localize: () => "",
    loadBackendTranslation: async () => (/** @type {string} */ key) =>
      (key === "component.pbx.exceptions.contacts_only.message" ? "Nur Kontakte." : ""),
    callService: async (/** @type {any[]} */ ...call) => {
      calls.push(call);
      if (values.fails) throw values.fails;
      return { context: {}, response: values.response };
    },
    ...values,
  };
}
