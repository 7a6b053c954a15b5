// How the card looks: the theme's variables only, and no left or right.

export const STYLE = `
:host {
  display: block;
  height: 100%;
  --pbx-primary: var(--primary-color, #009ac7);
  --pbx-text: var(--primary-text-color, #141414);
  --pbx-dim: var(--secondary-text-color, #5e5e5e);
  --pbx-red: var(--error-color, #db4437);
  --pbx-green: var(--success-color, #43a047);
  --pbx-orange: var(--warning-color, #ffa600);
  --pbx-line: var(--divider-color, rgba(0, 0, 0, .12));
  --pbx-back: var(--ha-card-background, var(--card-background-color, #fff));
  --pbx-fill: color-mix(in srgb, var(--pbx-text) 7%, transparent);
}
[hidden] { display: none !important; }
* { box-sizing: border-box; }
.card {
  display: flex; flex-direction: column; height: 100%; min-width: 0; overflow: hidden;
  color: var(--pbx-text); background: var(--pbx-back);
  border: var(--ha-card-border-width, 1px) solid var(--ha-card-border-color, var(--pbx-line));
  border-radius: var(--ha-card-border-radius, 12px); box-shadow: var(--ha-card-box-shadow, none);
  font-size: var(--ha-font-size-m, 14px); line-height: 1.4;
}
.card.lost .parts { opacity: .5; }
.card.lost .parts button { opacity: 1; }
h2 { margin: 0; padding: 12px 16px 4px; font-size: var(--ha-font-size-xl, 20px); font-weight: 500; overflow-wrap: anywhere; }
h3 { margin: 0; padding: 12px 16px 4px; font-size: inherit; font-weight: 500; color: var(--pbx-dim); }
ul { list-style: none; margin: 0; padding: 0; }
button, input, select, textarea { font: inherit; color: inherit; }
button {
  display: inline-flex; align-items: center; justify-content: center; min-height: 44px; min-width: 44px;
  padding: 0; border: 0; background: none; cursor: pointer; user-select: none;
  touch-action: manipulation; -webkit-touch-callout: none; -webkit-tap-highlight-color: transparent;
}
button[aria-disabled=true] { cursor: default; }
.round[aria-disabled=true], .key[aria-disabled=true] { opacity: .45; }
button[aria-busy=true] { opacity: .6; cursor: progress; }
button:hover:not([aria-disabled=true]) { background-color: var(--pbx-fill); }
:focus-visible { outline: 2px solid var(--pbx-primary); outline-offset: -2px; }
.icon { width: 24px; height: 24px; fill: none; stroke: currentColor; stroke-linecap: round; stroke-linejoin: round; }
.aloud { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.notice { margin: 8px 16px; padding: 8px 12px; border-radius: 8px; background: var(--pbx-fill); overflow-wrap: anywhere; }
.notice.error {
  display: flex; align-items: center; gap: 8px; padding-block: 0; padding-inline-end: 0;
  border-inline-start: 4px solid var(--pbx-red);
}
.notice.error span { flex: 1; padding-block: 8px; }
.connecting .notice { animation: late 0s .7s backwards; }
@keyframes late { from { visibility: hidden; } }
.empty { margin: 0; padding: 16px; color: var(--pbx-dim); text-align: center; }

.tabs { display: flex; border-block-end: 1px solid var(--pbx-line); flex: none; }
.tabs button { flex: 1; min-width: 0; padding-inline: 4px; border-block-end: 2px solid transparent; color: var(--pbx-dim); }
.tabs button[aria-selected=true] { color: var(--pbx-primary); border-block-end-color: var(--pbx-primary); }
.tabs .badge {
  margin-inline-start: 6px; min-width: 20px; padding-inline: 6px; border-radius: 10px; line-height: 20px;
  font-size: 12px; background: var(--pbx-red); color: #fff;
}
.parts { display: flex; flex-direction: column; flex: 1; min-height: 0; }
.part { min-width: 0; }
.part.now { flex: none; max-height: 60%; overflow-y: auto; }
.panels { display: flex; flex: 1; min-height: 0; }
.panel { flex: 1; min-width: 0; overflow-y: auto; overscroll-behavior: contain; position: relative; max-height: 480px; }
.fill .panel { max-height: none; }
.wide .panel + .panel { border-inline-start: 1px solid var(--pbx-line); }

.live li { display: flex; align-items: center; gap: 12px; padding: 10px 16px; border-block-end: 1px solid var(--pbx-line); }
.live .coming { background: color-mix(in srgb, var(--pbx-green) 16%, transparent); }
.live .coming .avatar { animation: ring 1.2s ease-in-out infinite; width: 52px; height: 52px; }
.live .coming .name { font-size: 1.2em; font-weight: 500; }
@keyframes ring { 50% { box-shadow: 0 0 0 6px color-mix(in srgb, var(--pbx-green) 35%, transparent); } }
@media (prefers-reduced-motion: reduce) { .live .coming .avatar { animation: none; } }
.hang-up { background: var(--pbx-red); color: #fff; }
button.hang-up:hover:not([aria-disabled=true]), button.call:hover:not([aria-disabled=true]) { filter: brightness(1.1); }
button.hang-up:hover:not([aria-disabled=true]) { background-color: var(--pbx-red); }
.call { background: var(--pbx-green); color: #fff; }
button.call:hover:not([aria-disabled=true]) { background-color: var(--pbx-green); }
.round { flex: none; width: 48px; height: 48px; border-radius: 50%; }
.quiet { color: var(--pbx-dim); }

.lines { display: flex; flex-direction: column; flex: 1; min-width: 0; text-align: start; }
.name, .detail, .title { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.lines > .name { align-self: flex-start; max-width: 100%; }
.detail { color: var(--pbx-dim); font-size: .9em; }
.live .detail { white-space: normal; }
.timer, .time, .count { font-variant-numeric: tabular-nums; }
.time { color: var(--pbx-dim); font-size: .9em; white-space: nowrap; }
.row { display: flex; gap: 12px; flex: 1; width: 100%; min-width: 0; min-height: 56px; padding: 6px 16px; justify-content: flex-start; }
.contacts li { display: flex; align-items: center; }
.contacts .row { padding-inline-end: 4px; }
.contacts .row[aria-disabled=true] { opacity: .6; }
.avatar {
  position: relative; display: grid; place-items: center; flex: none; width: 40px; height: 40px; border-radius: 50%;
  background: color-mix(in srgb, var(--pbx-primary) 22%, transparent); font-weight: 500;
}
.avatar img { position: absolute; inset: 0; width: 100%; height: 100%; border-radius: 50%; object-fit: cover; }
.letters:empty { display: none; }
.avatar:has(.letters:empty)::before { content: "#"; }
.dot {
  position: absolute; inset-block-end: -1px; inset-inline-end: -1px; width: 13px; height: 13px; border-radius: 50%;
  border: 2px solid var(--pbx-back); background: var(--pbx-green);
}
.dot.in_use { background: var(--pbx-red); }
.dot.ringing, .dot.paused { background: var(--pbx-orange); }
.dot.offline { background: var(--pbx-back); box-shadow: inset 0 0 0 2px var(--pbx-dim); }
.dot.none, .dot.unknown, .dot.unavailable { display: none; }
.search, .digits, select, textarea {
  min-height: 44px; border: 1px solid var(--pbx-line); border-radius: 8px; padding: 8px 12px; background: var(--pbx-fill);
}
.search { display: block; width: calc(100% - 32px); margin: 12px 16px 4px; }

.keypad { display: flex; flex-direction: column; align-items: center; gap: 4px; padding: 12px 16px; }
.keypad select { max-width: 100%; }
.keypad select option { color: #141414; background: #fff; }
.digits { width: 100%; max-width: 300px; font-size: 22px; text-align: center; letter-spacing: .04em; }
.from { color: var(--pbx-primary); padding-inline: 12px; border-radius: 8px; max-width: 100%; }
.pad { display: grid; grid-template-columns: repeat(3, 1fr); gap: 4px 12px; width: 100%; max-width: 270px; justify-items: center; }
.key { flex-direction: column; width: 100%; height: 52px; border-radius: 26px; background: var(--pbx-fill); font-size: 20px; line-height: 1.1; }
.key:hover:not([aria-disabled=true]) { background-color: color-mix(in srgb, var(--pbx-text) 14%, transparent); }
.key small { font-size: 9px; letter-spacing: .1em; color: var(--pbx-dim); min-height: 10px; }
.pad .round { margin-block-start: 4px; font-size: 22px; }

.filters { display: flex; gap: 8px; padding: 8px 16px 0; }
.filters button { padding-inline: 16px; border-radius: 22px; border: 1px solid var(--pbx-line); }
.filters button[aria-pressed=true] { background: color-mix(in srgb, var(--pbx-primary) 20%, transparent); border-color: transparent; }
.calls .title { display: flex; }
.calls .title .count { flex: none; white-space: pre; }
.calls .row[aria-disabled=true]:hover { background: none; }
.sign { display: grid; flex: none; color: var(--pbx-dim); }
.missed .name, .missed .count, .missed .sign { color: var(--pbx-red); }
.unseen .name { font-weight: 700; }
.end { height: 1px; }

dialog {
  width: min(340px, calc(100vw - 32px)); max-height: calc(100vh - 64px); padding: 0 0 8px; overflow-y: auto;
  border: 0; border-radius: 16px; color: var(--pbx-text); background: var(--card-background-color, #fff);
  box-shadow: 0 8px 32px rgba(0, 0, 0, .4);
}
dialog::backdrop { background: rgba(0, 0, 0, .5); }
dialog p { margin: 0; padding-inline: 16px; color: var(--pbx-dim); }
dialog textarea { display: block; width: calc(100% - 32px); margin: 8px 16px; resize: vertical; }
.menu button { width: 100%; padding-inline: 16px; justify-content: flex-start; text-align: start; overflow-wrap: anywhere; }
.buttons { display: flex; justify-content: flex-end; gap: 8px; padding: 8px 16px; }
.buttons button { padding-inline: 16px; border-radius: 22px; color: var(--pbx-primary); }
.buttons .main { background: var(--pbx-primary); color: var(--text-primary-color, #fff); }
.buttons .main:hover { background: var(--pbx-primary); filter: brightness(1.1); }
`;
