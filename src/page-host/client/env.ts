// What the page was opened with.

interface Env {
  /** The view to run: `meshbridge/overview-0123abcd`. */
  view: string;
  /** Of the login. */
  session: string;
  /** Goes with what changes something outside /ubus. */
  token: string;
  /** Seconds until changes that nobody confirmed are taken back. */
  rollbackS: number;
}

export const env: Env = JSON.parse((document.currentScript as HTMLScriptElement).dataset.env!);
