/** The small part of JSON schema that tool definitions use: is this value what the schema says? */

type Schema = Readonly<Record<string, unknown>>;

/** Depth at which checking stops; deeper values are taken as they are. */
const maxDepth = 32;

/** What is wrong with `value`, as one phrase; undefined when it fits. Keywords that are not known here fit. */
export function schemaFault(value: unknown, schema: unknown, path = "arguments", depth = 0): string | undefined {
  if (!isObject(schema) || depth > maxDepth) return undefined;
  if (schema["const"] !== undefined && !same(value, schema["const"])) return `${path} is not the value it must be`;
  if (Array.isArray(schema["enum"]) && !schema["enum"].some((each) => same(each, value))) {
    return `${path} is none of the values it may be`;
  }
  const choices = schema["anyOf"] ?? schema["oneOf"];
  if (Array.isArray(choices) && choices.every((each) => schemaFault(value, each, path, depth + 1) !== undefined)) {
    return `${path} fits none of its types`;
  }
  if (schema["type"] !== undefined && !hasType(value, schema))
    return `${path} is not ${[schema["type"]].flat().join(" or ")}`;
  if (Array.isArray(value)) return itemsFault(value, schema, path, depth);
  return isObject(value) ? propertiesFault(value, schema, path, depth) : undefined;
}

function propertiesFault(value: Schema, schema: Schema, path: string, depth: number): string | undefined {
  const properties = isObject(schema["properties"]) ? schema["properties"] : {};
  for (const name of Array.isArray(schema["required"]) ? (schema["required"] as string[]) : []) {
    if (!Object.hasOwn(value, name)) return `${path}.${name} is missing`;
  }
  for (const [name, each] of Object.entries(value)) {
    if (Object.hasOwn(properties, name)) {
      const fault = schemaFault(each, properties[name], `${path}.${name}`, depth + 1);
      if (fault !== undefined) return fault;
    } else if (schema["additionalProperties"] === false) {
      return `${path}.${name} is not known`;
    }
  }
  return undefined;
}

function itemsFault(value: readonly unknown[], schema: Schema, path: string, depth: number): string | undefined {
  for (const [index, each] of value.entries()) {
    const fault = schemaFault(each, schema["items"], `${path}[${index}]`, depth + 1);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function hasType(value: unknown, schema: Schema): boolean {
  if (value === null && schema["nullable"] === true) return true;
  return [schema["type"]].flat().some((type) => {
    switch (type) {
      case "string":
      case "boolean":
        return typeof value === type;
      case "number":
        return typeof value === "number";
      case "integer":
        return Number.isInteger(value);
      case "null":
        return value === null;
      case "array":
        return Array.isArray(value);
      case "object":
        return isObject(value);
      default:
        return true;
    }
  });
}

function isObject(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function same(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
