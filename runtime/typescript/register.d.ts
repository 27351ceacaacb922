export function registerTypescript(aliases?: Readonly<Record<string, string>>, packages?: string): void;
