/** Which curves there are: the ones that matter, each with its validation points, and then everything else. */

const fault = (name, label, color) => ({
  label,
  color,
  keys: [`fault/${name}`],
  validation: [`validation/fault/${name}`, `validation/${name}`],
});

const plan = [
  {
    id: "reward",
    title: "Reward",
    series: [
      {
        label: "mean",
        color: "--curve-1",
        keys: ["reward/mean"],
        validation: ["validation/reward/mean", "validation/reward", "validation/mean_reward"],
      },
    ],
  },
  {
    id: "success",
    title: "Success",
    kind: "share",
    series: [
      {
        label: "success",
        color: "--curve-2",
        keys: ["reward/success"],
        validation: ["validation/reward/success", "validation/success"],
      },
      { label: "pass@n", color: "--curve-4", keys: [], validation: [/^validation\/.*pass@/, /^validation\/.*pass_/] },
    ],
  },
  {
    id: "faults",
    title: "Faults",
    kind: "rare",
    series: [
      fault("malformed_call", "malformed call", "--fault-malformed_call"),
      fault("no_print", "printed nothing", "--fault-no_print"),
      fault("early_answer", "early answer", "--fault-early_answer"),
    ],
  },
  {
    id: "tool-use",
    title: "Tool use",
    kind: "share",
    series: [
      {
        label: "used the tool",
        color: "--curve-3",
        keys: ["tool/use"],
        validation: ["validation/tool/use", "validation/tool_use"],
      },
    ],
  },
  { id: "loss", title: "Loss", series: [{ label: "loss", color: "--curve-1", keys: ["learner/loss"] }] },
  {
    id: "mismatch",
    title: "Engine and learner mismatch",
    series: [
      { label: "mean ratio", color: "--curve-2", keys: [/mismatch[_/]?mean$/i, /mismatch$/i] },
      { label: "max ratio", color: "--curve-4", keys: [/mismatch[_/]?max$/i] },
    ],
  },
];

/**
 * The charts for these metrics: `{ main, more }`, each a list of `{ id, title, kind, lines }` with lines of
 * `{ key, label, color, isValidation }`; the kind is `share`, `rare` or `number`. A chart
 * whose numbers the run does not have is left out.
 */
export function chartsFor(metrics) {
  const used = new Set();
  const main = [];
  for (const { id, title, kind = "number", series } of plan) {
    const lines = [];
    for (const { label, color, keys, validation = [] } of series) {
      const key = metrics.find(...keys);
      const validationKey = metrics.find(...validation);
      if (key) lines.push({ key, label, color, isValidation: false });
      if (validationKey) {
        lines.push({
          key: validationKey,
          label: key ? "validation" : `${label}, validation`,
          color,
          isValidation: true,
        });
      }
    }
    for (const { key } of lines) used.add(key);
    if (lines.length > 0) main.push({ id, title, kind, lines });
  }
  const rest = metrics.keys.filter((key) => !used.has(key));
  const more = rest.map((key) => ({
    id: key,
    title: key,
    kind: "number",
    lines: [{ key, label: "", color: "--curve-1", isValidation: key.startsWith("validation/") }],
  }));
  return { main, more };
}
