// On and off as people write them in a file of UCI: the words of OpenWrt's `config_get_bool`.

const ON = ['1', 'on', 'true', 'yes', 'enabled'];
const OFF = ['0', 'off', 'false', 'no', 'disabled'];

/** What a text says; `undefined` of any other word. */
export function readFlag(text: string): boolean | undefined {
  if (ON.includes(text)) return true;
  return OFF.includes(text) ? false : undefined;
}
