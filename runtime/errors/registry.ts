// The error classes that can be rebuilt from their name when an error arrives from another process.
import * as actorErrors from "./actor-errors.ts";
import * as objectErrors from "./object-errors.ts";
import { InvalidOptionError, RayError } from "./ray-error.ts";
import * as systemErrors from "./system-errors.ts";

/** A class of errors. */
// biome-ignore lint/suspicious/noExplicitAny: any constructor's parameters; they are not called, only its prototype is used
export type ErrorClass = abstract new (...args: any[]) => Error;

const builtIn = [Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError];
const runtimeErrors = new Map<string, typeof RayError>();
const userErrors = new Map<string, ErrorClass>();

for (const Class of [RayError, InvalidOptionError, ...[actorErrors, objectErrors, systemErrors].flatMap(classesOf)]) {
  runtimeErrors.set(Class.name, Class as typeof RayError);
}

function classesOf(module: object): (typeof RayError)[] {
  return Object.values(module);
}

/**
 * Makes errors of this class arrive as instances of it when they cross between processes; without it they arrive as
 * Error with their name, message and fields. The class is found by its name; a second one of a name replaces the first.
 */
export function registerErrorClass(Class: ErrorClass): void {
  userErrors.set(Class.name, Class);
}

/** The class to rebuild an error of this name with, if this process knows it. */
export function errorClass(name: string): ErrorClass | undefined {
  return userErrors.get(name) ?? runtimeErrors.get(name) ?? builtIn.find((Class) => Class.name === name);
}

/** The runtime's own class of this name. */
export function runtimeErrorClass(name: string): typeof RayError | undefined {
  return runtimeErrors.get(name);
}
