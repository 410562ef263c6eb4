// The look of our pages on top of LuCI's theme: its colours where it has variables for them, else greys that suit light and dark.

const CSS = `
.mb-page, .mb-dialog { --mb-line: var(--border-color-medium, rgba(128,128,128,.4)); --mb-dim: rgba(128,128,128,.08) }
.mb-page [hidden] { display: none !important }
.mb-page p, .mb-page li, .mb-page td, .mb-page dd, .mb-page summary { overflow-wrap: anywhere }
.mb-page ul, .mb-page ol { list-style: none; margin: 0; padding: 0 }
.mb-page li, .mb-page p { color: inherit; line-height: 1.45 }
.mb-page :focus-visible, .mb-dialog :focus-visible { outline: 2px solid currentColor; outline-offset: 2px }
[data-health] { --mb-state: #6b6b6b; --mb-on: #fff; --mb-sign: "?" }
[data-health=good] { --mb-state: #0b7a48; --mb-sign: "\\2713" }
[data-health=weak] { --mb-state: #f0b429; --mb-on: #1a1400; --mb-sign: "!" }
[data-health=bad] { --mb-state: #c62828; --mb-sign: "\\d7" }
[data-health=unused] { --mb-sign: "\\2013" }
.mb-lead { background: var(--mb-dim); border-left: .35em solid var(--mb-state); border-radius: .4em; margin: 0 0 1.2em; padding: .9em 1em .9em 3.6em; position: relative }
.mb-lead::before { background: var(--mb-state); border-radius: 50%; color: var(--mb-on); content: var(--mb-sign); font: bold 1.15em/1.7em sans-serif; height: 1.7em; left: .75em; position: absolute; text-align: center; top: .75em; width: 1.7em }
.mb-lead p { margin: .2em 0 }
.mb-lead p:first-child { font-size: 1.3em; font-weight: bold; line-height: 1.3; margin-top: 0 }
.mb-aside { font-size: .92em; margin-top: .3em; opacity: .85 }
.mb-badge { background: var(--mb-state); border-radius: 1em; color: var(--mb-on); display: inline-block; font-size: .85em; font-weight: bold; line-height: 1.5; padding: 0 .7em; white-space: nowrap }
.mb-note { border-left: .25em solid var(--mb-line); margin: 0 0 1em; padding: 0 .8em }
.mb-note[data-level=error] { border-color: #c62828 }
.mb-note[data-level=warning] { border-color: #f0b429 }
.mb-note p { margin: .2em 0 }
.mb-cards { display: grid; gap: 1em; grid-template-columns: repeat(auto-fit, minmax(min(100%, 19em), 1fr)); margin: 0 0 1em }
.mb-card { border: 1px solid var(--mb-line); border-radius: .4em; box-sizing: border-box; margin: 0; min-width: 0; padding: .8em 1em }
.mb-body > .mb-card { margin-bottom: 1em }
.mb-head { align-items: baseline; display: flex; flex-wrap: wrap; gap: .3em .8em; justify-content: space-between; margin: 0 0 .5em }
.mb-head h3 { border: 0; font-size: 1.1em; line-height: 1.3; margin: 0; padding: 0 }
.mb-facts, .mb-facts dd { margin: 0 }
.mb-facts div { display: flex; flex-wrap: wrap; gap: 0 .8em; padding: .25em 0 }
.mb-facts div + div { border-top: 1px solid var(--mb-line) }
.mb-facts dt { flex: 0 0 7.5em; font-weight: normal; opacity: .8 }
.mb-facts dd { flex: 1 1 10em; min-width: 0 }
.mb-act { align-items: center; display: inline-flex; flex-wrap: wrap; gap: .3em .6em }
.mb-said[data-health=bad]::before { color: var(--mb-state); content: "\\25cf  " }
.mb-dim { opacity: .8 }
.mb-hidden { left: 0; opacity: 0; position: fixed; top: 0 }
.mb-dialog { background: var(--background-color-high, Canvas); border: 1px solid var(--mb-line); border-radius: .5em; box-sizing: border-box; color: var(--text-color-high, CanvasText); margin: auto; max-height: 90vh; max-width: 36em; overflow: auto; padding: 1.2em; width: calc(100% - 2em) }
.mb-dialog::backdrop { background: rgba(0,0,0,.5) }
.mb-dialog h3 { border: 0; margin: 0 0 .6em; padding: 0 }
.mb-dialog p { color: inherit; line-height: 1.45; overflow-wrap: anywhere }
.mb-actions { display: flex; flex-wrap: wrap; gap: .6em; justify-content: flex-end; margin-top: 1em }
@media (max-width: 600px) {
  .mb-table, .mb-table tbody, .mb-table .tr, .mb-table .td { display: block; width: auto }
  .mb-table thead { clip-path: inset(50%); height: 1px; overflow: hidden; position: absolute; width: 1px }
  .mb-table .tr { border: 1px solid var(--mb-line); border-radius: .4em; margin: 0 0 .7em; padding: .5em .8em }
  .mb-table .td { background: none; border: 0; padding: .15em 0; text-align: left }
  .mb-table .td:empty { display: none }
  .mb-table .td[data-title]::before { content: attr(data-title) ": "; display: inline; font-weight: bold }
}
@media (prefers-reduced-motion: reduce) {
  .mb-page *, .mb-dialog, .mb-dialog * { animation: none !important; scroll-behavior: auto !important; transition: none !important }
}`;

/** The style sheet, to stand in each page. */
export function styleSheet(): HTMLElement {
  return E('style', [CSS]);
}
