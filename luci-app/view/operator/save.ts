// A file for whoever looks at the page, made in the browser.

/** Has the browser save a text. */
export function saveFile(name: string, type: string, text: string): void {
  const href = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  E('a', { href, download: name }).click();
  // it is read after this
  setTimeout(() => URL.revokeObjectURL(href), 10_000);
}
