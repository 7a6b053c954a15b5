// The types of the card: what Home Assistant gives it, and what our WebSocket commands send.
// Only what is used.

interface HassUser { id: string; name: string; is_admin: boolean }
interface HassState { entity_id: string; state: string; attributes: Record<string, any> }
interface HassLocale { language: string; time_format?: string; time_zone?: string }
interface HassEntity {
  entity_id: string; device_id?: string; platform?: string; hidden?: boolean; translation_key?: string;
}
interface HassDevice {
  id: string; name: string | null; name_by_user?: string | null; model?: string | null;
  config_entries?: string[]; primary_config_entry?: string | null; entry_type?: string | null;
}
interface HassConnection {
  connected?: boolean;
  addEventListener(type: string, listener: () => void): void;
  removeEventListener(type: string, listener: () => void): void;
  subscribeMessage<T>(
    listener: (message: T) => void, message: object, options?: { resubscribe?: boolean },
  ): Promise<() => Promise<void>>;
  sendMessagePromise<T>(message: object): Promise<T>;
}
type Localize = (key: string, values?: Record<string, any>) => string;
interface Hass {
  connection: HassConnection;
  states: Record<string, HassState>;
  entities: Record<string, HassEntity>;
  devices: Record<string, HassDevice>;
  user?: HassUser;
  language: string;
  locale: HassLocale;
  config: { time_zone?: string };
  localize: Localize;
  loadBackendTranslation(category: string, integration: string): Promise<Localize>;
  callService(
    domain: string, service: string, data?: object, target?: object, notifyOnError?: boolean,
    returnResponse?: boolean,
  ): Promise<any>;
}

/** A call: one that is on has no `ended_at`. */
interface Row {
  id: string;
  config_entry_id: string;
  state: "placed" | "ringing_callee" | "connected" | "ended";
  direction: "incoming" | "outgoing" | "internal" | null;
  missed: boolean;
  seen: boolean;
  anonymous: boolean;
  result: string | null;
  started_at: string;
  ended_at: string | null;
  ring_time: number | null;
  talk_time: number | null;
  caller: string | null;
  caller_contact: string | null;
  callee: string | null;
  callee_contact: string | null;
  number: string | null;
  name: string | null;
  contact: string | null;
  person: string | null;
  answered_by: string | null;
  answered_by_contact: string | null;
  voicemail: boolean;
  asked_by: { type: string; name?: string | null } | null;
  /** Whether the user may end it now. */
  may_hang_up: boolean;
}
interface Pbx { config_entry_id: string; title: string; kind: string; features: string[]; ready: boolean }
interface Contact {
  contact: string; config_entry_id: string; name: string; number: string; person: string | null;
  picture: string | null; is_extension: boolean; extension_state: string | null;
  /** Null if the user may not press it. */
  button_entity_id: string | null;
}
/** At which PBXs the user may do something. */
interface Rights { read: boolean; dial: string[]; call: string[]; hang_up: string[]; mark_seen: string[] }
interface StateMessage {
  type: "state"; now: string; pbxs: Pbx[]; rows: Row[]; contacts: Contact[]; may: Rights;
  /** A number or a contact, by PBX. */
  default_caller: Record<string, string | null>;
}
type Message = StateMessage | { type: "row"; row: Row } | { type: "removed"; id: string }
  | { type: "extension"; contact: string; extension_state: string | null };
type Status = "connecting" | "open" | "lost" | "missing" | "denied";
/** Calls before another one, and what was known when they were asked for. */
interface Page { type: "page"; before: string; asked: readonly Row[]; rows: Row[]; has_more: boolean }
type Change = Message | Page | { type: "status"; status: Status };

/** What all cards of a page know. `offset`: the server's clock minus ours, in ms. */
interface Data {
  status: Status; offset: number; pbxs: Pbx[]; rows: Row[]; hasMore: boolean; contacts: Contact[];
  may: Rights; defaultCaller: StateMessage["default_caller"];
}
type PartName = "now" | "contacts" | "keypad" | "calls";
interface CardConfig {
  type?: string; title?: string; config_entry_id?: string; show?: PartName[]; contacts?: string[];
  caller?: string; confirm?: "never" | "numbers" | "always";
}
/** Whom to call: a contact, or a number of nobody. */
interface Target { config_entry_id: string; name: string; number: string; contact: string | null }
/** A phone that can ring first. `contact` is null for a number. */
interface Caller { label: string; contact: string | null; number: string }
type Words = (key: string, values?: Record<string, string | number>) => string;

/** What a part needs of its card. */
interface Context {
  /** Where dialogs go. */
  root: ParentNode;
  hass: Hass;
  config: CardConfig;
  /** The data of the page. */
  all: Data;
  /** What this card shows of it. */
  data: Data;
  /** What persons look like, and who is who: changes when they do. */
  people: string;
  t: Words;
  /** The time of the server, in ms. */
  now(): number;
  /** Whether something can be pressed: connected, and not being edited. */
  live: boolean;
  call(target: Target, caller?: Caller | null): Promise<void>;
  choose(target: Target): Promise<void>;
  hangUp(row: Row): Promise<void>;
  markSeen(): void;
  more(): Promise<void>;
}
interface Part { draw(): void; tick?(): void; close?(): void; opened?(): void }

interface Window { customCards?: object[]; customStrategies?: object[] }
