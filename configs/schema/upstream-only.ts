/** Sections that upstream has and that change nothing here. They are checked, so that a typing error is still found. */

import { z } from "zod";
import { count, key, section } from "./key.ts";

const byTokens = "timelines are compared by their token ids, and text is never tokenised again";

export const contextTrackerSection = section(
  {
    timeline_merging_policy: section(
      {
        timeline_compare_level: key(z.enum(["text", "token"]).default("text"), "What is compared.", {
          noEffect: byTokens,
          quietAt: ["token"],
        }),
        ignore_tools: key(z.boolean().default(true), "Whether lists of tools may differ.", {
          noEffect: byTokens,
        }),
      },
      "When two timelines are one.",
    ),
    fix_retokenization_drift: key(
      z.boolean().default(true),
      "Mends tokens that changed when text was tokenised again.",
      {
        noEffect: byTokens,
      },
    ),
    log_tool_format_check: key(z.boolean().default(false), "Logs malformed calls.", {
      noEffect: "malformed calls are always counted and shown",
      quietAt: [true],
    }),
    log_tool_format_error_detail: key(z.boolean().default(false), "Logs what is wrong with them.", {
      noEffect: "the episode's page shows each malformed call",
      quietAt: [true],
    }),
    detect_timeline_snap: key(z.boolean().default(false), "Warns where a timeline splits.", {
      noEffect: "split timelines are kept as several sequences of one episode",
      quietAt: [false],
    }),
  },
  "How requests become training sequences.",
);

const noInterchange = "each episode's requests go to its own recorder in the process that runs it";

export const interchangeServerSection = section(
  {
    interchange_method: key(z.enum(["ipc", "tcp"]).default("ipc"), "How processes reach it."),
    interchange_server_port: key(z.union([z.literal("auto"), z.int().min(1).max(65_535)]).default("auto"), "Its port."),
    num_fastapi_process: key(count.default(2), "Its processes."),
    max_fastapi_threads: key(count.default(128), "Threads of each process."),
    max_inference_tracker_threads: key(count.default(64), "Threads that record."),
  },
  "The server that records requests.",
  { noEffect: noInterchange },
);

const eventLoop = "episodes run on the event loop, blocking work in threads";

export const taskRunnerSection = section(
  {
    llm_infer_submit_method: key(z.enum(["async", "sync"]).default("async"), "How requests are sent."),
    wrapper_type: key(
      z.enum(["asyncio-with-gc", "asyncio", "multi-processing"]).default("asyncio-with-gc"),
      "What an episode runs in.",
    ),
    wrapper_multiprocessing_timeout: key(count.default(3600), "Time of one episode in a process.", { unit: "s" }),
  },
  "What an episode runs in.",
  { noEffect: eventLoop },
);

/** Single keys at the top of `astune:`. */
export const topUpstreamKeys = {
  enable_experimental_interchange_server: key(z.boolean().default(false), "Starts upstream's recording server.", {
    noEffect: noInterchange,
    quietAt: [false],
  }),
  execute_test: key(z.boolean().default(false), "Runs upstream's benchmark probe.", {
    noEffect: "there are no probes; `metrics.jsonl` has every figure",
    quietAt: [false],
  }),
  execute_testing_lambda: key(z.string().default(""), "The probe.", {
    noEffect: "there are no probes; `metrics.jsonl` has every figure",
    quietAt: [""],
  }),
};
