/** `astune download --target=openai/gsm8k --path=DIR`: brings a data set of the Hugging Face hub into a folder. */

import { mkdir } from "node:fs/promises";
import { resolve } from "node:path";
import { type DownloadProgress, downloadDataset } from "../../actors/tasks/index.ts";
import { UserError } from "../../configs/index.ts";

/** What the command is given; `print` writes one line. */
export interface DownloadCommand {
  readonly target: string;
  readonly path: string;
  readonly print: (line: string) => void;
}

const reportEveryMs = 2000;

/** Downloads all files of the data set, with a line for each file and, for large ones, every two seconds. */
export async function download({ target, path, print }: DownloadCommand): Promise<void> {
  if (!/^\w[\w.-]*(\/\w[\w.-]*)?$/.test(target)) {
    throw new UserError({
      where: "--target",
      expected: "a data set's name, such as openai/gsm8k",
      found: target || "nothing",
    });
  }
  if (path === "") throw new UserError({ where: "--path", expected: "a folder", found: "nothing" });
  const folder = resolve(path);
  await mkdir(folder, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    throw new UserError({
      where: folder,
      expected: "a folder that can be written",
      found: error.code ?? error.message,
    });
  });
  const started = performance.now();
  let last: DownloadProgress | undefined;
  let printedMs = started;
  const files = await downloadDataset({
    name: target,
    folder,
    onProgress: (progress) => {
      const now = performance.now();
      const isNext = last !== undefined && last.file !== progress.file;
      if (last && (isNext || now - printedMs > reportEveryMs)) {
        print(progressLine(isNext ? last : progress));
        printedMs = now;
      }
      last = progress;
    },
  });
  if (last) print(progressLine(last));
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  print(`${target}: ${files.length} files, ${megabytes(last?.totalBytes ?? 0)} in ${folder} (${seconds} s)`);
}

function progressLine({ file, fileIndex, files, receivedBytes, totalBytes }: DownloadProgress): string {
  const share = totalBytes === 0 ? 100 : Math.floor((100 * receivedBytes) / totalBytes);
  return `[${fileIndex + 1}/${files}] ${file}  ${megabytes(receivedBytes)} of ${megabytes(totalBytes)}  ${share}%`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
