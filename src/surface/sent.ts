// What was sent to a broker: counted, and the last of it by topic and size, for people who want to see what leaves their house.

/** One message. */
export interface SentMessage {
  readonly topic: string;
  readonly bytes: number;
  readonly qos: 0 | 1;
  readonly retain: boolean;
  readonly atMs: number;
}

/** So many are remembered. */
const MAX_RECENT = 20;

/** What went to one broker. */
export class Sent {
  messages = 0;
  bytes = 0;
  private readonly last: SentMessage[] = [];

  add(message: SentMessage): void {
    this.messages++;
    this.bytes += message.bytes;
    this.last.push(message);
    if (this.last.length > MAX_RECENT) this.last.shift();
  }

  /** The newest first. */
  recent(): SentMessage[] {
    return [...this.last].reverse();
  }
}
