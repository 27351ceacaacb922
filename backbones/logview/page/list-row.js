/** One row of the list: two lines of fixed height. Rows are reused while the list scrolls. */

import { el } from "./dom.js";
import { count, faultNames, faultsOf, reward } from "./format.js";

/** Height of a row in pixels; list.css has the same. */
export const rowHeight = 54;

export function rowElement() {
  const node = el("div.row", el("i.mark"), el("span.where"), el("span.reward"), el("div.second"));
  node.setAttribute("role", "option");
  return node;
}

/** Writes an episode into a row; an episode that is still on its way leaves it blank. */
export function fillRow(node, row, { index, matched, isSelected }) {
  const place = row ? `${row.file}/${row.line}` : "";
  node.setAttribute("aria-posinset", String(index + 1));
  node.setAttribute("aria-setsize", String(matched));
  node.setAttribute("aria-selected", String(isSelected));
  if (node.dataset.place === place && place !== "") return;
  node.dataset.place = place;
  const [mark, where, rewardCell, second] = node.children;
  mark.className = `mark ${row ? markOf(row) : ""}`;
  mark.title = row ? markOf(row) : "";
  if (!row) {
    for (const cell of [where, rewardCell, second]) cell.textContent = "";
    return;
  }
  const step = row.split === "validation" ? `validation ${row.step}` : `step ${row.step}`;
  where.replaceChildren(el("b", row.taskId || row.episodeId), ` ${step} · try ${row.repeat + 1}`);
  rewardCell.textContent = row.status === "failed" ? "–" : reward(row.reward);
  const tokens = el("span.size", `${count(row.sampledTokens)} tok`);
  second.replaceChildren(el("span.what", row.question), ...faultsOf(row).map(faultTag), tokens);
}

/** A small label for a fault, in its colour. */
export function faultTag(name) {
  const tag = el(`span.tag.fault`, faultNames[name]);
  tag.dataset.fault = name;
  return tag;
}

function markOf(row) {
  if (row.status !== "finished") return row.status === "failed" ? "failed" : "overflow";
  return row.isSuccess ? "right" : "wrong";
}
