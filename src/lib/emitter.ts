// Tells one thing to several listeners, in the order in which they came.

/** A list of listeners; one that comes or goes while they are told counts from the next time on. */
export class Emitter<T> {
  private listeners: ((value: T) => void)[] = [];

  /** Adds a listener; the answer takes it away again. */
  on(listener: (value: T) => void): () => void {
    this.listeners = [...this.listeners, listener];
    return () => {
      this.listeners = this.listeners.filter((l) => l !== listener);
    };
  }

  emit(value: T): void {
    for (const listener of this.listeners) listener(value);
  }
}
