// A command that was refused by our side: the reason, and the argument at fault, which LuCI itself drops from what it rejects with.

/** What the daemon or its helper said. */
export class Refusal extends Error {
  override name = 'Refusal';
  /** @param field the argument at fault. @param status of ubus. */
  constructor(
    message: string,
    readonly field?: string,
    readonly status?: unknown,
  ) {
    super(message);
  }
}

/**
 * The refusal in an answer, if it is one. Our daemon sends the reason along with a status other than 0; the helper's answers come by
 * way of rpcd, always with status 0.
 */
export function refusalOf(object: string, result: readonly unknown[] | undefined): Refusal | undefined {
  const [status, reply] = result ?? [];
  const { error, field } = (reply ?? {}) as { error?: unknown; field?: unknown };
  if (typeof error !== 'string' || (status === 0 && object !== 'meshbridge.helper')) return undefined;
  return new Refusal(error, typeof field === 'string' ? field : undefined, status);
}
