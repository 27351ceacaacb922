// The one-way imports between the rooms of the house: a folder may import only what its row names.
const may = {
  proto: [],
  configs: [],
  runtime: ["proto"],
  actors: ["runtime", "configs"],
  backbones: ["actors", "runtime", "configs"],
  tutorial: ["actors", "runtime"],
  bin: ["backbones", "actors", "runtime", "configs"],
};
const rooms = [...Object.keys(may), "test"];

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    ...Object.entries(may).map(([room, allowed]) => ({
      name: `${room}-imports`,
      comment: `${room}/ may import only ${allowed.length ? allowed.map((a) => `${a}/`).join(", ") : "itself"}`,
      severity: "error",
      from: { path: `^${room}/` },
      to: { path: `^(${rooms.filter((r) => r !== room && !allowed.includes(r)).join("|")})/` },
    })),
    ...rooms
      .filter((room) => room !== "test" && room !== "bin")
      .map((room) => ({
        name: `${room}-door`,
        comment: `${room}/ is entered by its index.ts`,
        severity: "error",
        from: { pathNot: `^(${room}|test)/` },
        to: {
          path: `^${room}/`,
          pathNot: [`^${room}/index\\.ts$`, `^${room}/[^/]+/index\\.(ts|js)$`, "^runtime/typescript/"],
        },
      })),
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "(^|/)(gen|bundles|node_modules|\\.venv)/" },
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "node", "types"] },
  },
};
