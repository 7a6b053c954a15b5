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
  --pbx-fill: color-mix(in srgb, var(--pbx-text) 6%, transparent);
  --pbx-tint: color-mix(in srgb, var(--pbx-primary) 20%, transparent);
}
[hidden] { display: none !important; }
* { box-sizing: border-box; }
.card {
  display: flex; flex-direction: column; height: 100%; min-width: 0; overflow: hidden;
  color: var(--pbx-text); background: var(--pbx-back);
  border: var(--ha-card-border-width, 1px) solid var(--ha-card-border-color, var(--pbx-line));
  border-radius: var(--ha-card-border-radius, 12px); box-shadow: var(--ha-card-box-shadow, none);
  backdrop-filter: var(--ha-card-backdrop-filter, none);
  font-size: var(--ha-font-size-m, 14px); line-height: 1.4; -webkit-font-smoothing: antialiased;
}
h1, h2, h3, p { margin: 0; font-size: inherit; font-weight: 500; }
h1 {
  padding: 12px 16px 8px; font-size: var(--ha-card-header-font-size, var(--ha-font-size-2xl, 24px));
  font-weight: 400; line-height: 1.3; overflow-wrap: anywhere;
}
h2 { padding: 14px 16px 2px; font-size: var(--ha-font-size-l, 16px); }
h3 { padding: 16px 16px 4px; font-size: .93em; color: var(--pbx-dim); }
p { font-weight: inherit; overflow-wrap: anywhere; }
ul { list-style: none; margin: 0; padding: 0; }
button, input, select, textarea { font: inherit; color: inherit; }
button {
  display: inline-flex; align-items: center; justify-content: center; min-height: 44px; min-width: 44px;
  padding: 0; border: 0; background: none; cursor: pointer; user-select: none; transition: background-color .15s;
  touch-action: manipulation; -webkit-touch-callout: none; -webkit-tap-highlight-color: transparent;
}
button:hover:not([aria-disabled=true]) { background-color: var(--pbx-fill); }
button:active:not([aria-disabled=true]) { background-color: color-mix(in srgb, var(--pbx-text) 12%, transparent); }
button[aria-disabled=true] { cursor: default; }
.round[aria-disabled=true], .key[aria-disabled=true] { opacity: .45; }
button[aria-busy=true] { cursor: progress; opacity: .6; animation: busy 1s ease-in-out infinite alternate; }
@keyframes busy { from { opacity: .75; } to { opacity: .35; } }
:focus-visible { outline: 2px solid var(--pbx-primary); outline-offset: -2px; }
.icon { flex: none; width: 24px; height: 24px; fill: none; stroke: currentColor; stroke-linecap: round; stroke-linejoin: round; }
.aloud { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

.notice { flex: none; margin: 8px 12px; padding: 10px 12px; border-radius: 10px; background: var(--pbx-fill); }
.error {
  display: flex; align-items: center; gap: 8px; padding-block: 0; padding-inline-end: 0;
  background: color-mix(in srgb, var(--pbx-red) 14%, transparent);
}
.error span { flex: 1; min-width: 0; padding-block: 10px; overflow-wrap: anywhere; }
.empty {
  display: flex; flex-direction: column; align-items: center; justify-content: center; gap: 12px;
  flex: 1; padding: 32px 24px; color: var(--pbx-dim); text-align: center;
}
.empty .icon {
  width: 56px; height: 56px; padding: 14px; border-radius: 50%; background: var(--pbx-fill);
}
.empty p { max-width: 300px; }
[data-status=connecting] .notice, [data-status=connecting] .empty { animation: late 0s .7s backwards; }
@keyframes late { from { visibility: hidden; } }
[data-status=lost] .parts, [data-status=missing] .parts { opacity: .55; }

.parts { display: flex; flex-direction: column; flex: 1; min-height: 0; min-width: 0; }
.now { flex: none; max-height: 60%; overflow-y: auto; }
.panels:empty { display: none; }
.parts:has(.panels:empty) .now { display: flex; flex-direction: column; flex: 1; max-height: none; }
.tabs { display: flex; flex: none; border-block-end: 1px solid var(--pbx-line); }
.tabs button {
  flex: 1; min-width: 0; min-height: 48px; padding-inline: 4px; color: var(--pbx-dim); font-weight: 500;
  border-block-end: 2px solid transparent; border-block-start: 2px solid transparent;
}
.tabs button[aria-selected=true] { color: var(--pbx-primary); border-block-end-color: var(--pbx-primary); }
.badge {
  margin-inline-start: 6px; min-width: 20px; padding-inline: 6px; border-radius: 10px; line-height: 20px;
  font-size: 12px; font-weight: 500; background: var(--pbx-red); color: #fff;
}
.panels { display: flex; flex: 1 1 440px; min-height: 0; }
[data-arrangement=beside] .panels { flex-basis: 490px; }
[data-arrangement=single] .panels { flex-basis: auto; }
[data-arrangement=single]:not(.fill) .panels { max-height: 490px; }
.panel { display: flex; flex-direction: column; flex: 1 1 0; min-width: 0; min-height: 0; }
[data-arrangement=tabbed] h2, [data-arrangement=single] h2 { display: none; }
[data-arrangement=beside] .panel + .panel { border-inline-start: 1px solid var(--pbx-line); }
[data-arrangement=beside] .keypad { margin-block: 0; }
[data-arrangement=stacked] .panels { flex-direction: column; }
[data-arrangement=stacked] .panel + .panel { border-block-start: 1px solid var(--pbx-line); }
.scroll { display: flex; flex-direction: column; flex: 1; min-height: 0; overflow-y: auto; overscroll-behavior: contain; padding-block-end: 8px; }
.scroll > ul { flex: none; }

.live li { display: flex; align-items: center; gap: 12px; min-height: 72px; padding-block: 10px; padding-inline: 16px 12px; border-block-end: 1px solid var(--pbx-line); }
.live .coming { background: color-mix(in srgb, var(--pbx-green) 14%, transparent); }
.live .avatar { width: 48px; height: 48px; }
.live .coming .avatar { background: color-mix(in srgb, var(--pbx-green) 35%, transparent); animation: ring 1.2s ease-in-out infinite; }
.live .name { font-size: var(--ha-font-size-l, 16px); font-weight: 500; }
.live .title { flex-wrap: wrap; justify-content: space-between; gap: 0 12px; }
.live .timer { color: var(--pbx-dim); font-weight: 500; }
.live .connected .timer { color: color-mix(in srgb, var(--pbx-green) 80%, var(--pbx-text)); }
@keyframes ring { 50% { box-shadow: 0 0 0 6px color-mix(in srgb, var(--pbx-green) 30%, transparent); } }

.round { width: 48px; height: 48px; flex: none; border-radius: 50%; }
.round.hang-up, .round.hang-up:hover { background-color: var(--pbx-red); color: #fff; }
.round.call, .round.call:hover { background-color: var(--pbx-green); color: #fff; }
.round.hang-up:hover, .round.call:hover { filter: brightness(1.08); }
.quiet { color: var(--pbx-dim); }

.lines { display: flex; flex-direction: column; flex: 1; min-width: 0; text-align: start; gap: 1px; }
.name { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow: hidden; overflow-wrap: anywhere; }
.name[dir=ltr] { -webkit-line-clamp: 1; overflow-wrap: normal; }
.lines > .name { align-self: flex-start; max-width: 100%; }
.title { display: flex; align-items: baseline; gap: 8px; min-width: 0; }
.title .name { flex: 0 1 auto; min-width: 0; }
.title .count { margin-inline-start: -4px; }
.detail { color: var(--pbx-dim); font-size: .9em; overflow-wrap: anywhere; }
.timer, .time, .count { flex: none; font-variant-numeric: tabular-nums; white-space: nowrap; }
.time { color: var(--pbx-dim); font-size: .9em; }
.row { display: flex; gap: 16px; flex: 1; width: 100%; min-width: 0; min-height: 56px; padding: 8px 16px; justify-content: flex-start; }
.row:focus-visible { border-radius: 10px; }
.contacts li { display: flex; align-items: center; padding-inline-end: 4px; }
.contacts .row { padding-inline-end: 4px; }
.contacts .round[aria-disabled=true] { opacity: 1; }
.avatar {
  position: relative; display: grid; place-items: center; flex: none; width: 40px; height: 40px; border-radius: 50%;
  background: var(--pbx-tint); font-weight: 500;
}
.avatar img { position: absolute; inset: 0; width: 100%; height: 100%; border-radius: 50%; object-fit: cover; }
.letters:empty { display: none; }
.avatar:has(.letters:empty)::before { content: "#"; }
.dot {
  position: absolute; inset-block-end: -1px; inset-inline-end: -1px; width: 13px; height: 13px; border-radius: 50%;
  border: 2px solid var(--pbx-back);
}
.dot.in_use { background: var(--pbx-red); }
.dot.ringing, .dot.paused { background: var(--pbx-orange); }
.dot.offline { background: var(--pbx-back); box-shadow: inset 0 0 0 2px var(--pbx-dim); }
.dot.none { display: none; }
.digits, select, textarea, .search {
  min-height: 48px; border: 1px solid transparent; border-radius: 12px; background-color: var(--pbx-fill);
}
.search { display: flex; align-items: center; gap: 8px; flex: none; margin: 12px 12px 4px; padding-inline-start: 12px; color: var(--pbx-dim); }
.search input { flex: 1; min-width: 0; min-height: 44px; padding: 0; padding-inline-end: 12px; border: 0; outline: none; background: none; color: var(--pbx-text); }
.search:focus-within, .digits:focus, textarea:focus { outline: none; border-color: var(--pbx-primary); }
::placeholder { color: var(--pbx-dim); opacity: 1; }

.keypad { display: flex; flex-direction: column; align-items: center; gap: 8px; margin-block: auto; padding: 12px 16px 4px; }
select { max-width: 100%; padding-inline: 12px; }
select option { color: #141414; background: #fff; }
.digits { width: 100%; max-width: 290px; padding: 4px 12px; font-size: 24px; line-height: 1.3; text-align: center; letter-spacing: .03em; }
.digits::placeholder { font-size: 18px; letter-spacing: 0; }
.from { gap: 6px; max-width: 100%; padding-inline: 14px; border-radius: 22px; color: var(--pbx-primary); }
.from span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.from .icon { width: 18px; height: 18px; }
.pad { display: grid; grid-template-columns: repeat(3, 1fr); gap: 8px 12px; width: 100%; max-width: 290px; justify-items: center; align-items: center; }
.key { flex-direction: column; width: 100%; height: 52px; border-radius: 26px; background-color: var(--pbx-fill); font-size: 22px; line-height: 1.1; }
.key:hover:not([aria-disabled=true]) { background-color: color-mix(in srgb, var(--pbx-text) 12%, transparent); }
.key:active:not([aria-disabled=true]) { background-color: color-mix(in srgb, var(--pbx-primary) 30%, transparent); }
.key small { min-height: 11px; font-size: 10px; letter-spacing: .1em; color: var(--pbx-dim); }
.pad .round { font-size: 24px; }
.pad .call { width: 56px; height: 56px; }
.pad .call .icon { width: 28px; height: 28px; }
/* Where it is low, all keys fit nevertheless. */
.card:not([data-arrangement=single]) .panel { container-type: size; }
@container (max-height: 427px) {
  .keypad { gap: 4px; padding-block-start: 8px; }
  .pad { gap: 4px 12px; }
  .digits, .key { height: 44px; min-height: 44px; }
  .pad .call { width: 48px; height: 48px; }
}
@container (max-height: 467px) {
  .card:not([data-arrangement=tabbed]) :is(.keypad, .pad) { row-gap: 4px; }
  .card:not([data-arrangement=tabbed]) .key { height: 46px; }
}

.filters { display: flex; flex: none; gap: 8px; padding: 12px 12px 0; }
.filters button { padding-inline: 16px; border-radius: 22px; background-color: var(--pbx-fill); font-weight: 500; }
.filters button[aria-pressed=true] { background-color: var(--pbx-tint); }
.calls .row[aria-disabled=true]:hover { background: none; }
.sign { display: grid; place-items: center; flex: none; width: 40px; height: 40px; border-radius: 50%; color: var(--pbx-dim); background: var(--pbx-fill); }
.sign .icon { width: 20px; height: 20px; }
.missed .name, .missed .count, .missed .sign { color: var(--pbx-red); }
.missed .sign { background: color-mix(in srgb, var(--pbx-red) 12%, transparent); }
.unseen .name { font-weight: 700; }
.end { flex: none; height: 1px; }

dialog {
  width: min(340px, calc(100vw - 32px)); max-height: calc(100vh - 64px); padding: 0 0 8px; overflow-y: auto;
  border: 0; border-radius: var(--ha-border-radius-3xl, 24px); color: var(--pbx-text); background: var(--card-background-color, #fff);
  box-shadow: 0 8px 32px rgba(0, 0, 0, .4);
}
dialog::backdrop { background: rgba(0, 0, 0, .5); }
dialog h2 { padding: 20px 24px 8px; font-size: var(--ha-font-size-xl, 20px); font-weight: 400; line-height: 1.3; overflow-wrap: anywhere; }
dialog p { padding: 0 24px 8px; color: var(--pbx-dim); }
textarea { display: block; width: calc(100% - 48px); margin: 8px 24px; padding: 12px; resize: vertical; }
.menu button { width: 100%; min-height: 48px; padding-inline: 24px; justify-content: flex-start; text-align: start; overflow-wrap: anywhere; }
.buttons { display: flex; justify-content: flex-end; gap: 8px; padding: 12px 16px 8px; }
.buttons button { padding-inline: 16px; border-radius: 22px; color: var(--pbx-primary); font-weight: 500; }
.buttons .main, .buttons .main:hover { background-color: var(--pbx-primary); color: var(--text-primary-color, #fff); }
@media (forced-colors: active) {
  .tabs button { border-color: Canvas; }
  .tabs button[aria-selected=true], .filters button[aria-pressed=true] {
    forced-color-adjust: none; background-color: Highlight; color: HighlightText;
  }
  .key, .filters button, .round.call, .round.hang-up, .buttons button { border: 1px solid ButtonText; }
  .search:focus-within, .digits:focus, textarea:focus { outline: 2px solid Highlight; }
  .dot.in_use, .dot.ringing, .dot.paused { forced-color-adjust: none; background: CanvasText; }
}
@media (prefers-reduced-motion: reduce) { * { animation-duration: 0s !important; transition: none !important; } }
`;
