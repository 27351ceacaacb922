/** How astune finds a user's class from `module->Class`. */
export { type Constructor, loadClass } from "./load-class.ts";
