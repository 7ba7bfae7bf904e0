// What a run goes on writing, asked for from where the last answer ended; never twice at once, and no more once it has ended.

export interface Part {
  next: number;
  ended: boolean;
}

// so often while it runs, whether or not anything was heard of it
const PERIOD_MS = 1_000;
const HIDDEN_MS = 5_000;
// never sooner after the last time
const LEAST_MS = 150;

export class Tail<T extends Part> {
  constructor(
    private readonly fetch: (since: number) => Promise<T>,
    private readonly take: (part: T) => void,
    private readonly fail: (error: unknown) => void
  ) {}

  // Of a run that runs it is asked again and again, of one that waits only when there is news.
  follow(running: boolean): void {
    this.running = running;
    if (this.following) return;
    this.following = true;
    this.wait(0);
  }

  // There is news of the run.
  nudge(): void {
    this.again = true;
    if (this.following && !this.asking) this.wait(LEAST_MS);
  }

  leave(): void {
    this.following = false;
    window.clearTimeout(this.timer);
  }

  private wait(ms: number): void {
    window.clearTimeout(this.timer);
    if (this.ended) return;
    this.timer = window.setTimeout(() => void this.ask(), Math.max(0, this.askedAt + ms - performance.now()));
  }

  private async ask(): Promise<void> {
    if (this.asking) return;
    this.asking = true;
    this.again = false;
    this.askedAt = performance.now();
    try {
      const part = await this.fetch(this.next);
      this.next = part.next;
      this.ended = part.ended;
      this.take(part);
    } catch (error) {
      this.fail(error);
    }
    this.asking = false;
    if (!this.following) return;
    if (this.again) this.wait(LEAST_MS);
    else if (this.running) this.wait(document.hidden ? HIDDEN_MS : PERIOD_MS);
  }

  private next = 0;
  private ended = false;
  private asking = false;
  private again = false;
  private running = false;
  private following = false;
  private askedAt = -Infinity;
  private timer: number | undefined;
}
