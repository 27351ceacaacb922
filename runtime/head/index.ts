// The head of a cluster.
export { Head, type HeadOptions } from "./head.ts";
export { HeadStore } from "./head-store.ts";
export { type RunHeadOptions, type RunningHead, runHead } from "./run-head.ts";
