// What a job runs.

/**
 * `run` to its end; what it throws fails the job. `stop`, where there is one, makes `run` end early. Where the class can
 * be disposed of, it is, after `run` or in place of `stop`.
 */
export interface Runnable {
  run(): unknown;
  stop?(): unknown;
}
