/** Building elements. Everything that is shown passes through `textContent`, so no text can become markup. */

/** Finds the element with this id. */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page has no #${id}`);
  return found;
}

/**
 * Makes an element: `el("p.note", "text", child)`. Strings become text nodes; undefined and false children are left out.
 */
export function el(kind, ...children) {
  const [tag, ...classes] = kind.split(".");
  const node = document.createElement(tag);
  if (classes.length > 0) node.className = classes.join(" ");
  node.append(...children.flat().filter((child) => child !== undefined && child !== false && child !== ""));
  return node;
}

/** Sets attributes and returns the element. */
export function withAttributes(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  return node;
}
