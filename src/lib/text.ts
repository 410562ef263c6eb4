// Which characters a text is made of. Spelt out, for `\p{...}` would bring 40 KB of tables onto the router.

/** Whether there is a control character (Unicode's Cc: U+0000 to U+001F, U+007F to U+009F) in a text. */
export function hasControl(text: string): boolean {
  return /[^ -~\u00a0-\uffff]/.test(text);
}

/** Whether there is white space or a control character in a text. */
export function hasBlank(text: string): boolean {
  return /[^!-~\u00a1-\uffff]|\s/.test(text);
}

/** A text with something in place of each control character. */
export function replaceControls(text: string, by: string): string {
  return text.replace(/[^ -~\u00a0-\uffff]/g, by);
}

/** A text with something in place of each control character, and of each that shows nothing but changes what others look like (Cf). */
export function replaceInvisible(text: string, by: string): string {
  return replaceControls(text, by).replace(INVISIBLE, by);
}

/** Unicode 16, category Cf. */
const INVISIBLE =
  /[\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\u{110bd}\u{110cd}\u{13430}-\u{1343f}\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0001}\u{e0020}-\u{e007f}]/gu;
