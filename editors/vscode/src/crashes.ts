/** When to start a crashed server again, and when to give up. Pure. */

const PATIENCE = 3;
const WINDOW_MS = 3 * 60_000;
const FIRST_DELAY_MS = 500;

export class Crashes {
  private times: number[] = [];

  /** Counts a crash. How long to wait before the next start; undefined when it has crashed too often of late. */
  count(now: number): number | undefined {
    this.times = [...this.times.filter((time) => now - time < WINDOW_MS), now];
    return this.times.length < PATIENCE ? FIRST_DELAY_MS * 2 ** (this.times.length - 1) : undefined;
  }

  /** The person has seen to it: counting begins anew. */
  forget(): void {
    this.times = [];
  }
}
