/** The nouns of a task: what a reader yields, what a workflow and a judge are given. */

/** One part of a message's content, as OpenAI's API spells it. */
export interface ContentPart {
  readonly type: string;
  readonly text?: string;
}

/** A call of a tool, as OpenAI's API spells it: `arguments` is JSON text. */
export interface ToolCall {
  readonly id: string;
  readonly type: "function";
  readonly function: { readonly name: string; readonly arguments: string };
}

/** A chat message, as OpenAI's API spells it. */
export interface ChatMessage {
  readonly role: "system" | "user" | "assistant" | "tool";
  readonly content: string | null | readonly ContentPart[];
  readonly name?: string;
  readonly tool_calls?: readonly ToolCall[];
  readonly tool_call_id?: string;
}

/** A tool as it is offered to the model, as OpenAI's API spells it. */
export interface ToolDefinition {
  readonly type: "function";
  readonly function: {
    readonly name: string;
    readonly description?: string;
    readonly parameters?: Readonly<Record<string, unknown>>;
  };
}

/** One problem to work on. `metadata` is the data set's whole row; the reference answer, if any, is in it. */
export interface Task {
  readonly taskId: string;
  readonly mainQuery: string;
  readonly initMessages: readonly ChatMessage[];
  readonly envType: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}
