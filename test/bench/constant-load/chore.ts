/** One thing that a busy driver does again and again. */
export interface Chore {
  readonly name: string;
  readonly everyMs: number;
  /** `round`: how often it was done before. Rejects where what came of it is not what it must be. */
  run(round: number): Promise<void>;
}
