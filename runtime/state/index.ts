// What runs, in the words of Ray's State API: rows, filters, summaries, and the trace of a timeline.
export { columnsOf, idColumn } from "./columns.ts";
export { matches, parseFilter } from "./filter.ts";
export { actorRow, groupRow, jobRow, type NodeExtras, nodeRow, objectRow, pendingTaskRow, taskRow } from "./rows.ts";
export { summarize } from "./summary.ts";
export { type TraceEvent, traceOf } from "./trace.ts";
