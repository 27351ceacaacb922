/** The actor that the benchmark makes a hundred thousand of; its hosts are pretended, so it never runs. */
export class Sleeper {
  nothing(): void {}
}
