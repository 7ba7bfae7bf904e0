"use strict";(self.rspackChunknbsched=self.rspackChunknbsched||[]).push([["style_index_css"],{"./node_modules/css-loader/dist/cjs.js!../nbsched/panel/view/view.css"(n,r,e){var o=e("./node_modules/css-loader/dist/runtime/noSourceMaps.js"),a=e.n(o),s=e("./node_modules/css-loader/dist/runtime/api.js"),i=(e.n(s))()(a());i.push([n.id,`/* The panel. Jupyter's own variables give fonts and colours; mixing with the text's colour keeps contrast in any theme. */

.nbs {
  --bg: var(--jp-layout-color1, Canvas);
  --fg: var(--jp-ui-font-color1, CanvasText);
  --fg2: color-mix(in srgb, var(--fg) 72%, var(--bg));
  --line: color-mix(in srgb, var(--fg) 14%, var(--bg));
  --bg1: color-mix(in srgb, var(--fg) 3.5%, var(--bg));
  --bg2: color-mix(in srgb, var(--fg) 9%, var(--bg));
  --brand: var(--jp-brand-color1, #1976d2);
  --ok: color-mix(in srgb, var(--jp-success-color1, #388e3c) 84%, var(--fg));
  --run: color-mix(in srgb, var(--jp-brand-color1, #1976d2) 88%, var(--fg));
  --bad: color-mix(in srgb, var(--jp-error-color1, #d32f2f) 90%, var(--fg));
  --warn: color-mix(in srgb, var(--jp-warn-color1, #f57c00) 62%, var(--fg));
  --wait: color-mix(in srgb, var(--fg) 52%, var(--bg));
  --skip: color-mix(in srgb, var(--fg) 34%, var(--bg));
  --columns: 18px 42px minmax(0, 1.4fr) minmax(0, 1.2fr) 84px 78px 88px 76px;
  --rows: 11;
  --head: 26px;
  --row: 34px;
  container: nbs / inline-size;
  box-sizing: border-box;
  width: 100%;
  overflow: hidden;
  border: 1px solid var(--line);
  border-radius: 6px;
  background: var(--bg);
  color: var(--fg);
  font: var(--jp-ui-font-size1, 13px) / 1.45 var(--jp-ui-font-family, system-ui, sans-serif);
  text-align: left;
}
.nbs *, .nbs *::before { box-sizing: border-box; }
.nbs :is(span, b, small, div, dd, th) { unicode-bidi: isolate; }
.nbs [hidden] { display: none !important; }

.nbs .ok { --tone: var(--ok); }
.nbs .run { --tone: var(--run); }
.nbs .wait { --tone: var(--wait); }
.nbs .bad { --tone: var(--bad); }
.nbs .warn { --tone: var(--warn); }
.nbs .skip { --tone: var(--skip); }

.nbs button, .nbs input, .nbs select { font: inherit; color: inherit; }
.nbs button, .nbs .push {
  margin: 0; padding: 3px 10px; border: 1px solid var(--line); border-radius: 4px;
  background: var(--bg); cursor: pointer; white-space: nowrap;
}
.nbs button:hover:not(:disabled), .nbs .push:hover { background: var(--bg2); }
.nbs button:disabled { color: var(--fg2); cursor: default; }
.nbs :focus-visible { outline: 2px solid var(--brand); outline-offset: -2px; }
.nbs button:focus-visible, .nbs input:focus-visible { outline-offset: 1px; }

.nbs .sign { width: 14px; height: 14px; flex: none; color: var(--tone); overflow: visible; }
.nbs .sign .line { fill: none; stroke: currentColor; stroke-width: 1.5; stroke-linecap: round; stroke-linejoin: round; }
.nbs .sign .area { fill: currentColor; }
.nbs .sign[data-sign="✓"] .line, .nbs .sign[data-sign="✕"] .line, .nbs .sign[data-sign="‖"] .line { stroke-width: 2; }
.nbs .sign[data-sign="◌"] .line { stroke-dasharray: 1.6 2.7; }

/* ---- head */
.nbs header {
  display: flex; flex-wrap: wrap; align-items: center; gap: 4px 12px; min-height: 45px; padding: 7px 12px;
  background: var(--bg1); border-bottom: 1px solid var(--line);
}
.nbs .brand { font-size: 1.08em; font-weight: 650; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; max-width: 40%; }
.nbs .facts { display: flex; flex-wrap: wrap; align-items: center; gap: 2px 4px; min-width: 0; }
.nbs .facts .bar { width: 110px; margin-left: 8px; }
.nbs .count { display: inline-flex; align-items: center; gap: 4px; padding: 3px 6px; border-color: transparent; background: none; color: var(--fg2); font-variant-numeric: tabular-nums; white-space: pre; }
.nbs .count em { font-style: normal; font-weight: 650; color: var(--fg); }
.nbs .count.none em { font-weight: 400; color: var(--fg2); }
.nbs .count.bad, .nbs .count.bad em { color: var(--bad); }
.nbs .count .sign { width: 12px; height: 12px; }
.nbs .tabs { display: flex; gap: 2px; margin-left: auto; }
.nbs button.tab { border-color: transparent; background: none; color: var(--fg2); padding: 4px 8px; }
.nbs .tabs button { font-variant-numeric: tabular-nums; }
.nbs button.tab[aria-selected="true"] { background: var(--bg2); color: var(--fg); }
.nbs input, .nbs select { padding: 4px 8px; border: 1px solid var(--line); border-radius: 4px; background: var(--bg); line-height: 1.3; }
.nbs input[type="search"] { flex: 0 1 170px; min-width: 110px; width: 170px; }
.nbs .acts input { flex: 1 1 90px; min-width: 60px; width: 90px; }
.nbs input::placeholder { color: var(--fg2); opacity: 1; }
.nbs .notice {
  display: flex; align-items: center; gap: 12px; padding: 6px 12px; border-bottom: 1px solid var(--line);
  background: color-mix(in srgb, var(--warn) 12%, var(--bg)); overflow-wrap: anywhere;
}
.nbs .notice button { margin-left: auto; }

/* ---- lists */
.nbs .main { height: calc(var(--head) + var(--rows) * var(--row)); min-width: 0; overflow: hidden; }
.nbs .list { display: flex; flex-direction: column; height: 100%; }
.nbs .page { height: 100%; overflow: auto; }
.nbs .log, .nbs .timeline { height: 100%; }
.nbs .body { display: grid; grid-template-columns: minmax(0, 1fr); }
.nbs .body:has(> aside:not([hidden])) { grid-template-columns: minmax(0, 1fr) minmax(270px, 29%); }
.nbs .row {
  display: grid; grid-template-columns: var(--columns); gap: 10px; align-items: center; height: var(--row); padding: 0 12px;
  border-bottom: 1px solid var(--line);
}
.nbs .row.head { height: var(--head); background: var(--bg1); color: var(--fg2); font-size: 0.85em; }
.nbs .scroll { position: relative; flex: 1; overflow: hidden auto; scrollbar-gutter: stable; scrollbar-width: thin; scrollbar-color: var(--skip) transparent; contain: strict; }
.nbs .list > .head { flex: none; padding-right: 23px; }
.nbs .pad { position: relative; }
.nbs .pad .row { position: absolute; inset: 0 0 auto; cursor: default; contain: layout style; }
.nbs .pad .row:hover { background: var(--bg1); }
.nbs .pad .row[aria-selected="true"] { background: color-mix(in srgb, var(--brand) 12%, var(--bg)); }
.nbs .row > * { min-width: 0; }
.nbs .row > span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.nbs .id { color: var(--fg2); font-variant-numeric: tabular-nums; }
.nbs .name b { font-weight: 600; }
.nbs .name small { margin-left: 7px; color: var(--fg2); font-size: 0.88em; }
.nbs .why { color: var(--fg2); }
.nbs .why.bad, .nbs .why.warn, .nbs .reason.bad, .nbs .reason.warn { color: var(--tone); }
.nbs .num { text-align: right; color: var(--fg2); font-variant-numeric: tabular-nums; }
.nbs .took > span { color: var(--fg); }
.nbs .took small { font-size: 0.88em; }
.nbs .empty { padding: 14px; color: var(--fg2); }
.nbs .empty:empty { display: none; }
.nbs .bar { display: block; height: 6px; border-radius: 3px; background: var(--bg2); overflow: hidden; }
.nbs .bar i { display: block; height: 100%; border-radius: 3px; background: var(--run); transform-origin: left; transition: transform 0.25s; }
.nbs .bar.off { visibility: hidden; }
.nbs .spark { display: flex; align-items: flex-end; gap: 2px; height: 20px; }
.nbs .spark i { width: 6px; border-radius: 1px; background: var(--tone); }
.nbs .row > .quick { position: absolute; right: 10px; display: none; padding: 2px 9px; }
.nbs .pad .row:hover:not([aria-selected="true"]) .quick:not([hidden]) { display: block; }
.nbs .pad .row > .quick.asked { grid-area: 1 / 5 / 2 / 7; right: auto; left: 0; display: block; border-color: var(--brand); }
.nbs .fold { width: 16px; height: 16px; margin: 0 2px 0 -4px; padding: 0; border: 0; background: none; vertical-align: -3px; line-height: 0; }
.nbs .fold svg { width: 14px; height: 14px; fill: none; stroke: var(--fg2); stroke-width: 1.6; stroke-linecap: round; stroke-linejoin: round; transition: transform 0.12s; }
.nbs .fold[aria-expanded="true"] svg { transform: rotate(90deg); }
.nbs .schedules .row { grid-template-columns: 18px minmax(110px, 1.2fr) minmax(110px, 1.2fr) 118px 80px 104px 158px; }
.nbs .schedules .row .acts { display: flex; justify-content: flex-end; gap: 6px; overflow: visible; }
.nbs .row > .acts .push { padding: 2px 9px; }

/* ---- details */
.nbs aside { position: relative; padding: 12px 14px; border-left: 1px solid var(--line); overflow-wrap: anywhere; height: 0; min-height: 100%; overflow-y: auto; scrollbar-width: thin; scrollbar-color: var(--skip) transparent; }
.nbs aside h3 { display: flex; align-items: baseline; gap: 8px; margin: 0 0 2px; font-size: 1.08em; font-weight: 650; }
.nbs aside .state { flex: none; color: var(--tone); font-weight: 600; }
.nbs aside .close { align-self: center; margin-left: auto; padding: 3px; border-color: transparent; background: none; line-height: 0; }
.nbs aside .close svg { width: 12px; height: 12px; fill: none; stroke: var(--fg2); stroke-width: 1.6; }
.nbs aside .meta { margin-bottom: 10px; color: var(--fg2); font-variant-numeric: tabular-nums; }
.nbs .reason { margin-bottom: 10px; }
.nbs .err {
  margin-bottom: 10px; padding: 8px 10px; border-left: 3px solid var(--bad); border-radius: 0 4px 4px 0;
  background: color-mix(in srgb, var(--bad) 8%, var(--bg)); font: 0.94em / 1.5 var(--jp-code-font-family, ui-monospace, monospace);
}
.nbs .err .line, .nbs .err summary { color: var(--fg2); }
.nbs .err summary { margin-top: 4px; cursor: pointer; font-family: var(--jp-ui-font-family, system-ui, sans-serif); }
.nbs .err pre { max-height: 260px; margin: 6px 0 0; overflow: auto; font: inherit; white-space: pre; }
.nbs .acts { display: flex; flex-wrap: wrap; gap: 6px; }
.nbs aside .acts { margin-bottom: 12px; }
.nbs aside .acts .primary { border-color: transparent; background: var(--brand); color: var(--jp-ui-inverse-font-color1, #fff); }
.nbs aside .acts .primary:hover:not(:disabled) { filter: brightness(1.1); }
.nbs .tries { margin: 0 0 12px; padding: 0; list-style: none; }
.nbs .try { display: grid; grid-template-columns: 14px auto 64px auto 1fr; gap: 8px; align-items: center; padding: 2px 0; font-variant-numeric: tabular-nums; }
.nbs .try .num { text-align: left; }
.nbs .try .how { color: var(--fg2); }
.nbs .try .sign { width: 12px; height: 12px; }
.nbs .tries .said { padding-left: 22px; color: var(--fg2); font: 0.92em / 1.4 var(--jp-code-font-family, ui-monospace, monospace); }
.nbs .path { display: inline; color: var(--fg2); }
.nbs aside .path { display: block; margin-bottom: 2px; }
.nbs .path button { padding: 0; border: 0; border-radius: 2px; background: none; color: color-mix(in srgb, var(--brand) 86%, var(--fg)); font: inherit; }
.nbs .path button:hover { background: none; text-decoration: underline; }
.nbs .path span { margin: 0 5px; }
.nbs aside .path span:last-child { display: none; }
.nbs .tally { margin-bottom: 12px; }
.nbs .whole { display: flex; gap: 1px; height: 6px; margin-bottom: 6px; border-radius: 3px; background: var(--bg2); overflow: hidden; }
.nbs .whole i { flex: 1 1 0; min-width: 3px; background: var(--tone); transition: flex-grow 0.25s; }
.nbs .whole i.wait { background: var(--bg2); }
.nbs .counts { display: flex; flex-wrap: wrap; gap: 2px 12px; color: var(--fg2); font-variant-numeric: tabular-nums; }
.nbs .counts em { font-style: normal; font-weight: 600; color: var(--fg); }
.nbs .counts .bad, .nbs .counts .bad em { color: var(--bad); }
.nbs dl:not(:empty) + .items { margin-top: 12px; }
.nbs .few { margin: 0 -6px; }
.nbs button.item { display: grid; grid-template-columns: 14px auto minmax(0, 1fr) auto; gap: 8px; align-items: center; width: 100%; padding: 3px 6px; border: 0; background: none; text-align: left; }
.nbs button.item:hover { background: var(--bg2); }
.nbs .item .sign { width: 12px; height: 12px; }
.nbs .item .index { min-width: var(--index); font-variant-numeric: tabular-nums; }
.nbs .item .about { overflow: hidden; color: var(--fg2); text-overflow: ellipsis; }
.nbs .item .about.bad, .nbs .item .about.warn { color: var(--tone); }
.nbs .more { padding-top: 4px; color: var(--fg2); font-variant-numeric: tabular-nums; }
.nbs .more:empty { display: none; }
.nbs dl { display: grid; grid-template-columns: 78px minmax(0, 1fr); gap: 3px 10px; margin: 0; }
.nbs dt, .nbs dd { float: none; display: block; width: auto; padding: 0; }
.nbs dt { margin: 0; color: var(--fg2); font-weight: 400; }
.nbs dd { margin: 0; font-variant-numeric: tabular-nums; white-space: pre-wrap; }

/* ---- graph and matrix */
.nbs .pipeline { display: grid; grid-template-columns: minmax(0, 1.25fr) minmax(0, 1fr); border-top: 1px solid var(--line); }
.nbs .pipeline > div + div { border-left: 1px solid var(--line); }
.nbs .page .pipeline { grid-template-columns: minmax(0, 1fr); border-top: 0; }
.nbs .page .pipeline > div + div { border-left: 0; border-top: 1px solid var(--line); }
.nbs h4 { margin: 0; padding: 10px 14px 0; color: var(--fg2); font-size: 0.92em; font-weight: 600; }
.nbs .graph { display: grid; padding: 12px 14px; overflow: auto; min-height: 96px; max-height: 520px; align-items: center; }
.nbs .graph > svg { display: block; height: auto; margin: auto; }
.nbs .edges path { fill: none; stroke: var(--skip); stroke-width: 1.4; }
.nbs .box { cursor: pointer; outline: none; }
.nbs .box .card { fill: var(--bg); stroke: var(--line); }
.nbs .box:hover .card { fill: var(--bg1); }
.nbs .box.chosen .card { fill: color-mix(in srgb, var(--brand) 12%, var(--bg)); }
.nbs .box.chosen .card, .nbs .box:focus-visible .card { stroke: var(--brand); stroke-width: 1.6; }
.nbs .box.wait .label, .nbs .box.skip .label { fill: var(--fg2); }
.nbs .box.skip .card { stroke-dasharray: 3 3; }
.nbs .box.stale .card { stroke: var(--warn); stroke-dasharray: 4 3; }
.nbs .box .holds { fill: none; stroke: color-mix(in srgb, var(--fg) 24%, var(--bg)); stroke-width: 1.1; }
.nbs .box .edge { fill: var(--tone); }
.nbs .box .fill { fill: var(--run); opacity: 0.55; transform-box: fill-box; transform-origin: left; transition: transform 0.25s; }
.nbs .box .label { fill: var(--fg); font-size: 12px; font-weight: 550; }
.nbs .box .about { fill: var(--fg2); font-size: 10.5px; font-variant-numeric: tabular-nums; }
.nbs .pipeline[data-show="matrix"] > .ofgraph, .nbs .pipeline[data-show="graph"] > .ofmatrix { display: none; }
.nbs .pipeline[data-show="matrix"], .nbs .pipeline[data-show="graph"] { grid-template-columns: minmax(0, 1fr); }
.nbs .pipeline[data-show="matrix"] > .ofmatrix { border: 0; }
.nbs .matrix { margin: 8px 14px 14px; max-height: 500px; overflow: auto; scrollbar-width: thin; scrollbar-color: var(--skip) transparent; }
.nbs .columns { width: max-content; padding: 3px 3px 3px 0; }
.nbs .columns { --line-px: 18px; --side: calc(var(--line-px) - 3px); }
.nbs .columns .line { display: flex; gap: 3px; height: var(--line-px); }
.nbs .columns .line.h { position: sticky; top: 0; z-index: 2; height: 42px; align-items: flex-end; padding-bottom: 3px; background: var(--bg); }
.nbs .columns .steps { position: relative; }
.nbs .columns .steps .line { position: absolute; top: 0; left: 0; }
.nbs .columns .step { position: sticky; left: 0; z-index: 1; flex: none; width: calc(var(--name, 10ch) + 8px); padding-right: 8px; overflow: hidden; background: var(--bg); color: var(--fg2); line-height: var(--side); text-align: right; text-overflow: ellipsis; white-space: nowrap; }
.nbs .columns button { flex: none; width: calc(var(--side) + 2px); height: var(--side); padding: 0; border: 0; border-radius: 2px; background: var(--tone); color: var(--bg); font-size: calc(var(--side) * 0.6); line-height: var(--side); }
.nbs .columns button i { font-style: normal; font-weight: 700; pointer-events: none; }
.nbs .columns button:hover:not(:disabled) { background: var(--tone); filter: brightness(1.15); }
.nbs .columns button.skip, .nbs .columns button.wait { border: 1px dashed var(--skip); background: none; }
.nbs .columns button.wait { border-style: dotted; border-color: var(--wait); }
.nbs .columns button.none { visibility: hidden; }
.nbs .columns button.run { background: repeating-linear-gradient(45deg, var(--run) 0 4px, color-mix(in srgb, var(--run) 55%, var(--bg)) 4px 8px); }
.nbs .columns button.chosen { outline: 2px solid var(--brand); outline-offset: 1px; }
.nbs .columns button:focus-visible { outline: 2px solid var(--fg); outline-offset: 1px; z-index: 1; }
.nbs .columns .h button { display: flex; align-items: flex-end; height: 36px; border: 0; background: none; }
.nbs .columns .h button:hover:not(:disabled) { background: var(--bg2); }
.nbs .columns .h i { display: block; width: 100%; border-radius: 2px 2px 0 0; background: var(--skip); }
.nbs .columns .h button.bad i { background: color-mix(in srgb, var(--bad) 60%, var(--bg)); }
.nbs .columns .h button.run i { background: repeating-linear-gradient(45deg, var(--run) 0 4px, color-mix(in srgb, var(--run) 55%, var(--bg)) 4px 8px); }

/* ---- timeline and log */
.nbs .timeline { padding: 10px 14px; display: flex; flex-direction: column; }
.nbs .ranges { display: flex; gap: 4px; margin-bottom: 8px; }
.nbs .ranges button { border-color: transparent; background: none; color: var(--fg2); padding: 2px 8px; }
.nbs .ranges button[aria-pressed="true"] { background: var(--bg2); color: var(--fg); }
.nbs .lanes { flex: 1; min-height: 0; overflow: hidden auto; scrollbar-width: thin; }
.nbs .lanes svg { display: block; }
.nbs .lanes text { fill: var(--fg); font-size: 12px; }
.nbs .lanes .lane { text-anchor: end; }
.nbs .lanes .dim { fill: var(--fg2); font-variant-numeric: tabular-nums; }
.nbs .lanes .tick { text-anchor: middle; font-size: 10.5px; }
.nbs .grid { stroke: var(--line); }
.nbs .now { stroke: var(--brand); stroke-dasharray: 3 3; }
.nbs .span { fill: var(--tone); cursor: pointer; }
.nbs .span.run { fill: url(#nbs-stripes); }
.nbs .span.skip { fill: none; stroke: var(--skip); stroke-dasharray: 3 2; }
.nbs .span.chosen { stroke: var(--fg); stroke-width: 1.5; }
.nbs .stripe-low { fill: color-mix(in srgb, var(--run) 55%, var(--bg)); }
.nbs .stripe-high { fill: var(--run); }
.nbs .next { fill: none; stroke: var(--run); stroke-width: 1.5; }
.nbs .log { margin: 0; padding: 10px 14px; overflow: auto; font: 0.94em / 1.5 var(--jp-code-font-family, ui-monospace, monospace); white-space: pre-wrap; overflow-wrap: anywhere; color: inherit; background: none; }

/* ---- less room */
@container nbs (min-width: 901px) and (max-width: 1180px) {
  .nbs:not(.narrow, .full) .body:has(> aside:not([hidden])) .runs .row { grid-template-columns: 18px 42px minmax(0, 1.1fr) minmax(0, 1.1fr) 66px 78px 84px; gap: 9px; }
  .nbs:not(.narrow, .full) .body:has(> aside:not([hidden])) .runs :is(.when, .head > :last-child) { display: none; }
  .nbs:not(.narrow, .full) .body:has(> aside:not([hidden])) .schedules .row { grid-template-columns: 18px minmax(0, 1fr) minmax(0, 1fr) 78px 84px 158px; }
  .nbs:not(.narrow, .full) .body:has(> aside:not([hidden])) .schedules :is(.policy, .head > :nth-child(4)) { display: none; }
}
@container nbs (max-width: 900px) {
  .nbs:not(.full) .body:has(> aside:not([hidden])) { grid-template-columns: minmax(0, 1fr); }
  .nbs:not(.full) aside { border-left: 0; border-top: 1px solid var(--line); height: auto; min-height: 0; }
  .nbs .few { max-height: 236px; overflow: hidden auto; scrollbar-width: thin; }
  .nbs .pipeline { grid-template-columns: minmax(0, 1fr); }
  .nbs .pipeline > div + div { border-left: 0; border-top: 1px solid var(--line); }
}
:is(.nbs.narrow, .nbs .narrow) .row { grid-template-columns: 18px 40px minmax(0, 1fr) auto; grid-template-rows: 24px 18px; gap: 0 8px; padding: 4px 10px; }
:is(.nbs.narrow, .nbs .narrow) { --head: 0px; --row: 52px; }
:is(.nbs.narrow, .nbs .narrow) .list > .head { display: none; }
:is(.nbs.narrow, .nbs .narrow) .runs .row { grid-template-areas: "sign id what took" ". bar why when"; }
:is(.nbs.narrow, .nbs .narrow) .runs .sign { grid-area: sign; }
:is(.nbs.narrow, .nbs .narrow) .runs .id { grid-area: id; }
:is(.nbs.narrow, .nbs .narrow) .runs .name { grid-area: what; }
:is(.nbs.narrow, .nbs .narrow) .runs .took { grid-area: took; }
:is(.nbs.narrow, .nbs .narrow) .runs .why { grid-area: why; font-size: 0.88em; }
:is(.nbs.narrow, .nbs .narrow) .runs .when { grid-area: when; font-size: 0.88em; }
:is(.nbs.narrow, .nbs .narrow) .runs .bar { grid-area: bar; height: 4px; }
:is(.nbs.narrow, .nbs .narrow) .runs .spark { display: none; }
:is(.nbs.narrow, .nbs .narrow) .pad .row > .quick.asked { grid-area: 1 / 1 / -1 / -1; right: 10px; left: auto; }
:is(.nbs.narrow, .nbs .narrow) .schedules .row { grid-template-columns: 18px minmax(0, 1fr) auto; grid-template-areas: "sign name next" ". trigger acts"; }
:is(.nbs.narrow, .nbs .narrow) .schedules .sign { grid-area: sign; }
:is(.nbs.narrow, .nbs .narrow) .schedules .name { grid-area: name; }
:is(.nbs.narrow, .nbs .narrow) .schedules .when { grid-area: next; }
:is(.nbs.narrow, .nbs .narrow) .schedules .why { grid-area: trigger; font-size: 0.88em; }
:is(.nbs.narrow, .nbs .narrow) .schedules .acts { grid-area: acts; }
:is(.nbs.narrow, .nbs .narrow) .row > .acts .push { padding: 0 7px; }
:is(.nbs.narrow, .nbs .narrow) .schedules .policy, :is(.nbs.narrow, .nbs .narrow) .schedules .spark { display: none; }
.nbs.narrow .tabs { order: 1; margin-left: -6px; flex-wrap: wrap; }
.nbs.narrow input[type="search"] { order: 2; flex: 1 1 130px; width: auto; }

@media (prefers-reduced-motion: reduce) {
  .nbs * { transition: none !important; }
}
`,""]),e.d(r,{},{A:i})},"./node_modules/css-loader/dist/cjs.js!./style/form.css"(n,r,e){var o=e("./node_modules/css-loader/dist/runtime/noSourceMaps.js"),a=e.n(o),s=e("./node_modules/css-loader/dist/runtime/api.js"),i=(e.n(s))()(a());i.push([n.id,`/* The forms: one column where it is narrow, two where there is room. */

.nbs-dialog .jp-Dialog-content { width: min(920px, 100vw - 24px); max-width: none; max-height: min(860px, 100vh - 32px); padding: 20px 24px 8px; resize: none; }
.nbs-dialog:has(.nbs-retry, .nbs-cell-form) .jp-Dialog-content { width: min(620px, 100vw - 24px); }
.nbs-dialog .jp-Dialog-body { overflow: hidden auto; scrollbar-width: thin; }
.nbs-dialog[aria-busy='true'] .jp-Dialog-footer button { opacity: 0.6; cursor: progress; }
.nbs-dialog .jp-Dialog-footer { border-top: 1px solid var(--jp-border-color2); margin: 0 -24px; padding: 12px 24px; }
.nbs-dialog button.jp-Dialog-button.nbs-second { background: none; box-shadow: inset 0 0 0 1px var(--jp-border-color1); color: var(--jp-ui-font-color1); }
.nbs-dialog button.jp-Dialog-button.nbs-second:hover { background: var(--jp-layout-color2); }

.nbs.nbs-form {
  display: grid; grid-template-columns: minmax(0, 1.12fr) minmax(0, 1fr); gap: 18px 28px; align-content: start; container: none; overflow: hidden auto;
  border: 0; border-radius: 0; padding: 2px 2px 14px; --edge: color-mix(in srgb, var(--fg) 30%, var(--bg));
}
.nbs.nbs-form:is(.nbs-retry, .nbs-cell-form, .nbs-backfill) { grid-template-columns: minmax(0, 1fr); gap: 14px; }
.nbs-form > :is(.existing, .editing, .problem) { grid-column: 1 / -1; }
.nbs-form h3 { margin: 0 0 8px; font-size: 1.06em; font-weight: 650; }
.nbs-form p { margin: 0; }
.nbs-form .help { color: var(--fg2); font-size: 0.9em; }
.nbs-form .error { color: var(--bad); overflow-wrap: anywhere; }
.nbs-form p.error:empty { display: none; }
.nbs-form .problem { padding: 8px 10px; border-left: 3px solid var(--bad); border-radius: 0 4px 4px 0; background: color-mix(in srgb, var(--bad) 8%, var(--bg)); color: var(--fg); }
.nbs-form code { font: 0.93em / 1.5 var(--jp-code-font-family, ui-monospace, monospace); }

/* ---- fields */
.nbs-form .fields { display: grid; grid-template-columns: repeat(auto-fill, minmax(168px, 1fr)); gap: 10px 14px; align-items: start; }
.nbs-form .field { display: grid; grid-template-columns: minmax(0, 1fr); gap: 3px; align-content: start; min-width: 0; margin: 0; padding: 0; border: 0; }
.nbs-form .field > label, .nbs-form legend { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 6px; padding: 0; font-weight: 550; line-height: 1.45; overflow-wrap: anywhere; }
.nbs-form .field > label > * { min-width: 0; }
.nbs-form .jp-select-wrapper.jp-select-wrapper { height: auto; margin: 0; padding: 0; background: none; }
.nbs-form :is(input:not([type='checkbox'], [type='radio']), select, textarea) {
  width: 100%; min-width: 0; height: 30px; margin: 0; padding: 0 8px; border: 1px solid var(--edge); border-radius: 3px; box-shadow: none;
  background: var(--jp-input-background, var(--bg)); color: var(--fg); font: inherit; line-height: 1.3;
}
.nbs.nbs-form select { padding-right: 28px; text-overflow: ellipsis; }
.nbs-form select option { background: var(--bg); color: var(--fg); }
.nbs.nbs-form textarea { height: auto; min-height: 30px; padding: 6px 8px; resize: vertical; font-family: var(--jp-code-font-family, ui-monospace, monospace); font-size: 0.93em; }
.nbs-form :is(input, select, textarea):focus-visible { border-color: var(--brand); outline: 1px solid var(--brand); outline-offset: 0; }
.nbs-form :is(input, select, textarea):disabled { color: var(--fg2); background-color: var(--bg2); opacity: 1; }
.nbs-form :is(input[type='checkbox'], input[type='radio']) { width: 15px; height: 15px; margin: 0; accent-color: var(--brand); appearance: auto; flex: none; }
.nbs-form :is(input[type='checkbox'], input[type='radio']):focus-visible { outline: 2px solid var(--brand); outline-offset: 2px; }
.nbs-form ::placeholder { color: var(--fg2); opacity: 0.8; }
.nbs-form .wrong :is(input, select, textarea) { border-color: var(--bad); outline-color: var(--bad); }
.nbs-form .field .error { font-size: 0.92em; }
.nbs-form .field.wide { grid-column: 1 / -1; }
.nbs-form .field.switch { grid-template-columns: auto minmax(0, 1fr); align-items: center; column-gap: 8px; }
.nbs-form .field.switch > label { grid-column: 2; grid-row: 1; }
.nbs-form .field.switch > input { grid-column: 1; grid-row: 1; }
.nbs-form .field.switch > small { grid-column: 2; }
[data-jp-theme-light='false'] .nbs-form :is(input, select, textarea) { color-scheme: dark; }

/* ---- when */
.nbs-form .when { display: grid; align-content: start; }
.nbs-form .days { grid-column: 1 / -1; }
.nbs-form .week { display: flex; gap: 4px; margin-top: 3px; }
.nbs-form .week label { position: relative; flex: 1 1 0; }
.nbs-form .week input { position: absolute; inset: 0; width: 100%; height: 100%; opacity: 0; cursor: pointer; }
.nbs-form .week span { display: block; padding: 4px 0; border: 1px solid var(--edge); border-radius: 3px; text-align: center; }
.nbs-form .week input:checked + span { border-color: var(--brand); background: var(--brand); color: var(--jp-ui-inverse-font-color0, #fff); font-weight: 600; }
.nbs-form .week input:focus-visible + span { outline: 2px solid var(--brand); outline-offset: 1px; }
.nbs-form .preview { margin-top: 12px; padding: 10px 12px; min-height: 154px; border: 1px solid var(--line); border-radius: 4px; background: var(--bg1); transition: opacity 0.12s; }
.nbs-form .preview.late { opacity: 0.72; }
.nbs-form .preview .told { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 10px; margin-bottom: 6px; }
.nbs-form .preview .words { font-weight: 600; }
.nbs-form .preview .words::first-letter { text-transform: uppercase; }
.nbs-form .preview.hint .words { color: var(--fg2); font-weight: 400; }
.nbs-form .preview code { color: var(--fg2); }
.nbs-form .preview ol { display: grid; grid-template-columns: max-content max-content max-content minmax(0, 1fr); gap: 1px 10px; margin: 0; padding: 0; list-style: none; font-variant-numeric: tabular-nums; }
.nbs-form .preview li { display: grid; grid-template-columns: subgrid; grid-column: 1 / -1; align-items: baseline; }
.nbs-form .preview li.none { display: block; color: var(--fg2); }
.nbs-form .preview :is(.offset, .apart) { color: var(--fg2); }
.nbs-form .preview .apart { text-align: right; }
.nbs-form .preview .note { grid-column: 1 / -1; margin-bottom: 3px; padding-left: 10px; border-left: 2px solid var(--warn); color: var(--warn); }

/* ---- parameters */
.nbs-form .parameters { display: grid; gap: 10px; align-content: start; }
.nbs-form .parameters h3 { margin-bottom: 0; }
.nbs-form .parameters .none { color: var(--fg2); }
.nbs-form .parameters label { font-family: var(--jp-code-font-family, ui-monospace, monospace); font-size: 0.95em; }
.nbs-form .parameters .type { color: var(--fg2); font: 0.9em var(--jp-ui-font-family, system-ui, sans-serif); font-weight: 400; }
.nbs-form .parameters .back { margin-left: auto; padding: 0 7px; border-color: transparent; color: var(--fg2); font: 0.9em / 1.5 var(--jp-ui-font-family, system-ui, sans-serif); height: auto; min-width: 0; letter-spacing: 0; background: none; }
.nbs-form .parameters .changed > label { color: color-mix(in srgb, var(--brand) 86%, var(--fg)); }
.nbs-form .parameters .changed > :is(input:not([type='checkbox']), textarea), .nbs-form .parameters .changed > .jp-select-wrapper select { border-left: 3px solid var(--brand); padding-left: 6px; }
.nbs-form .parameters .field:has(> .toggle) { grid-template-columns: minmax(0, 1fr) auto; gap: 3px 8px; }
.nbs-form .parameters .field:has(> .toggle) > :is(label, small) { grid-column: 1 / -1; }
.nbs-form button.toggle { height: 30px; padding: 0 10px; border: 1px solid var(--edge); border-radius: 3px; background: none; line-height: 1; letter-spacing: 0; }
.nbs-form button.toggle[aria-pressed='true'] { border-color: var(--brand); background: var(--brand); color: var(--jp-ui-inverse-font-color0, #fff); }

/* ---- how */
.nbs-form .times { display: grid; gap: 16px; align-content: start; }
.nbs-form .how { display: grid; gap: 12px; align-content: start; }
.nbs-form details > summary { display: flex; align-items: baseline; gap: 10px; padding: 3px 0; cursor: pointer; font-weight: 550; list-style: none; }
.nbs-form details > summary::before { content: ''; flex: none; width: 6px; height: 6px; border: solid var(--fg2); border-width: 0 1.5px 1.5px 0; transform: rotate(-45deg); transition: transform 0.12s; }
.nbs-form details[open] > summary::before { transform: rotate(45deg) translate(-2px, -2px); }
.nbs-form details > summary .said { color: var(--fg2); font-weight: 400; }
.nbs-form details[open] > summary { margin-bottom: 8px; }

/* ---- what there is already */
.nbs-form .existing ul { display: grid; grid-template-columns: 16px minmax(0, auto) minmax(0, 1fr) minmax(0, auto) auto auto; column-gap: 12px; margin: 0; padding: 0; border: 1px solid var(--line); border-radius: 4px; list-style: none; }
.nbs-form .existing li { display: grid; grid-template-columns: subgrid; grid-column: 1 / -1; align-items: center; padding: 5px 10px; }
.nbs-form .existing li + li { border-top: 1px solid var(--line); }
.nbs-form .existing li[aria-current='true'] { background: color-mix(in srgb, var(--brand) 12%, var(--bg)); }
.nbs-form .existing :is(b, span) { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.nbs-form .existing b { font-weight: 600; }
.nbs-form .existing :is(.trigger, .next) { color: var(--fg2); font-variant-numeric: tabular-nums; }
.nbs-form :is(.existing, .editing) button { height: auto; min-width: 62px; padding: 2px 9px; border: 1px solid var(--line); border-radius: 4px; background: var(--bg); color: var(--fg); line-height: 1.45; letter-spacing: 0; }
.nbs-form :is(.existing, .editing) button:hover { background: var(--bg2); }
.nbs-form .editing { display: flex; align-items: center; gap: 12px; padding: 6px 10px; border-radius: 4px; background: color-mix(in srgb, var(--brand) 12%, var(--bg)); font-weight: 550; }
.nbs-form .editing button { margin-left: auto; font-weight: 400; }

/* ---- a cell's line */
.nbs-form > code.line { padding: 8px 10px; border: 1px solid var(--line); border-radius: 4px; background: var(--jp-cell-editor-background, var(--bg1)); overflow-wrap: anywhere; white-space: pre-wrap; }

/* ---- retry */
.nbs-form .ended { display: flex; flex-wrap: wrap; align-items: center; gap: 2px 8px; }
.nbs-form .ended b { color: var(--tone); font-weight: 600; }
.nbs-form .ended code { flex: 1 0 100%; padding: 6px 10px; border-left: 3px solid var(--bad); background: color-mix(in srgb, var(--bad) 8%, var(--bg)); overflow-wrap: anywhere; }
.nbs-form .ended code + code { padding-top: 0; margin-top: -8px; color: var(--fg2); }
.nbs-form .from { display: grid; gap: 6px; margin: 0; padding: 0; border: 0; }
.nbs-form .from legend { margin-bottom: 6px; font-size: 1.06em; font-weight: 650; }
.nbs-form .from label { display: grid; grid-template-columns: auto auto minmax(0, 1fr); gap: 8px; align-items: center; }
.nbs-form .from label.way > .help { overflow-wrap: anywhere; }
.nbs-form .from .steps { display: grid; gap: 4px; max-height: 180px; margin-left: 23px; padding: 6px 10px; border: 1px solid var(--line); border-radius: 4px; overflow: hidden auto; scrollbar-width: thin; }
.nbs-form .from .steps.off { color: var(--fg2); background: var(--bg1); }
.nbs-form .from .steps label { grid-template-columns: auto auto minmax(0, max-content) 1fr; }

/* ---- backfill */
.nbs-backfill > .trigger { color: var(--fg2); }
.nbs-backfill > .fields { grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); align-items: end; }
.nbs-backfill > .fields .switch { min-height: 30px; }
.nbs-form .occurrences { min-height: 200px; max-height: 380px; padding: 10px; border: 1px solid var(--line); border-radius: 4px; overflow: auto; scrollbar-width: thin; }
.nbs-form .occurrences table { margin: 0; border: 0; border-collapse: separate; border-spacing: 3px; font-size: 1em; }
.nbs-form .occurrences :is(tr, th, td) { padding: 0; border: 0; background: none; }
.nbs-form .occurrences th { color: var(--fg2); font-size: 0.9em; font-weight: 400; white-space: nowrap; text-align: left; font-variant-numeric: tabular-nums; }
.nbs-form .occurrences th[scope='row'] { position: sticky; left: -10px; padding: 0 8px 0 10px; background: var(--bg); z-index: 1; }
.nbs-form .occurrences td { width: 26px; min-width: 26px; height: 24px; }
.nbs-form .occurrences :is(.day, .hour, .time) td[role] { padding: 0 5px; white-space: nowrap; }
.nbs-form .occurrences .day td { min-width: 46px; }
.nbs-form .occurrences .days.hour td { flex: 0 0 calc((100% - 33px) / 12); min-width: 45px; }
.nbs-form .occurrences .days.time td { min-width: 62px; }
.nbs-form .occurrences td small { color: var(--fg2); font-size: 0.85em; font-variant-numeric: tabular-nums; }
.nbs-form .occurrences td[role] { border-radius: 3px; text-align: center; vertical-align: middle; background: color-mix(in srgb, var(--tone) 24%, var(--bg)); outline-offset: 1px; }
.nbs-form .occurrences td[role] .sign { width: 12px; height: 12px; vertical-align: -2px; }
.nbs-form .occurrences td[role] small:not(:empty) { margin-left: 3px; }
.nbs-form .occurrences td.none { --tone: var(--wait); background: none; box-shadow: inset 0 0 0 1px var(--line); }
.nbs-form .occurrences td.none .sign { visibility: hidden; }
.nbs-form .occurrences td:is(.skip, .wait) { background: none; box-shadow: inset 0 0 0 1px var(--line); }
.nbs-form .occurrences td.there { cursor: pointer; }
.nbs-form .occurrences td.run { background: repeating-linear-gradient(45deg, color-mix(in srgb, var(--run) 34%, var(--bg)) 0 4px, color-mix(in srgb, var(--run) 16%, var(--bg)) 4px 8px); }
.nbs-form .occurrences td.will { box-shadow: inset 0 0 0 2px var(--brand); }
.nbs-form .occurrences td:focus-visible { outline: 2px solid var(--fg); }
.nbs-form .occurrences table.days tr { display: flex; flex-wrap: wrap; align-items: center; gap: 3px; margin-bottom: 3px; padding-left: 100px; position: relative; }
.nbs-form .occurrences table.days { border-spacing: 0; }
.nbs-form .occurrences table.days th { position: absolute; left: 0; top: 3px; padding: 0; }
.nbs-form .occurrences table.days td { display: flex; align-items: center; justify-content: center; width: auto; }
.nbs-form .legend { display: flex; flex-wrap: wrap; gap: 4px 16px; min-height: 20px; color: var(--fg2); font-variant-numeric: tabular-nums; }
.nbs-form .legend > span { display: inline-flex; align-items: center; gap: 5px; }
.nbs-form .legend .none { --tone: var(--wait); }
.nbs-form .legend .none .sign { border: 1px solid var(--edge); border-radius: 3px; }
.nbs-form .legend .none .sign * { visibility: hidden; }
.nbs-form .legend b { color: var(--fg); font-weight: 600; }
.nbs-form .to-run { min-height: 20px; font-weight: 550; }

@media (max-width: 760px) {
  .nbs-dialog .jp-Dialog-content { padding: 14px 14px 4px; }
  .nbs-dialog .jp-Dialog-footer { margin: 0 -14px; padding: 10px 14px; }
  .nbs.nbs-form { grid-template-columns: minmax(0, 1fr); }
  .nbs-form .existing ul { grid-template-columns: 16px minmax(0, 1fr) auto auto; }
  .nbs-form .existing .trigger { grid-row: 2; grid-column: 2; }
  .nbs-form .existing .next { grid-row: 2; grid-column: 3 / -1; text-align: right; }
}
`,""]),e.d(r,{},{A:i})},"./node_modules/css-loader/dist/cjs.js!./style/index.css"(n,r,e){var o=e("./node_modules/css-loader/dist/runtime/noSourceMaps.js"),a=e.n(o),s=e("./node_modules/css-loader/dist/runtime/api.js"),i=e.n(s),t=e("./node_modules/css-loader/dist/cjs.js!../nbsched/panel/view/view.css"),d=e("./node_modules/css-loader/dist/cjs.js!./style/form.css"),l=i()(a());l.i(t.A),l.i(d.A),l.push([n.id,`/* What only Lab shows; the shared view's own rules come first, and with them its colours. */

/* ---- side panel */
.nbs-side .jp-SidePanel-header { display: block; padding: 0; font-size: inherit; font-weight: inherit; letter-spacing: normal; text-transform: none; }
.nbs.nbs-top { display: flex; align-items: center; gap: 6px; height: 40px; padding: 0 8px; border: 0; border-radius: 0; container: none; }
.nbs.nbs-top input[type='search'] { flex: 1 1 auto; width: auto; min-width: 60px; height: 26px; }
.nbs.nbs-top input[type='search']:focus-visible { outline-width: 1px; outline-offset: -1px; border-color: var(--brand); }
.nbs.nbs-top .page { display: grid; place-items: center; width: 28px; height: 26px; padding: 0; }
.nbs.nbs-top .page svg { display: block; width: 16px; height: 16px; }
.nbs.nbs-section { border: 0; border-radius: 0; min-height: 0; }
.nbs.nbs-section .list { height: 100%; }
.nbs.nbs-section .row { border-bottom-color: color-mix(in srgb, var(--fg) 8%, var(--bg)); }
.nbs.nbs-section .runs .row { grid-template-columns: 16px auto minmax(0, 1fr) auto; grid-template-areas: 'sign what what took' '. id why when'; padding: 5px 10px 3px; }
.nbs.nbs-section .runs .row > .id { font-size: 0.88em; }
.nbs.nbs-section .runs .row > .bar { grid-area: 2 / 2 / 3 / -1; align-self: end; margin-bottom: -3px; height: 3px; }
.nbs.nbs-section .schedules .row { grid-template-columns: 16px minmax(0, 1fr) auto; grid-template-areas: 'sign name next' '. trigger last'; padding: 5px 10px 3px; }
.nbs.nbs-section .schedules .row > .spark { display: flex; grid-area: last; height: 16px; overflow: hidden; }
.nbs.nbs-section .schedules .spark i { width: 4px; max-height: 16px; }
.nbs.nbs-section .pad .row { --under: var(--bg); }
.nbs.nbs-section .pad .row:hover { --under: var(--bg1); }
.nbs.nbs-section .pad .row[aria-selected='true'] { --under: color-mix(in srgb, var(--brand) 12%, var(--bg)); }
.nbs.nbs-section .pad .row:is(:hover, [aria-selected='true']):has(> .acts:not(:empty)) > :is(.runs .when, .schedules .spark) { visibility: hidden; }
.nbs.nbs-section .row > .acts { position: absolute; grid-area: auto; inset: auto 6px 3px auto; display: none; gap: 4px; padding-left: 18px; background: linear-gradient(to right, transparent, var(--under) 16px); }
.nbs.nbs-section .row > .acts .push { padding: 0 7px; font-size: 0.92em; line-height: 1.5; }
.nbs.nbs-section .pad .row:is(:hover, [aria-selected='true']) > .acts { display: flex; }
.nbs.nbs-section .row > .acts.asked { display: flex; }
.nbs.nbs-section .row > .acts.asked .push:first-child { border-color: var(--brand); }
.nbs.nbs-section .empty { padding: 12px 14px; }
.nbs.nbs-section .remedy { align-self: flex-start; margin: 0 14px 12px; }
.jp-AccordionPanel-title .nbs-count { margin-left: 6px; color: var(--jp-ui-font-color2); font-weight: 400; font-variant-numeric: tabular-nums; }
.nbs-stale .jp-SidePanel-content { opacity: 0.62; }

.nbs.nbs-trouble { display: grid; grid-template-columns: 16px minmax(0, 1fr) auto; gap: 4px 6px; align-items: start; padding: 8px 10px; border: 0; border-top: 1px solid var(--line); border-radius: 0; container: none; overflow-wrap: anywhere; }
.nbs.nbs-trouble.lm-mod-hidden { display: none; }
.nbs-trouble .sign { margin-top: 2px; }
.nbs-trouble .words { display: grid; gap: 2px; }
.nbs-trouble .words span { color: var(--fg2); }
.nbs-trouble .words code { margin-top: 8px; padding: 6px 8px; border-radius: 4px; background: var(--bg2); font: 0.92em / 1.4 var(--jp-code-font-family, monospace); user-select: all; }
.nbs-trouble[data-state='stale'] .words span { display: none; }
.nbs-trouble[data-state='stale'] .words b { overflow: hidden; font-size: 0.92em; font-weight: 500; text-overflow: ellipsis; white-space: nowrap; }
.nbs-trouble[data-state='stale'] button { padding: 1px 6px; font-size: 0.92em; }
.nbs.nbs-trouble[data-state='stale'] { align-items: center; height: 38px; padding: 0 10px; background: color-mix(in srgb, var(--warn) 12%, var(--bg)); }
.nbs-trouble[data-state='connecting'] { visibility: hidden; animation: nbs-late 0s 0.4s forwards; }
.nbs-trouble:is([data-state='absent'], [data-state='lost']) { grid-template-columns: minmax(0, 1fr); justify-items: center; gap: 10px; padding: 36px 20px; text-align: center; }
.nbs-trouble:is([data-state='absent'], [data-state='lost']) .sign { width: 28px; height: 28px; margin: 0; color: var(--fg2); }
@keyframes nbs-late { to { visibility: visible; } }

/* ---- status bar, notebook's toolbar */
.nbs.nbs-status, .nbs.nbs-badge { display: flex; align-items: center; width: auto; border: 0; border-radius: 0; background: none; container: none; white-space: nowrap; }
.nbs.nbs-status.lm-mod-hidden, .nbs.nbs-badge.lm-mod-hidden { display: none; }
.nbs-status button { display: flex; align-items: center; gap: 5px; height: 100%; padding: 0; border: 0; border-radius: 0; background: none; font-variant-numeric: tabular-nums; }
.nbs.nbs-status button:hover:not(:disabled) { background: none; }
.nbs-status .sign { width: 13px; height: 13px; }
.nbs-status .sign.none { display: none; }
.nbs-status .bad.sign { margin-left: 4px; }
.nbs-status .bad { color: var(--tone); }
.nbs.nbs-badge { gap: 6px; height: 24px; margin: 0 4px; font-size: var(--jp-ui-font-size1); }
.nbs-badge .next { display: flex; align-items: center; gap: 5px; height: 22px; padding: 0 6px; border-color: transparent; background: none; color: var(--fg2); font-variant-numeric: tabular-nums; }
.nbs-badge .next .sign { width: 13px; height: 13px; }
.nbs-badge .changed { padding: 0 8px; border: 1px solid color-mix(in srgb, var(--warn) 55%, var(--bg)); border-radius: 10px; color: var(--warn); font-size: 0.92em; line-height: 18px; }
`,""]),e.d(r,{},{A:l})},"./node_modules/css-loader/dist/runtime/api.js"(n){n.exports=function(n){var r=[];return r.toString=function(){return this.map(function(r){var e="",o=void 0!==r[5];return r[4]&&(e+="@supports (".concat(r[4],") {")),r[2]&&(e+="@media ".concat(r[2]," {")),o&&(e+="@layer".concat(r[5].length>0?" ".concat(r[5]):""," {")),e+=n(r),o&&(e+="}"),r[2]&&(e+="}"),r[4]&&(e+="}"),e}).join("")},r.i=function(n,e,o,a,s){"string"==typeof n&&(n=[[null,n,void 0]]);var i={};if(o)for(var t=0;t<this.length;t++){var d=this[t][0];null!=d&&(i[d]=!0)}for(var l=0;l<n.length;l++){var p=[].concat(n[l]);o&&i[p[0]]||(void 0!==s&&(void 0===p[5]||(p[1]="@layer".concat(p[5].length>0?" ".concat(p[5]):""," {").concat(p[1],"}")),p[5]=s),e&&(p[2]&&(p[1]="@media ".concat(p[2]," {").concat(p[1],"}")),p[2]=e),a&&(p[4]?(p[1]="@supports (".concat(p[4],") {").concat(p[1],"}"),p[4]=a):p[4]="".concat(a)),r.push(p))}},r}},"./node_modules/css-loader/dist/runtime/noSourceMaps.js"(n){n.exports=function(n){return n[1]}},"./style/index.css"(n,r,e){e.r(r);var o=e("./node_modules/style-loader/dist/runtime/injectStylesIntoStyleTag.js"),a=e.n(o),s=e("./node_modules/style-loader/dist/runtime/styleDomAPI.js"),i=e.n(s),t=e("./node_modules/style-loader/dist/runtime/insertBySelector.js"),d=e.n(t),l=e("./node_modules/style-loader/dist/runtime/setAttributesWithoutAttributes.js"),p=e.n(l),b=e("./node_modules/style-loader/dist/runtime/insertStyleElement.js"),g=e.n(b),c=e("./node_modules/style-loader/dist/runtime/styleTagTransform.js"),m=e.n(c),u=e("./node_modules/css-loader/dist/cjs.js!./style/index.css"),f={};f.styleTagTransform=m(),f.setAttributes=p(),f.insert=d().bind(null,"head"),f.domAPI=i(),f.insertStyleElement=g(),a()(u.A,f);let x=u.A&&u.A.locals?u.A.locals:void 0;e.d(r,{},{default:x})},"./node_modules/style-loader/dist/runtime/injectStylesIntoStyleTag.js"(n){var r=[];function e(n){for(var e=-1,o=0;o<r.length;o++)if(r[o].identifier===n){e=o;break}return e}function o(n,o){for(var a={},s=[],i=0;i<n.length;i++){var t=n[i],d=o.base?t[0]+o.base:t[0],l=a[d]||0,p="".concat(d," ").concat(l);a[d]=l+1;var b=e(p),g={css:t[1],media:t[2],sourceMap:t[3],supports:t[4],layer:t[5]};if(-1!==b)r[b].references++,r[b].updater(g);else{var c=function(n,r){var e=r.domAPI(r);return e.update(n),function(r){r?(r.css!==n.css||r.media!==n.media||r.sourceMap!==n.sourceMap||r.supports!==n.supports||r.layer!==n.layer)&&e.update(n=r):e.remove()}}(g,o);o.byIndex=i,r.splice(i,0,{identifier:p,updater:c,references:1})}s.push(p)}return s}n.exports=function(n,a){var s=o(n=n||[],a=a||{});return function(n){n=n||[];for(var i=0;i<s.length;i++){var t=e(s[i]);r[t].references--}for(var d=o(n,a),l=0;l<s.length;l++){var p=e(s[l]);0===r[p].references&&(r[p].updater(),r.splice(p,1))}s=d}}},"./node_modules/style-loader/dist/runtime/insertBySelector.js"(n){var r={};n.exports=function(n,e){var o=function(n){if(void 0===r[n]){var e=document.querySelector(n);if(window.HTMLIFrameElement&&e instanceof window.HTMLIFrameElement)try{e=e.contentDocument.head}catch(n){e=null}r[n]=e}return r[n]}(n);if(!o)throw Error("Couldn't find a style target. This probably means that the value for the 'insert' parameter is invalid.");o.appendChild(e)}},"./node_modules/style-loader/dist/runtime/insertStyleElement.js"(n){n.exports=function(n){var r=document.createElement("style");return n.setAttributes(r,n.attributes),n.insert(r,n.options),r}},"./node_modules/style-loader/dist/runtime/setAttributesWithoutAttributes.js"(n,r,e){n.exports=function(n){var r=e.nc;r&&n.setAttribute("nonce",r)}},"./node_modules/style-loader/dist/runtime/styleDomAPI.js"(n){n.exports=function(n){if("u"<typeof document)return{update:function(){},remove:function(){}};var r=n.insertStyleElement(n);return{update:function(e){var o,a,s;o="",e.supports&&(o+="@supports (".concat(e.supports,") {")),e.media&&(o+="@media ".concat(e.media," {")),(a=void 0!==e.layer)&&(o+="@layer".concat(e.layer.length>0?" ".concat(e.layer):""," {")),o+=e.css,a&&(o+="}"),e.media&&(o+="}"),e.supports&&(o+="}"),(s=e.sourceMap)&&"u">typeof btoa&&(o+="\n/*# sourceMappingURL=data:application/json;base64,".concat(btoa(unescape(encodeURIComponent(JSON.stringify(s))))," */")),n.styleTagTransform(o,r,n.options)},remove:function(){var n;null===(n=r).parentNode||n.parentNode.removeChild(n)}}}},"./node_modules/style-loader/dist/runtime/styleTagTransform.js"(n){n.exports=function(n,r){if(r.styleSheet)r.styleSheet.cssText=n;else{for(;r.firstChild;)r.removeChild(r.firstChild);r.appendChild(document.createTextNode(n))}}}}]);