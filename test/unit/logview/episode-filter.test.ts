import { expect, test } from "vitest";
import { matches, parseEpisodeFilter } from "../../../backbones/logview/episode-filter.ts";
import { EpisodeList } from "../../../backbones/logview/episode-list.ts";
import { type EpisodeRow, episodeRow } from "../../../backbones/logview/episode-row.ts";
import { makeEpisode } from "../../browser/logview-fixture.ts";

function row(wish: Parameters<typeof makeEpisode>[0]): EpisodeRow {
  const text = JSON.stringify(makeEpisode(wish));
  const made = episodeRow(text, { file: "step-000001", line: wish.index, offset: 0, length: text.length });
  if (!made) throw new Error("the fixture's episode gave no row");
  return made;
}

const clean = { malformedCall: false, noPrint: false, earlyAnswer: false };

test("a step may be one, a range, or open to the end; anything else excludes nothing", () => {
  expect(parseEpisodeFilter({ step: "5" })).toEqual({ firstStep: 5, lastStep: 5 });
  expect(parseEpisodeFilter({ step: " 5 - 9 " })).toEqual({ firstStep: 5, lastStep: 9 });
  expect(parseEpisodeFilter({ step: "5-" })).toEqual({ firstStep: 5 });
  expect(parseEpisodeFilter({ step: "x", fault: "nonsense", split: "test", success: "1", text: " " })).toEqual({});
});

test("faults, success, split, task and words are looked for together", () => {
  const episode = row({ step: 4, index: 3, isSuccess: false, faults: { ...clean, noPrint: true } });
  const shows = (query: Record<string, string>) => matches(episode, parseEpisodeFilter(query));
  expect(shows({ fault: "no_print", success: "false", split: "train", step: "4" })).toBe(true);
  expect(shows({ fault: "any" })).toBe(true);
  expect(shows({ task: episode.taskId.slice(-3).toUpperCase() })).toBe(true);
  expect(shows({ text: "TRAIN carries" })).toBe(true);
  expect(shows({ text: "not the reference" })).toBe(true);
  for (const query of [
    { fault: "none" },
    { fault: "early_answer" },
    { fault: "malformed_call" },
    { fault: "no_tool" },
    { fault: "not_finished" },
    { success: "true" },
    { split: "validation" },
    { step: "5-" },
    { task: "other" },
    { text: "carries bicycles" },
  ])
    expect(shows(query), JSON.stringify(query)).toBe(false);
});

test("a filtered list grows with the run and keeps its positions", () => {
  const list = new EpisodeList();
  const filter = parseEpisodeFilter({ success: "true" });
  for (let index = 0; index < 10; index += 1) list.add(row({ step: 1, index, isSuccess: index % 2 === 0 }));
  const first = [...list.filter(filter)];
  expect(first.map(({ line }) => line)).toEqual([0, 2, 4, 6, 8]);
  list.add(row({ step: 1, index: 10, isSuccess: true }));
  expect(list.filter(filter)).toEqual([...first, list.find("step-000001", 10)]);
  list.clear();
  expect(list.filter(filter)).toEqual([]);
});

test("a line that is no episode gives no row, and an episode with missing fields gives an empty one", () => {
  const place = { file: "step-000001", line: 0, offset: 0, length: 0 };
  for (const text of ["", "{", "null", "[1]", '"text"', "{}"]) expect(episodeRow(text, place)).toBeUndefined();
  expect(episodeRow('{"episodeId":"e"}', place)).toMatchObject({ episodeId: "e", taskId: "", reward: 0, turns: 0 });
});
