// A full garbage collection on request, also where the process was not started with --expose-gc.
import { setImmediate as turn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

const atMostTurns = 1000;

/** Resolves when the collector has run and the registry that `register` puts an object into was told of what it found. */
export async function collectGarbage(register: (object: object, told: () => void) => void): Promise<void> {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  let wasTold = false;
  (() =>
    register({}, () => {
      wasTold = true;
    }))();
  // What this turn still has on its stack counts as reachable.
  await turn();
  collect();
  for (let turns = 0; !wasTold && turns < atMostTurns; turns += 1) await turn();
}
