// Tells one thing to several listeners, in the order in which they came.

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
