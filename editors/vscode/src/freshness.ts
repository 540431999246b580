/**
 * Whether a document's problems were found in its present version. The editor does not say, so it is told from when
 * they came, and from whether any of them is older than the version. Pure: the caller has the clock.
 */

/** The editor tells of problems up to so much later than they came. */
export const TOLD_LATE_MS = 50;

/** So long nothing else may come: several linters, or one in several steps, look at the same text. */
export const QUIET_MS = 500;

export class Freshness<Problem> {
  private toldAt: number | undefined;

  /** `standing` are the problems that were there when the version began. */
  constructor(
    private readonly begunAt: number,
    private readonly standing: readonly Problem[],
  ) {}

  /** Problems were told. What was told right at the beginning may have come before it. */
  told(now: number): void {
    if (now - this.begunAt > TOLD_LATE_MS) {
      this.toldAt = now;
    }
  }

  /** In how many milliseconds `problems` are known to be fresh if nothing else comes; undefined: not without news. */
  dueIn(now: number, problems: readonly Problem[]): number | undefined {
    const old = new Set(this.standing);
    if (this.toldAt === undefined || problems.some((problem) => old.has(problem))) {
      return undefined;
    }
    return Math.max(0, this.toldAt + QUIET_MS - now);
  }
}
