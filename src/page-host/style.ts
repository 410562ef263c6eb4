// The look of the page host's own documents: the names of LuCI's theme as far as our pages use them, in light and dark.

export const STYLE = `
:root {
  color-scheme: light dark;
  --text-color-high: light-dark(#222, #eee); --background-color-high: light-dark(#fff, #1c1c1e);
  --border-color-medium: light-dark(#bbb, #555);
  --success-color-medium: #00945e; --warn-color-medium: #b8860b; --error-color-medium: #c9302c;
}
* { box-sizing: border-box }
body { background: var(--background-color-high); color: var(--text-color-high); font: 15px/1.45 sans-serif; margin: 0 }
header { align-items: center; border-bottom: 1px solid var(--border-color-medium); display: flex; flex-wrap: wrap; gap: .5em 1em; padding: .5em 1em }
header ul { display: flex; flex-wrap: wrap; gap: .2em .8em; list-style: none; margin: 0; padding: 0 }
header nav { flex: 1 }
header a { color: inherit; display: block; padding: .3em 0; text-decoration: none }
header a[aria-current] { border-bottom: 3px solid; font-weight: bold }
#indicators { display: flex; gap: .5em }
#indicators span { border: 1px solid; border-radius: 1em; padding: .1em .7em }
#indicators [data-clickable] { cursor: pointer }
main { margin: 0 auto; max-width: 70em; padding: 1em }
main.login { max-width: 22em }
table { border-collapse: collapse; width: 100% }
th, td { padding: .4em .6em .4em 0; text-align: left; vertical-align: top }
.tr:not(.table-titles) { border-top: 1px solid var(--border-color-medium) }
.btn, .cbi-button {
  background: transparent; border: 1px solid var(--border-color-medium); border-radius: .3em; color: inherit; cursor: pointer; font: inherit;
  padding: .35em .9em
}
.btn:hover, .cbi-button:hover { border-color: currentColor }
.cbi-button-positive, .cbi-button-apply { background: #006b44; border-color: #006b44; color: #fff }
.cbi-button-negative { background: #b02a26; border-color: #b02a26; color: #fff }
input, select, textarea { background: transparent; border: 1px solid var(--border-color-medium); border-radius: .3em; color: inherit; font: inherit; max-width: 100%; padding: .35em .5em }
select, option { background: var(--background-color-high) }
.alert-message { border: 1px solid; border-left-width: .4em; margin: 0 0 1em; padding: .4em .8em }
.alert-message.warning { border-color: var(--warn-color-medium) }
.alert-message.danger { border-color: var(--error-color-medium) }
.cbi-section { margin: 0 0 1.5em }
.cbi-value { display: grid; gap: .2em 1em; grid-template-columns: 14em 1fr; padding: .5em 0 }
.cbi-value-title { font-weight: bold }
.cbi-value-description { opacity: .8 }
.cbi-input-invalid { border-color: var(--error-color-medium); outline: 1px solid var(--error-color-medium) }
.cbi-dynlist .item { display: flex; gap: .5em; margin: 0 0 .3em }
.cbi-page-actions { border-top: 1px solid var(--border-color-medium); display: flex; flex-wrap: wrap; gap: .5em; justify-content: end; padding: 1em 0 }
.hidden { display: none }
#modal_overlay { background: #0009; display: none; inset: 0; overflow: auto; position: fixed }
.modal-overlay-active #modal_overlay { display: block }
.modal { background: var(--background-color-high); margin: 4em auto; max-width: 40em; padding: 1em }
@media (max-width: 600px) { .cbi-value { grid-template-columns: 1fr } }
`;
