// The look of our pages on top of LuCI's theme: its colours where it has variables for them, else its text colour.

const CSS = `
.mb-lead { border-left: .4em solid currentColor; margin: 0 0 1em; padding: .4em .8em }
.mb-lead p { margin: .2em 0 }
.mb-lead p:first-child { font-size: 1.25em; font-weight: bold }
.mb-lead[data-health=good] { border-color: var(--success-color-medium, #00945e) }
.mb-lead[data-health=weak] { border-color: var(--warn-color-medium, #b8860b) }
.mb-lead[data-health=bad] { border-color: var(--error-color-medium, #c9302c) }
.mb-note { border-left: .2em solid currentColor; margin: 0 0 1em; padding: 0 .8em }
.mb-note[data-level=error] { border-color: var(--error-color-medium, #c9302c) }
.mb-note[data-level=warning] { border-color: var(--warn-color-medium, #b8860b) }
.mb-note p { margin: .2em 0 }
.mb-page ul { list-style: none; margin: 0; padding: 0 }
.mb-page li { color: inherit }
.mb-page [hidden] { display: none }
.mb-page p, .mb-page li, .mb-page td { overflow-wrap: anywhere }
@media (max-width: 600px) {
  .mb-table, .mb-table tbody, .mb-table .tr, .mb-table .td { display: block; width: auto }
  .mb-table thead { clip-path: inset(50%); height: 1px; overflow: hidden; position: absolute; width: 1px }
  .mb-table .tr { border-top: 1px solid currentColor; margin: 0; padding: .4em 0 }
  .mb-table .td { border: 0; padding: .15em 0; text-align: left }
  .mb-table .td:empty { display: none }
  .mb-table .td[data-title]::before { content: attr(data-title) ": "; display: inline; font-weight: bold }
}`;

/** The style sheet, to stand in each page. */
export function styleSheet(): HTMLElement {
  return E('style', [CSS]);
}
