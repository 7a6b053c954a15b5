// What people read: the words of the card, times, names and numbers.

// Both languages have the same keys.
/** @type {Record<string, Record<string, string>>} */
export const TEXTS = {
  en: {
    name: "Telephone",
    description: "Calls, contacts, and a keypad for your PBX.",
    now: "Now",
    contacts: "Contacts",
    keypad: "Keypad",
    calls: "Calls",
    all: "All",
    missed: "Missed",
    search: "Search contacts",
    number: "Number",
    pbx: "PBX",
    call: "Call",
    call_name: "Call {name}",
    call_back_name: "Call back {name}",
    hang_up: "Hang up",
    hang_up_name: "Hang up: {name}",
    erase: "Delete",
    cancel: "Cancel",
    close: "Close",
    options: "Options",
    options_name: "Options for {name}",
    call_from: "Call from {name}",
    from: "From {name}",
    from_phone: "from {name}",
    from_choose: "Choose who rings first",
    choose_caller: "Who rings first?",
    confirm: "Call {name}?",
    announce: "Announce…",
    announce_to: "Announce to {name}",
    message: "Message",
    send: "Send",
    incoming_call: "Incoming call",
    calling: "Calling…",
    ringing: "Ringing",
    talking: "Connected",
    anonymous: "Withheld number",
    unknown: "Unknown number",
    with_count: "{name} ({count})",
    to: "to {name}",
    between: "{caller} and {callee}",
    answered_by: "answered by {name}",
    incoming: "Incoming",
    outgoing: "Outgoing",
    internal: "Internal",
    no_answer: "No answer",
    busy: "Busy",
    declined: "Declined",
    failed: "Failed",
    caller_unreachable: "Caller unreachable",
    undetermined: "Result undetermined",
    voicemail: "Voicemail",
    asked_by: "by {name}",
    automation: "automation",
    script: "script",
    voice: "voice",
    button: "button",
    today: "Today",
    yesterday: "Yesterday",
    just_now: "just now",
    unseen_one: "{count} new missed call",
    unseen_other: "{count} new missed calls",
    state_ringing: "Ringing",
    state_in_use: "On the phone",
    state_paused: "Paused",
    state_offline: "Offline",
    connecting: "Connecting…",
    starting: "The PBX is starting…",
    lost: "Connection lost. Reconnecting…",
    no_pbx: "No PBX has been added yet. Add one under Settings > Devices & services.",
    no_pbx_user: "There is no PBX that you have permission to use. Ask an administrator.",
    gone_pbx: "The PBX of this card does not exist anymore, or you do not have permission to use it. Edit the card.",
    gone_contacts: "The contacts of this card do not exist anymore, or you do not have permission to see them. Edit the card.",
    no_contacts: "No contacts yet. Add them to the PBX under Settings > Devices & services.",
    no_match: "No contact found.",
    no_calls: "No calls yet.",
    no_missed: "No missed calls.",
    no_active: "No active calls.",
    starting_names: "Starting: {names}…",
    no_read: "You do not have permission to see calls. Ask an administrator to grant it.",
    no_call: "You do not have permission to call. Ask an administrator to grant it.",
    no_dial: "You may only call contacts.",
    unauthorized: "You do not have permission to do this. Ask an administrator to grant it.",
    error: "The action failed. Check the logs of Home Assistant.",
    form_title: "Title",
    form_config_entry_id: "PBX",
    form_config_entry_id_help: "Leave it empty to show all PBXs.",
    form_show: "Show",
    form_show_help: "If nothing is selected, everything is shown.",
    form_contacts: "Contacts",
    form_contacts_help: "In this order. Leave it empty to show all contacts.",
    form_caller: "Caller",
    form_caller_help: "The phone that rings first. If empty, it is the extension of the person who is logged in, or else the caller of the contact or of the PBX.",
    form_confirm: "Ask before calling",
    form_confirm_help: "A number that is typed on the keypad counts as one that is not a contact.",
    confirm_never: "Never",
    confirm_numbers: "Numbers that are not contacts",
    confirm_always: "Always",
    invalid_show: "show: choose from now, contacts, keypad, calls.",
    invalid_contacts: "contacts: enter a list.",
    invalid_confirm: "confirm: choose never, numbers, or always.",
    strategy_description: "A dashboard with your calls, contacts, and extensions.",
    extensions: "Extensions",
  },
  fa: {
    name: "تلفن",
    description: "تماس‌ها، مخاطبان و صفحهٔ شماره‌گیر مرکز تلفن شما.",
    now: "اکنون",
    contacts: "مخاطبان",
    keypad: "شماره‌گیر",
    calls: "تماس‌ها",
    all: "همه",
    missed: "بی‌پاسخ",
    search: "جست‌وجوی مخاطبان",
    number: "شماره",
    pbx: "مرکز تلفن",
    call: "تماس",
    call_name: "تماس با {name}",
    call_back_name: "تماس دوباره با {name}",
    hang_up: "قطع تماس",
    hang_up_name: "قطع تماس: {name}",
    erase: "پاک کردن",
    cancel: "انصراف",
    close: "بستن",
    options: "گزینه‌ها",
    options_name: "گزینه‌های {name}",
    call_from: "تماس از {name}",
    from: "از {name}",
    from_phone: "از {name}",
    from_choose: "انتخاب تلفنی که اول زنگ می‌خورد",
    choose_caller: "کدام تلفن اول زنگ بخورد؟",
    confirm: "با {name} تماس گرفته شود؟",
    announce: "اعلان…",
    announce_to: "اعلان به {name}",
    message: "پیام",
    send: "ارسال",
    incoming_call: "تماس ورودی",
    calling: "در حال تماس…",
    ringing: "در حال زنگ خوردن",
    talking: "در حال گفت‌وگو",
    anonymous: "شمارهٔ پنهان",
    unknown: "شمارهٔ نامشخص",
    with_count: "{name} ({count})",
    to: "به {name}",
    between: "{caller} و {callee}",
    answered_by: "پاسخ از {name}",
    incoming: "ورودی",
    outgoing: "خروجی",
    internal: "داخلی",
    no_answer: "پاسخ نداد",
    busy: "مشغول",
    declined: "رد شد",
    failed: "ناموفق",
    caller_unreachable: "تماس‌گیرنده در دسترس نبود",
    undetermined: "نتیجه نامعلوم",
    voicemail: "پیام صوتی",
    asked_by: "توسط {name}",
    automation: "اتوماسیون",
    script: "اسکریپت",
    voice: "صدا",
    button: "دکمه",
    today: "امروز",
    yesterday: "دیروز",
    just_now: "همین حالا",
    unseen_one: "{count} تماس بی‌پاسخ تازه",
    unseen_other: "{count} تماس بی‌پاسخ تازه",
    state_ringing: "در حال زنگ خوردن",
    state_in_use: "در حال مکالمه",
    state_paused: "متوقف",
    state_offline: "آفلاین",
    connecting: "در حال اتصال…",
    starting: "مرکز تلفن در حال راه‌اندازی است…",
    lost: "ارتباط قطع شد. در حال اتصال دوباره…",
    no_pbx: "هنوز مرکز تلفنی اضافه نشده است. آن را در تنظیمات > دستگاه‌ها و سرویس‌ها اضافه کنید.",
    no_pbx_user: "مرکز تلفنی نیست که اجازهٔ استفاده از آن را داشته باشید. از مدیر بخواهید.",
    gone_pbx: "مرکز تلفن این کارت دیگر وجود ندارد، یا اجازهٔ استفاده از آن را ندارید. کارت را ویرایش کنید.",
    gone_contacts: "مخاطبان این کارت دیگر وجود ندارند، یا اجازهٔ دیدن آن‌ها را ندارید. کارت را ویرایش کنید.",
    no_contacts: "هنوز مخاطبی نیست. مخاطبان را در تنظیمات > دستگاه‌ها و سرویس‌ها به مرکز تلفن اضافه کنید.",
    no_match: "مخاطبی پیدا نشد.",
    no_calls: "هنوز تماسی نیست.",
    no_missed: "تماس بی‌پاسخی نیست.",
    no_active: "تماس جاری نیست.",
    starting_names: "در حال راه‌اندازی: {names}…",
    no_read: "شما اجازهٔ دیدن تماس‌ها را ندارید. از مدیر بخواهید این اجازه را بدهد.",
    no_call: "شما اجازهٔ تماس گرفتن ندارید. از مدیر بخواهید این اجازه را بدهد.",
    no_dial: "شما فقط می‌توانید با مخاطبان تماس بگیرید.",
    unauthorized: "شما اجازهٔ این کار را ندارید. از مدیر بخواهید این اجازه را بدهد.",
    error: "اقدام انجام نشد. گزارش‌های \u2068Home Assistant\u2069 را بررسی کنید.",
    form_title: "عنوان",
    form_config_entry_id: "مرکز تلفن",
    form_config_entry_id_help: "برای نمایش همهٔ مرکزهای تلفن خالی بگذارید.",
    form_show: "نمایش",
    form_show_help: "اگر چیزی انتخاب نشود، همه نمایش داده می‌شوند.",
    form_contacts: "مخاطبان",
    form_contacts_help: "به همین ترتیب. برای نمایش همهٔ مخاطبان خالی بگذارید.",
    form_caller: "تماس‌گیرنده",
    form_caller_help: "تلفنی که اول زنگ می‌خورد. اگر خالی باشد، داخلی کسی است که وارد شده، وگرنه تماس‌گیرندهٔ مخاطب یا مرکز تلفن.",
    form_confirm: "پرسش پیش از تماس",
    form_confirm_help: "شماره‌ای که با شماره‌گیر وارد شود، شماره‌ای به شمار می‌آید که مخاطب نیست.",
    confirm_never: "هرگز",
    confirm_numbers: "برای شماره‌هایی که مخاطب نیستند",
    confirm_always: "همیشه",
    invalid_show: "\u2068show\u2069: از \u2068now, contacts, keypad, calls\u2069 انتخاب کنید.",
    invalid_contacts: "\u2068contacts\u2069: یک فهرست وارد کنید.",
    invalid_confirm: "\u2068confirm\u2069: یکی از \u2068never, numbers, always\u2069 را انتخاب کنید.",
    strategy_description: "داشبوردی با تماس‌ها، مخاطبان و داخلی‌های شما.",
    extensions: "داخلی‌ها",
  },
};

/**
 * Return the words of a language, English where there are none.
 *
 * `count` in the values picks the form of a key with `_one` and `_other`, and is written in the
 * digits of the language. Text that is put in is isolated: it may run the other way.
 * @param {string} language
 * @returns {Words}
 */
export function words(language) {
  const base = language.split("-")[0] ?? "";
  const known = base in TEXTS ? base : "en";
  const texts = TEXTS[known] ?? {};
  const tag = known === base ? language : known;
  const plural = new Intl.PluralRules(tag);
  const number = new Intl.NumberFormat(tag);
  return (key, values = {}) => {
    const form = typeof values.count === "number" ? `${key}_${plural.select(values.count)}` : "";
    const text = texts[form] ?? texts[key] ?? key;
    return text.replace(/\{(\w+)\}/g, (_, name) => {
      const value = values[name] ?? "";
      return typeof value === "number" ? number.format(value) : `\u2068${value}\u2069`;
    });
  };
}

/** The words of the language of the page, where nothing else tells it. */
export function pageWords() {
  return words(globalThis.document?.documentElement?.lang || "en");
}

/**
 * A moment of the server, in ms.
 * @param {string} text
 */
export function time(text) {
  return Date.parse(text);
}

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
 * What is missing for a card; empty if nothing is.
 * @param {Data} data
 * @param {PartName[]} parts
 * @param {Words} t
 * @param {number} [others] how many PBXs there are that the card does not show
 * @param {boolean} [isAdmin] whether the user could add a PBX
 */
export function missing({ may, pbxs, status }, parts, t, others = 0, isAdmin = true) {
  if (status === "connecting") return t("connecting");
  if (status === "lost") return t("lost");
  if (status === "denied") return t("no_read");
  if (status === "missing") return t("starting");
  if (!pbxs.length) return t(others ? "gone_pbx" : isAdmin ? "no_pbx" : "no_pbx_user");
  const starting = pbxs.filter((pbx) => !pbx.ready).map((pbx) => pbx.title);
  if (starting.length) return pbxs.length > 1 ? t("starting_names", { names: starting.join(", ") }) : t("starting");
  if (pbxs.some(({ config_entry_id: entry }) => may.call.includes(entry) || may.dial.includes(entry))) return "";
  if (!may.read) return t("no_read");
  return parts.some((name) => name === "contacts" || name === "keypad") ? t("no_call") : "";
}
