// Code by name: what travels in place of classes and functions.
export { type CodeRef, codeRefOf, loadCode, pythonRef } from "./code-ref.ts";
