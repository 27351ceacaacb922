/** A workflow that asks the model once. Its reward differs within a group, so that every group teaches something. */

import type { Task, Tuner, WorkflowOutput } from "../../../actors/index.ts";

export class AsksOnce {
  async execute(task: Task, tuner: Tuner): Promise<WorkflowOutput> {
    const reply = await tuner.openai().chat.completions.create({
      model: tuner.model,
      messages: [{ role: "user", content: task.mainQuery }],
    });
    return { reward: (reply.usage?.completion_tokens ?? 0) % 7, isSuccess: false };
  }
}
