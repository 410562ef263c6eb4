// Ids of clients, objects and types as ubus prints them.

/** Eight hexadecimal digits. */
export function formatId(id: number): string {
  return id.toString(16).padStart(8, '0');
}
