/** How astune finds a user's class from `module->Class`. */
export { type Constructor, loadClass, type PythonSource } from "./load-class.ts";
export { pythonLoadError } from "./python-load-error.ts";
