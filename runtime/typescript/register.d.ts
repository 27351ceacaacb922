export function registerTypescript(aliases?: Readonly<Record<string, string>>): void;
