// Code by name: what travels in place of classes and functions.
export { type CodeRef, codeRefOf, fileOfRef, formatCodeRef, isPython, loadCode, standFor } from "./code-ref.ts";
